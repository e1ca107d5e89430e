/**
 * What users did to a schedule while it changed hands. Its content has two places then, the fenced source and the open
 * target: an edit of one is carried to the other, edits of both are refused. Pure.
 */
import { type ScheduleContent, differingFields, fingerprint, specFingerprint, userAttributes } from './canonical.ts';
import { readNote } from './note.ts';
import type { Described } from './ports.ts';
import { isOurBound } from './shapes.ts';
import type { Schedule } from './times.ts';

/** The two sides' content as their users wrote it: a bound of ours on one side hides what the other side shows. */
export function contents(source: Schedule, target: Schedule): { source: Schedule; target: Schedule } {
  const endOf = (own: Schedule, other: Schedule) =>
    isOurBound(own.spec?.endTime) ? other.spec?.endTime : own.spec?.endTime;
  const startOf = (own: Schedule, other: Schedule) =>
    isOurBound(own.spec?.startTime) ? other.spec?.startTime : own.spec?.startTime;
  const user = (own: Schedule, other: Schedule): Schedule => ({
    ...own,
    spec: { ...own.spec, startTime: startOf(own, other), endTime: endOf(own, other) },
  });
  return { source: user(source, target), target: user(target, source) };
}

export interface EditedByBoth {
  by: 'both';
  /** Names of the fields that differ. */
  fields: string[];
}

/** By whom the content was edited since the fence was built. */
export type Edited =
  | { by: 'nobody' | 'target' }
  | { by: 'source'; content: Schedule; searchAttributes: ScheduleContent['searchAttributes'] }
  | EditedByBoth;

/** Fields in which the two sides differ as their users wrote them; search attributes are the schedule's own, not a run's. */
export function differing(
  source: Described,
  target: Described,
  user: ReturnType<typeof contents> = contents(source.schedule, target.schedule),
): string[] {
  const side = (schedule: Schedule, { searchAttributes }: Described): ScheduleContent => ({
    schedule,
    searchAttributes,
  });
  return differingFields(side(user.source, source), side(user.target, target));
}

/** Undefined where they are the same: an update without any leaves them alone. */
function attributesToWrite(source: Described, target: Described): ScheduleContent['searchAttributes'] {
  const same = differing(source, target).every((field) => !field.startsWith('searchAttributes'));
  return same ? undefined : (userAttributes(source.searchAttributes) ?? { indexedFields: {} });
}

/**
 * Which side was edited since the fence was built. The fence's note tells what stood there then; where somebody has
 * overwritten the note, the servers' stamps of the last update since the target was opened (`seenTarget`) decide.
 */
export function editedBy(source: Described, target: Described, seenTarget: Described): Edited {
  const user = contents(source.schedule, target.schedule);
  const fields = differing(source, target, user);
  if (fields.length === 0) return { by: 'nobody' };
  const { mark } = readNote(source.schedule.state?.notes);
  if (mark?.kind === 'standby') return { by: 'target' };
  const was = mark?.content;
  const bySource =
    was === undefined
      ? (source.updatedMs ?? 0) > (seenTarget.updatedMs ?? 0)
      : fingerprint(user.source, source.searchAttributes) !== was;
  const byTarget =
    was === undefined
      ? (target.updatedMs ?? 0) > (seenTarget.updatedMs ?? 0)
      : fingerprint(user.target, target.searchAttributes) !== was;
  if (bySource && byTarget) return { by: 'both', fields };
  if (!bySource) return { by: 'target' };
  return { by: 'source', content: user.source, searchAttributes: attributesToWrite(source, target) };
}

/**
 * When its times were changed since the fence was built, by the stamp of the side they were changed on, ms; undefined where
 * they were not: times of the new spec from before were never meant to run.
 */
export function specEditedMs(source: Described, target: Described, { by }: Edited): number | undefined {
  const user = contents(source.schedule, target.schedule);
  const [here, there] = [specFingerprint(user.source), specFingerprint(user.target)];
  const { mark } = readNote(source.schedule.state?.notes);
  if (mark?.kind === 'fence' && mark.content !== undefined) {
    if (!mark.content.startsWith(here)) return source.updatedMs;
    return mark.content.startsWith(there) ? undefined : target.updatedMs;
  }
  if (here === there) return undefined;
  return (by === 'source' ? source : target).updatedMs;
}
