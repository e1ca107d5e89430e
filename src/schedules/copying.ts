/** The paused copy on the target: created once, then kept equal to its source until its source hands over to it. */
import { ChangedMeanwhile, change } from './change.ts';
import { differingFields, fingerprint, userAttributes } from './canonical.ts';
import type { Described, ScheduleStore, Time } from './ports.ts';
import { type StandbyMark, readNote, standbyMark } from './note.ts';
import { asUserWrote, ownerAsUserWrote, standby } from './shapes.ts';
import type { Schedule } from './times.ts';

export interface Copying {
  source: Pick<ScheduleStore, 'profile'>;
  target: ScheduleStore;
  time: Time;
  migration: string;
}

/** `exists` says somebody was faster: read it and decide again. */
export async function createStandby(
  c: Copying,
  id: string,
  source: Described,
  /** A copy this one takes the place of. */
  before?: Described,
): Promise<'created' | 'exists'> {
  return c.target.create(id, {
    schedule: copyOf(c, source, before),
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
    await createStandby(c, id, user, target);
    return;
  }
  const searchAttributes = userAttributes(source.searchAttributes) ?? { indexedFields: {} };
  await change(c.target, c.time, id, target, copyOf(c, user, target), { searchAttributes });
}

/** Whether somebody has edited the copy itself; undefined where its note does not tell what was copied. */
export function editedCopy({ schedule, searchAttributes }: Described): boolean | undefined {
  const content = standbyMark({ schedule })?.content;
  return content === undefined ? undefined : content !== fingerprint(schedule, searchAttributes);
}

function copyOf(c: Copying, source: Described, before?: Described): Schedule {
  const { startTime, endTime } = source.schedule.spec ?? {};
  const user = asUserWrote(source.schedule, { startTime, endTime });
  const kept = before && standbyMark(before);
  const content = fingerprint(user, source.searchAttributes);
  const fresh: StandbyMark = { kind: 'standby', owner: c.source.profile, migration: c.migration };
  // Of a side that gave up, its boundary and what is owed stand for as long as the copy does; so does the note behind them.
  const mark = { ...(kept?.owner === c.source.profile ? kept : fresh), content };
  const notes = readNote(before?.schedule.state?.notes).user;
  return standby({ ...user, state: { ...user.state, notes } }, mark);
}
