/** The tenant's record as short markdown for the Web UI. */
import { routeSentence } from '../routes/sentence.ts';
import type { Behind } from './tenant-behind.ts';
import { holderText, type TenantRecord } from './tenant-record.ts';

const EVENTS_SHOWN = 10;

export function tenantDetails({ tenant, owner, route, lock, behind, history, updatedAt }: TenantRecord): string {
  const held = lock
    ? `Held by ${holderText({ ...lock, migration: `\`${lock.migration}\`` })} since ${lock.since}.`
    : 'No migration holds it.';
  const events = history
    .slice(-EVENTS_SHOWN)
    .toReversed()
    .map(({ at, migration, event }) => `- ${at} \`${migration.slice(0, 80)}\`: ${event.slice(0, 150)}`);
  return [
    `## Tenant ${tenant}`,
    `Owner: **${owner ?? 'never migrated'}**, as of ${updatedAt ?? 'its start'}`,
    `Its workflows ${routeSentence(route)}.`,
    held,
    ...(behind ? [behindText(behind)] : []),
    ...(events.length === 0 ? [] : ['**Last events**', events.join('\n')]),
  ].join('\n\n');
}

function behindText({ schedules, more }: Behind): string {
  const [first] = schedules;
  const count = schedules.length + more;
  const found = first
    ? ` The first: \`${first.schedule.slice(0, 80)}\` on ${first.cluster}, ${first.found.slice(0, 150)}.`
    : '';
  return `**${count} paused ${count === 1 ? 'copy is' : 'copies are'} behind** their schedules: start \`ReconcileSchedules\`.${found}`;
}
