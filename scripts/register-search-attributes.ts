/** `npm run search-attributes`: registers the product's search attributes on the control namespace. Safe to repeat. */
import { explain } from '../src/cli/errors.ts';
import { controlClient } from '../src/compose.ts';
import { optionsFromEnvironment } from '../src/worker.ts';
import { readOptions } from './lib/options.ts';
import { ferrySearchAttributes, registerFerrySearchAttributes } from './lib/search-attributes.ts';

const all = ferrySearchAttributes.join(', ');
readOptions({
  name: 'search-attributes',
  does: `registers ${all} (Keyword) on the control namespace.
TEMPORAL_CONFIG_FILE is the temporal.toml, FERRY_CONTROL_PROFILE the profile in it (default: control). Safe to repeat.`,
  options: {},
  lasts: 'some seconds',
});
const options = optionsFromEnvironment(process.env);
const { controlProfile = 'control' } = options;
try {
  const { client, close } = controlClient(options);
  const { connection } = client;
  const { namespace } = client.options;
  try {
    // A cluster that is not there is to be told at once, in the product's words.
    await connection.withDeadline(Date.now() + 10_000, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const added = await registerFerrySearchAttributes(connection, namespace);
    const [what, already] = added.length > 0 ? [added.join(', '), ''] : [all, ' already'];
    console.log(`Registered${already} in namespace ${namespace} of profile "${controlProfile}": ${what}.`);
  } finally {
    await close();
  }
} catch (error) {
  const { code, message } = explain(error, controlProfile);
  console.error(`search-attributes: ${message}`);
  process.exitCode = code;
}
