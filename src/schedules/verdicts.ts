/** Due times matched with what ran: pure, so that it can be table-tested. */
import { nominalOf } from './times.ts';
import type { RecentAction, Run } from './ports.ts';

export interface Due {
  /** Due time with jitter, ms. */
  dueMs: number;
  /** The nominal time lies in (`afterMs`, `dueMs`]: jitter never reaches the next nominal time. */
  afterMs: number;
}

/** Pairs each due time with the lower bound of its nominal time. `earliestMs` bounds the first one. */
export function withBounds(dueTimes: number[], earliestMs: number): Due[] {
  return dueTimes.map((dueMs, i) => ({ dueMs, afterMs: dueTimes[i - 1] ?? Math.min(earliestMs, dueMs - 1) }));
}

/**
 * The recent action that ran this due time. A scheduler notes when each of its runs was due; a run triggered by hand in
 * between has another moment and another nominal time.
 */
export function ranAs(due: Due, recent: RecentAction[]): RecentAction | undefined {
  return recent.find((action) => {
    const nominal = nominalOf(action.workflowId);
    const within = nominal !== undefined && nominal > due.afterMs && nominal <= due.dueMs;
    return within && (action.dueMs === due.dueMs || nominal === due.dueMs);
  });
}

/** A scheduler shows its next ten only: what lies behind them is ahead too. */
export function isAhead(due: Due, futureMs: number[]): boolean {
  return futureMs.includes(due.dueMs) || (futureMs.length >= 10 && due.dueMs > (futureMs.at(-1) ?? Infinity));
}

/** Two schedules may give their runs the same ids; one that does not say whose it is passes for ours. */
export function isAnothers({ scheduleId }: Run, id: string): boolean {
  return scheduleId !== undefined && scheduleId !== id;
}
