/**
 * When a schedule changes owner. Pure: all times are milliseconds, `now` is the caller's clock; correctness never rests
 * on it (the server's own stamp of the fence decides), only punctuality does.
 */
import { allowsOverlap } from './overlap.ts';
import type { Described } from './ports.ts';
import { durationMs } from './times.ts';

export type Crossing =
  /** Nothing is due for a while: give up and take over, one write each. */
  | { kind: 'quiet' }
  /** Nothing is due for a while from `fromMs` on: wait for it. */
  | { kind: 'lull'; fromMs: number }
  /** Nothing is due for a while, but a run is open that the next one must not meet: wait for its end. */
  | { kind: 'open-run' }
  /** The schedule is busy: bound both sides at `boundary`. */
  | { kind: 'fence'; boundary: number };

/** A schedule with nothing due this long can change owner with two plain writes; a multiple of a slow round trip. */
export const QUIET_MS = 20_000;
/** A run that is due at the start of a lull is started, and often over, this much later. */
const LULL_MARGIN_MS = 2_000;

/**
 * Whether the target may open only when the source has nothing running and has counted its last action. With
 * pauseOnFailure the source's last run decides whether the target opens at all.
 */
export function mustBeIdle({ schedule }: Described): boolean {
  const { policies, state } = schedule;
  return !allowsOverlap({ schedule }) || Boolean(state?.limitedActions) || Boolean(policies?.pauseOnFailure);
}

/** Nothing is open or waiting that the target must not meet. */
export function isIdle(source: Described): boolean {
  return source.buffered === 0 && (!mustBeIdle(source) || source.running.length === 0);
}

export function chooseCrossing(source: Described, now: number, leadMs: number): Crossing {
  if (source.schedule.state?.paused) return { kind: 'quiet' };
  const jitter = durationMs(source.schedule.spec?.jitter);
  const { futureMs } = source;
  if (futureMs[0] === undefined || futureMs[0] > now + QUIET_MS) {
    return { kind: isIdle(source) ? 'quiet' : 'open-run' };
  }
  // With a long jitter a fence would have to wait for times that are past with their jitter ahead. Between two due times
  // there is no such wait: what is ahead then has not begun, and the target runs it.
  if (jitter > QUIET_MS) {
    // A scheduler lists its next ten only: behind the tenth is no lull that anybody knows of.
    const end = futureMs.length < LISTED ? Infinity : 0;
    const last = futureMs.findIndex((due, i) => (futureMs[i + 1] ?? end) > due + LULL_MARGIN_MS + QUIET_MS);
    const from = futureMs[last];
    if (from !== undefined && from < now + MAX_LULL_WAIT_MS) return { kind: 'lull', fromMs: from + LULL_MARGIN_MS };
  }
  const soonest = wholeSecondFrom(now + leadMs);
  // With no jitter a due time is a nominal time. Ending right before one leaves the whole lull in front of it for the
  // source's last run to end and for the target to open.
  const lull = jitter === 0 ? futureMs.find((due) => due >= now + leadMs) : undefined;
  return { kind: 'fence', boundary: lull !== undefined && lull <= now + leadMs + QUIET_MS ? lull : soonest };
}

const MAX_LULL_WAIT_MS = 60_000;
const LISTED = 10;

/**
 * The first nominal time the source has not run, for a schedule that is about to cross quietly: from here on everything
 * is the target's. `dueBefore`: the source's last due time that has passed.
 */
export function quietBoundary(source: Described, now: number, dueBefore: number | undefined): number {
  const jitter = durationMs(source.schedule.spec?.jitter);
  if (jitter === 0) return wholeSecondFrom(now);
  // A nominal time is after the due time before it, and not longer ago than the jitter.
  const earliest = Math.floor((now - jitter) / 1000) * 1000;
  return dueBefore === undefined ? earliest : Math.max(earliest, wholeSecondFrom(dueBefore + 1));
}

/**
 * How long to wait before a write to a V2 source, which drops an action that is due but not yet generated: until the
 * due time just ahead has passed. Zero when the moment is quiet already. `now` is the cluster's, as far as it is known.
 */
export function untilQuietMoment(source: Described, now: { earliest: number; latest: number }): number {
  if (source.engine === 'v1') return 0;
  const next = source.futureMs[0];
  if (next === undefined || next > now.latest + V2_GUARD_MS) return 0;
  return Math.max(next - now.earliest, 0) + V2_GUARD_MS;
}

/** A V2 scheduler has generated what is due this long after it was. */
export const V2_GUARD_MS = 250;

export function wholeSecondFrom(ms: number): number {
  return Math.ceil(ms / 1000) * 1000;
}
