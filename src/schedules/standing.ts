/** Where one due time stands between its scheduler and us. Pure but for the clock. */
import { waitsInBuffer } from './overlap.ts';
import type { Described, RecentAction, Time } from './ports.ts';
import type { Range } from './settling.ts';
import { type Due, isAhead, ranAs } from './verdicts.ts';

/** Generated, not buffered and not among the recent actions: for this long that may be two reads crossing. */
export const GRACE_MS = 1_000;
/** A scheduler that has not even looked at a due time for this long is not going to while we wait. */
const STUCK_MS = 120_000;
/** A due time further ahead than this is not waited for: its run is started now, to begin at its time. */
const LONG_WAIT_MS = 30_000;

/**
 * Whether its scheduler may still hold it in its buffer: asked for again, it would run twice. The buffer of V1 is a
 * queue: a start of a later time tells that it is not in there any more.
 */
export function mayWait(due: Due, nominalMs: number, after: Described, range: Range): boolean {
  const { buffered, recent, schedule } = after;
  if (range.role === 'shut' || schedule.state?.paused || buffered === 0 || !waitsInBuffer(after)) return false;
  if (range.idle && nominalMs >= range.idle.fromMs && due.dueMs < range.idle.toMs) return false;
  // On V2 a new start may overtake those that wait until the close of a run is told of.
  return after.engine === 'v2' || !recent.some(({ dueMs }) => dueMs > due.dueMs);
}

/** Where one due time stands: run, or waiting for its scheduler, or for us. */
export function standing(
  d: Due,
  after: Described,
  { role }: Range,
  time: Time,
  tracked: boolean,
): RecentAction | 'ahead' | 'pending' | 'late' | 'stuck' {
  const run = ranAs(d, after.recent);
  if (run) return run;
  if (role === 'shut') return 'late';
  const ahead = d.dueMs - time.now();
  if (isAhead(d, after.futureMs)) {
    // The target will run it by itself; the source must have done so, or leave it to a start with delay.
    if (role === 'target' && (ahead > 0 || ahead < -LONG_WAIT_MS)) return 'ahead';
    if (after.schedule.state?.paused) return 'late';
    if (ahead < -STUCK_MS) return 'stuck';
    return ahead > LONG_WAIT_MS ? 'late' : 'pending';
  }
  // Generated, and on its way: by its own clock it may be due a moment earlier.
  if ((ahead <= 0 || after.buffered > 0) && stillTheSchedulers(d, after, time)) return 'pending';
  // Dropped by a write of ours (V2 moves its mark to now). A scheduler can be asked for it when it is due; by id it is
  // started now, to begin when it is due.
  return tracked && ahead > 0 && ahead <= LONG_WAIT_MS ? 'pending' : 'late';
}

function stillTheSchedulers(due: Due, described: Described, time: Time): boolean {
  const lateBy = time.now() - due.dueMs;
  return lateBy < GRACE_MS || (described.buffered > 0 && lateBy < LONG_WAIT_MS);
}
