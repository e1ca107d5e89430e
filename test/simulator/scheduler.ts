/** What both engines have in common: the state of one schedule, and who is told about it. */
import Long from 'long';
import type { ScheduleContent } from '../../src/schedules/canonical.ts';
import type { BackfillRange, Described, OverlapPolicy } from '../../src/schedules/ports.ts';
import { type Schedule, durationMs, toNumber } from '../../src/schedules/times.ts';
import type { Execution, Runs } from './runs.ts';
import type { World } from './world.ts';

/** How slow the parts of a cluster are; each delay is drawn anew from 0 to its bound, ms. */
export interface Pace {
  /** V1: from a signal to the workflow task that takes it up. */
  applyMs: number;
  /** From the moment a timer is due to its task. */
  timerMs: number;
  /** V2: from a start being ready to its being sent; nothing stops it in between. */
  startMs: number;
  /** From a run's close to the scheduler being told. */
  closeMs: number;
  /** V1: Describe waits for a workflow task under way, as the strongly consistent query does. */
  consistentReads: boolean;
}

export const QUICK: Pace = { applyMs: 300, timerMs: 20, startMs: 60, closeMs: 60, consistentReads: true };

/** A policy that is left out is the schedule's own. */
export interface Patch {
  pause?: string;
  unpause?: string;
  trigger?: { policy?: OverlapPolicy };
  backfill?: { ranges: BackfillRange[]; policy?: OverlapPolicy };
}

/**
 * Why a nominal time did not run here, for transcripts. `write`: a write of the handover moved the mark past it; `user`, a
 * user's did; `tick`, the scheduler did by itself.
 */
export type Dropped = 'overlap' | 'paused' | 'limit' | 'write' | 'user' | 'tick' | 'catchup' | 'exists';
export type Writer = 'write' | 'user';

export interface Surroundings {
  world: World;
  runs: Runs;
  /** Of the jitter: namespace id and schedule id. */
  seed: number;
  /** The cluster's clock. */
  now: () => number;
  skewMs: number;
  pace: Pace;
  dropped: (nominalMs: number, why: Dropped) => void;
}

export interface Scheduler {
  readonly content: ScheduleContent;
  describe(): Described;
  /** For V1: until when a Describe has to wait, world's clock; undefined where it can be answered. */
  busyUntil(): number | undefined;
  /** `token` undefined: unconditional. */
  update(
    content: ScheduleContent,
    token: Uint8Array | undefined,
    requestId: string,
    by: Writer,
  ): 'accepted' | 'conflict';
  patch(patch: Patch, requestId: string, by: Writer): void;
  closed(execution: Execution): void;
  /** Whether this time is in its buffer, or in a backfill it has taken and not worked off. */
  holds(nominalMs: number): boolean;
  /** Deleted: nothing of it acts any more. */
  stop(): void;
}

/** Takes one of a limited schedule's actions; undefined when there is none, or it is paused. */
export function takeAction(schedule: Schedule, decrement: boolean): Schedule | undefined {
  const { state } = schedule;
  if (state?.paused) return undefined;
  if (!state?.limitedActions) return schedule;
  const left = toNumber(state.remainingActions);
  if (left <= 0) return undefined;
  return decrement ? { ...schedule, state: { ...state, remainingActions: Long.fromNumber(left - 1) } } : schedule;
}

const MIN_CATCHUP_MS = 10_000;
const DEFAULT_CATCHUP_MS = 365 * 86_400_000;

/** Absent: a year. Too short: ten seconds; but none at all is the default too on V2 (catchupWindow in spec_processor.go). */
export function catchupMs(schedule: Schedule, engine: 'v1' | 'v2'): number {
  const window = schedule.policies?.catchupWindow;
  if (!window) return DEFAULT_CATCHUP_MS;
  const ms = durationMs(window);
  if (engine === 'v2' && ms <= 0) return DEFAULT_CATCHUP_MS;
  return Math.max(ms, MIN_CATCHUP_MS);
}

export function idOf(schedule: Schedule): string {
  return schedule.action?.startWorkflow?.workflowId ?? '';
}
