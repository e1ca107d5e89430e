/** `npm run search-attributes`: registers the product's search attributes on the profile `control`. Safe to repeat. */
import { connectProfile } from './lib/profiles.ts';
import { ferrySearchAttributes, registerFerrySearchAttributes } from './lib/search-attributes.ts';

const { connection, namespace } = await connectProfile('control');
try {
  const added = await registerFerrySearchAttributes(connection, namespace);
  const all = ferrySearchAttributes.join(', ');
  console.log(
    added.length > 0
      ? `Registered ${added.join(', ')} in ${namespace}.`
      : `${all} are registered in ${namespace} already.`,
  );
} finally {
  await connection.close();
}
