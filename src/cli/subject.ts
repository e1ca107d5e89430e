/** Which migration, or which rollout, is meant by a name or a workflow id. */
import { routeSentence } from '../routes/sentence.ts';
import type { Control, Found } from './control.ts';
import { CliError, EXIT } from './exit.ts';
import { recordText } from './render.ts';
import { shell } from './words.ts';

/**
 * The tenant's record knows who holds it, whatever workflow id that has; then the id the docs suggest; then the word itself;
 * then a rollout of this name.
 */
export async function findSubject(control: Control, subject: string): Promise<Found> {
  const record = await control.record(subject);
  const ids = [...(record?.lock ? [record.lock.migration] : []), `migrate/${subject}`, subject, `rollout/${subject}`];
  for (const id of new Set(ids)) {
    const found = await control.find(id);
    if (found?.type === 'MigrateTenant' || found?.type === 'RolloutTenants') return found;
  }
  if (record?.owner) {
    throw new CliError(
      EXIT.unwished,
      `${recordText(subject, record)}\n  its last migration is not known any more: name its workflow id, or start another`,
    );
  }
  const plan = await control.find(`plan/${subject}`);
  const planned = plan?.type === 'MigrateTenant' ? ` There is a plan: \`ferry status ${shell(plan.workflowId)}\`.` : '';
  // A plan leaves a record too, without an owner.
  if (record) {
    const routed = record.route ? ` Its workflows ${routeSentence(record.route)}.` : '';
    throw new CliError(
      EXIT.unwished,
      `"${subject}" was never migrated, and no migration holds it.${routed}${planned} Start one with \`ferry migrate ${shell(subject)}\`.`,
    );
  }
  throw new CliError(
    EXIT.unwished,
    `There is no migration of "${subject}": looked for a tenant of this name and for the workflow ids ` +
      `migrate/${subject}, ${subject} and rollout/${subject}.${planned} Name a tenant, a rollout or the workflow id of either; start one with ` +
      `\`ferry migrate ${shell(subject)}\`.`,
  );
}
