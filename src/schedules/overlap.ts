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

/** Whether a start may wait in its buffer for an open run to end. */
export function waitsInBuffer(described: Pick<Described, 'schedule'>): boolean {
  return ![SKIP, ALLOW_ALL].includes(policyOf(described.schedule));
}

/** What a scheduler is told to do with times it is given at once: all of them, one after the other. */
export const IN_ORDER: OverlapPolicy = BUFFER_ALL;

/**
 * Which of the missing times (ascending) are run now, and which the policy leaves out. A time that fell into no open run
 * is run: a scheduler that had been there would have started it.
 */
export function byPolicy(
  policy: OverlapPolicy,
  missing: Missing[],
  runs: Occupied[],
  /** Something waits in the buffer, for the run that is open now. */
  buffered = false,
): { run: Missing[]; leftOut: Missing[] } {
  const run: Missing[] = [];
  const leftOut: Missing[] = [];
  let slotTaken: Occupied | undefined;
  missing.forEach((m, i) => {
    const { dueMs } = m.due;
    const over = runs.find(({ startedMs, closeMs }) => startedMs <= dueMs && dueMs < closeMs);
    let leaves = false;
    if (policy === SKIP) leaves = over !== undefined;
    // The slot is free again once the one that waited in it has started.
    else if (policy === BUFFER_ONE && over)
      leaves = (buffered && over.closeMs === Infinity) || slotTaken === over || waitedOver(runs, dueMs);
    // Of those that wait for the same run to end, the last replaces the others.
    else if (over && (policy === CANCEL_OTHER || policy === TERMINATE_OTHER)) {
      const later = [...missing.slice(i + 1).map(({ due }) => due.dueMs), ...runs.map((r) => r.dueMs)];
      leaves = later.some((due) => due > dueMs && due < over.closeMs);
    }
    if (!leaves) slotTaken = over;
    (leaves ? leftOut : run).push(m);
  });
  return { run, leftOut };
}

/** Whether another start was waiting in the buffer at that moment. */
function waitedOver(runs: Occupied[], dueMs: number): boolean {
  return runs.some((r) => r.startedMs - r.dueMs > PUNCTUAL_MS && r.dueMs <= dueMs && dueMs < r.startedMs);
}

/** A run that starts this long after it was due has waited for another. */
const PUNCTUAL_MS = 1_500;
