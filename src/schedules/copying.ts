/** The paused copy on the target: created once, then kept equal to its source until its source hands over to it. */
import { change } from './change.ts';
import { differingFields, userAttributes } from './canonical.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';
import { asUserWrote, standby } from './shapes.ts';

export interface Copying {
  source: ScheduleCluster;
  target: ScheduleCluster;
  time: Time;
  migration: string;
}

/** `exists` says somebody was faster: read it and decide again. */
export async function createStandby(c: Copying, id: string, source: Described): Promise<'created' | 'exists'> {
  return c.target.create(id, {
    schedule: copyOf(c, source),
    memo: source.memo,
    searchAttributes: userAttributes(source.searchAttributes),
  });
}

/**
 * Brings a copy that has drifted in line. A changed memo needs delete and create, since V1 cannot update one; the copy
 * has never run, so nothing is lost with it.
 */
export async function bringStandbyUpToDate(
  c: Copying,
  id: string,
  source: Described,
  target: Described,
): Promise<void> {
  if (differingFields(source, target).some((field) => field.startsWith('memo'))) {
    await c.target.delete(id);
    await createStandby(c, id, source);
    return;
  }
  const searchAttributes = userAttributes(source.searchAttributes) ?? { indexedFields: {} };
  await change(c.target, c.time, id, target, copyOf(c, source), { searchAttributes });
}

function copyOf(c: Copying, source: Described) {
  const spec = source.schedule.spec;
  return standby(asUserWrote(source.schedule, { startTime: spec?.startTime, endTime: spec?.endTime }), {
    kind: 'standby',
    owner: c.source.profile,
    migration: c.migration,
  });
}
