/** Running by exact id what nobody ran: whoever comes second is refused, so this can be done again at will. */
import { type Missing, allowsOverlap } from './overlap.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';

/**
 * Whether missing times are asked of the scheduler, whose overlap policy then knows the runs. A limited schedule's count
 * is made right by counting runs, which need their exact ids.
 */
export function asksItsScheduler(described: Described): boolean {
  return !allowsOverlap(described) && !described.schedule.state?.limitedActions;
}

/** Starts one time under the id its scheduler would use; with a delay where it is due later. `exists`: somebody ran it. */
export async function fillById(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  described: Described,
  { due, nominalMs }: Missing,
): Promise<'started' | 'exists'> {
  return cluster.startExactly(id, described.schedule, nominalMs, Math.max(0, due.dueMs - time.now()));
}
