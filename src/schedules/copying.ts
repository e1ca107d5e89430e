/** The paused copy on the target: created once, then kept equal to its source until its source hands over to it. */
import { ChangedMeanwhile, change } from './change.ts';
import { differingFields, userAttributes } from './canonical.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';
import { readNote } from './note.ts';
import { asUserWrote, ownerAsUserWrote, standby } from './shapes.ts';

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
  const user = { ...source, schedule: ownerAsUserWrote(source.schedule, target.schedule) };
  if (differingFields(user, target).some((field) => field.startsWith('memo'))) {
    // Deleting takes no token: an attempt that was overtaken must not delete a copy that has been opened since.
    const now = await c.target.describe(id);
    if (readNote(now?.schedule.state?.notes).mark?.kind !== 'standby') {
      throw new ChangedMeanwhile(c.target.profile, id, 'it is no paused copy any more');
    }
    await c.target.delete(id);
    await createStandby(c, id, user);
    return;
  }
  const searchAttributes = userAttributes(source.searchAttributes) ?? { indexedFields: {} };
  await change(c.target, c.time, id, target, copyOf(c, user), { searchAttributes });
}

function copyOf(c: Copying, source: Described) {
  const spec = source.schedule.spec;
  return standby(asUserWrote(source.schedule, { startTime: spec?.startTime, endTime: spec?.endTime }), {
    kind: 'standby',
    owner: c.source.profile,
    migration: c.migration,
  });
}
