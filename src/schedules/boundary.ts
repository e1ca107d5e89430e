/**
 * When a schedule changes owner. Pure: all times are milliseconds, `now` is the caller's clock; correctness never rests
 * on it (the server's own stamp of the fence decides), only punctuality does.
 */
import proto from '@temporalio/proto';
import type { Described } from './ports.ts';
import { durationMs } from './times.ts';

export type Crossing =
  /** Nothing is due on either side for a while: give up and take over, one write each. */
  | { kind: 'quiet'; boundary: number }
  /** The schedule is busy: bound both sides at `boundary`. */
  | { kind: 'fence'; boundary: number };

/** A schedule with nothing due this long can change owner with two plain writes; a multiple of a slow round trip. */
export const QUIET_MS = 20_000;

const { SCHEDULE_OVERLAP_POLICY_ALLOW_ALL } = proto.temporal.api.enums.v1.ScheduleOverlapPolicy;

export function allowsOverlap(source: Described): boolean {
  return source.schedule.policies?.overlapPolicy === SCHEDULE_OVERLAP_POLICY_ALLOW_ALL;
}

/** Whether the target may open only when the source has nothing running and has counted its last action. */
export function mustBeIdle(source: Described): boolean {
  return !allowsOverlap(source) || Boolean(source.schedule.state?.limitedActions);
}

export function chooseCrossing(source: Described, now: number, leadMs: number): Crossing {
  const soonest = wholeSecondFrom(now + leadMs);
  if (source.schedule.state?.paused) return { kind: 'quiet', boundary: wholeSecondFrom(now) };
  const jitter = durationMs(source.schedule.spec?.jitter);
  const next = source.futureMs[0];
  const idle = source.buffered === 0 && (allowsOverlap(source) || source.running.length === 0);
  // The next due time is jittered, here and differently on the target; its nominal time is at most `jitter` earlier.
  if (idle && (next === undefined || next - jitter > now + QUIET_MS)) {
    return { kind: 'quiet', boundary: wholeSecondFrom(now) };
  }
  // With no jitter a due time is a nominal time. Ending right before one leaves the whole lull in front of it for the
  // source's last run to end and for the target to open.
  const lull = jitter === 0 ? source.futureMs.find((due) => due >= now + leadMs) : undefined;
  return { kind: 'fence', boundary: lull !== undefined && lull <= now + leadMs + QUIET_MS ? lull : soonest };
}

/**
 * How long to wait before a write to a V2 source, which drops an action that is due but not yet generated: until the
 * due time just ahead has passed. Zero when the moment is quiet already.
 */
export function untilQuietMoment(source: Described, now: number): number {
  if (source.engine === 'v1') return 0;
  const next = source.futureMs[0];
  if (next === undefined || next > now + V2_GUARD_MS) return 0;
  return Math.max(next - now, 0) + V2_GUARD_MS;
}

const V2_GUARD_MS = 250;

function wholeSecondFrom(ms: number): number {
  return Math.ceil(ms / 1000) * 1000;
}
