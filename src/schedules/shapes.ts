/**
 * The four shapes a schedule takes while it changes owner, as pure functions of what the user wrote. Everything a shape
 * does not name is carried byte for byte.
 *
 * A bound temporal-ferry sets carries SIGNATURE_MS and a little more behind its whole second. Nominal times are whole seconds, so the
 * fraction changes nothing the scheduler does; it tells our bound from a user's even where somebody overwrote the note
 * (pausing in the Web UI, or pauseOnFailure, replaces it).
 */
import Long from 'long';
import { type Schedule, type Timestamp, toMs, toNumber } from './times.ts';
import { type FenceMark, type StandbyMark, readNote, writeNote } from './note.ts';

const SIGNATURE_MS = 337;
/** What follows the signature where nothing is to be told, ns; else it is a span of time, in steps of 10 ms. */
const NOTHING_TOLD = 790_000;
const STEP_MS = 10;

export function isOurBound(t: Timestamp | null | undefined): boolean {
  return Math.floor((t?.nanos ?? 0) / 1e6) === SIGNATURE_MS;
}

function ourBound(ms: number, spanMs?: number): Timestamp {
  const steps = Math.ceil((spanMs ?? Infinity) / STEP_MS);
  const told = steps < NOTHING_TOLD ? Math.max(0, steps) : NOTHING_TOLD;
  return { seconds: Long.fromNumber(Math.floor(ms / 1000)), nanos: SIGNATURE_MS * 1e6 + told };
}

/**
 * From where on a fenced source's runs are to be proven, by its bound alone, ms: its note is lost where a person, or
 * pauseOnFailure, has paused it. Undefined where it is not told; the boundary itself where a client with milliseconds has rounded it away.
 */
export function fencedSince(schedule: Schedule): number | undefined {
  const boundary = fencedBoundary(schedule);
  const steps = (schedule.spec?.endTime?.nanos ?? 0) % 1e6;
  return boundary === undefined || steps === NOTHING_TOLD ? undefined : boundary - steps * STEP_MS;
}

/** First nominal time of the new owner, read off a fenced source; undefined where there is no fence. */
export function fencedBoundary(schedule: Schedule): number | undefined {
  const end = schedule.spec?.endTime;
  return isOurBound(end) ? (toNumber(end?.seconds) + 1) * 1000 : undefined;
}

/** Whether it runs nothing from the boundary on: by our bound, or because its user ends it earlier. */
export function isBoundedBefore(schedule: Schedule, boundary: number): boolean {
  const end = toMs(schedule.spec?.endTime);
  return end !== undefined && end < boundary;
}

/** Boundary an opened target starts from; undefined where our bound has been taken off again. */
export function openedBoundary(schedule: Schedule): number | undefined {
  const start = schedule.spec?.startTime;
  return isOurBound(start) ? toNumber(start?.seconds) * 1000 : undefined;
}

/**
 * The paused copy. Carries the user's spec unbounded. A mark with `userPaused` is a side giving up: until the other side
 * is open it is the only keeper of the user's note and pause.
 */
export function standby(user: Schedule, mark: StandbyMark): Schedule {
  const note = mark.userPaused === undefined ? '' : readNote(user.state?.notes).user;
  return { ...user, state: { ...user.state, paused: true, notes: writeNote(mark, note) } };
}

/** What a side that gave up was before: its user's pause and note back in place. */
export function beforeGivingUp(rest: Schedule): Schedule {
  const { mark, user } = readNote(rest.state?.notes);
  const paused = mark?.kind === 'standby' ? Boolean(mark.userPaused) : true;
  return { ...rest, state: { ...rest.state, paused, notes: user } };
}

/** The source, running up to but not including the boundary. A user's earlier end stays the end. */
export function fenced(source: Schedule, mark: FenceMark, userEnd = source.spec?.endTime): Schedule {
  const endMs = toMs(userEnd);
  const endsBefore = endMs !== undefined && endMs < mark.boundary && !isOurBound(userEnd);
  const note = readNote(source.state?.notes).user;
  const told = mark.next === undefined ? undefined : mark.boundary - mark.next;
  return {
    ...source,
    spec: { ...source.spec, endTime: endsBefore ? userEnd : ourBound(mark.boundary - 1000, told) },
    state: { ...source.state, notes: writeNote(mark, note) },
  };
}

/** The target, running from the boundary on. `userEnd` is the user's own end, which the fence hides on the source. */
export function opened(source: Schedule, boundary: number, userEnd: Timestamp | null | undefined): Schedule {
  const userStart = toMs(source.spec?.startTime);
  const startsLater = userStart !== undefined && userStart > boundary;
  return {
    ...source,
    spec: { ...source.spec, endTime: userEnd, startTime: startsLater ? source.spec?.startTime : ourBound(boundary) },
    state: { ...source.state, notes: readNote(source.state?.notes).user },
  };
}

/** A limited schedule with so many actions left; any other as it is. */
export function withActions(schedule: Schedule, left: number): Schedule {
  if (!schedule.state?.limitedActions) return schedule;
  return { ...schedule, state: { ...schedule.state, remainingActions: Long.fromNumber(Math.max(0, left)) } };
}

/** What the user wrote, with the bounds and the mark taken off. */
export function asUserWrote(
  schedule: Schedule,
  bounds: { startTime?: Timestamp | null; endTime?: Timestamp | null },
): Schedule {
  return {
    ...schedule,
    spec: { ...schedule.spec, startTime: bounds.startTime, endTime: bounds.endTime },
    state: { ...schedule.state, notes: readNote(schedule.state?.notes).user },
  };
}

/** The owner's schedule as its user wrote it. A start of ours, left on it for a while, hides theirs; the copy has it. */
export function ownerAsUserWrote(owner: Schedule, copy: Schedule): Schedule {
  const startTime = isOurBound(owner.spec?.startTime) ? copy.spec?.startTime : owner.spec?.startTime;
  return asUserWrote(owner, { startTime, endTime: owner.spec?.endTime });
}
