/**
 * What an overlap policy says of times that fell due while nobody could run them. Pure. The rules are those the server's
 * schedulers use for their own buffer (service/worker/scheduler/buffer.go, for both engines).
 */
import proto, { type temporal } from '@temporalio/proto';
import type { Described, OverlapPolicy } from './ports.ts';
import type { Due } from './verdicts.ts';

const {
  SCHEDULE_OVERLAP_POLICY_SKIP: SKIP,
  SCHEDULE_OVERLAP_POLICY_BUFFER_ONE: BUFFER_ONE,
  SCHEDULE_OVERLAP_POLICY_BUFFER_ALL: BUFFER_ALL,
  SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER: CANCEL_OTHER,
  SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER: TERMINATE_OTHER,
  SCHEDULE_OVERLAP_POLICY_ALLOW_ALL: ALLOW_ALL,
} = proto.temporal.api.enums.v1.ScheduleOverlapPolicy;

/** A due time nobody has run, and its nominal time, ms. */
export interface Missing {
  due: Due;
  nominalMs: number;
}

/** A run the policy looks at. */
export interface Occupied {
  dueMs: number;
  startedMs: number;
  /** Infinity while it is open. */
  closeMs: number;
}

/** The policy in force: unspecified is SKIP. */
export function policyOf({ policies }: temporal.api.schedule.v1.ISchedule): OverlapPolicy {
  return policies?.overlapPolicy || SKIP;
}

export function allowsOverlap({ schedule }: Pick<Described, 'schedule'>): boolean {
  return policyOf(schedule) === ALLOW_ALL;
}

/** How the policy makes room for the next run, if it does not wait for the open one to end by itself. */
export function endsOpenRuns({ schedule }: Pick<Described, 'schedule'>): 'cancel' | 'terminate' | undefined {
  const policy = policyOf(schedule);
  if (policy === CANCEL_OTHER) return 'cancel';
  return policy === TERMINATE_OTHER ? 'terminate' : undefined;
}

/** What a scheduler is told to do with times it is given at once: all of them, one after the other. */
export const IN_ORDER: OverlapPolicy = BUFFER_ALL;

/**
 * Which of the missing times (ascending) are run now, one after the other, and which the policy leaves out. A time that
 * fell into no open run is run: a scheduler that had been there would have started it.
 */
export function byPolicy(
  policy: OverlapPolicy,
  missing: Missing[],
  runs: Occupied[],
): { run: Missing[]; leftOut: Missing[] } {
  const run: Missing[] = [];
  const leftOut: Missing[] = [];
  let slotTaken: Occupied | undefined;
  const dues = [...missing.map(({ due }) => due.dueMs), ...runs.map(({ dueMs }) => dueMs)];
  for (const m of missing) {
    const { dueMs } = m.due;
    const over = runs.find(({ startedMs, closeMs }) => startedMs <= dueMs && dueMs < closeMs);
    let leaves = false;
    if (policy === SKIP) leaves = over !== undefined;
    // The slot is free again once the one that waited in it has started.
    else if (policy === BUFFER_ONE && over) leaves = slotTaken === over || waitedOver(runs, dueMs);
    else if (policy === CANCEL_OTHER || policy === TERMINATE_OTHER) {
      // Of those that wait for an open run to end, the last one replaces the others.
      const until = occupiedUntil(runs, dueMs) + LEARNS_MS;
      leaves = dues.some((other) => other > dueMs && other <= until);
    }
    if (!leaves) slotTaken = over;
    (leaves ? leftOut : run).push(m);
  }
  return { run, leftOut };
}

/** When a time that fell due at `dueMs` could have started: at the end of what was open then, and of what followed it. */
function occupiedUntil(runs: Occupied[], dueMs: number): number {
  let until = dueMs;
  for (const { startedMs, closeMs } of runs.toSorted((a, b) => a.startedMs - b.startedMs)) {
    if (startedMs <= until + LEARNS_MS && closeMs > until) until = closeMs;
  }
  return until;
}

/** A scheduler learns of a run's end this late, and starts the next. */
const LEARNS_MS = 2_500;

/** Whether another start was waiting in the buffer at that moment. */
function waitedOver(runs: Occupied[], dueMs: number): boolean {
  return runs.some((r) => r.startedMs - r.dueMs > PUNCTUAL_MS && r.dueMs <= dueMs && dueMs < r.startedMs);
}

/** A run that starts this long after it was due has waited for another. */
const PUNCTUAL_MS = 1_500;
