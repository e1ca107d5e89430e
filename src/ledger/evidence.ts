/** What is read off a schedule as its cluster describes it. */
import proto from '@temporalio/proto';
import { durationMs } from '../schedules/times.ts';
import type { Overlap } from './explain.ts';
import { ownership } from './ownership.ts';
import type { AuditedCluster, Evidence } from './ports.ts';

const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;
/** What a server takes where the schedule says nothing. */
export const DEFAULT_CATCHUP_MS = 365 * 86_400_000;

const OVERLAPS = new Map<number, Overlap>([
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, 'allow'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE, 'buffer-one'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL, 'buffer-all'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER, 'cancel'],
  [ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER, 'terminate'],
]);

export function overlapOf({ schedule }: Evidence): Overlap {
  return OVERLAPS.get(schedule.policies?.overlapPolicy ?? 0) ?? 'skip';
}

export function jitterOf({ schedule }: Evidence): number {
  return durationMs(schedule.spec?.jitter);
}

/**
 * Due time of the last run that was not started by hand, for a schedule that is paused or has used up its actions: what
 * is due after it is accounted for. Undefined for any other schedule, and where the last ten runs were all by hand;
 * -Infinity for one that has never run.
 */
export async function lastScheduledRun(
  clusters: AuditedCluster[],
  id: string,
  evidence: Evidence[],
): Promise<number | undefined> {
  const { tenures, userPaused } = ownership(evidence);
  const owner = tenures.at(-1)?.side;
  const exhausted = Boolean(owner?.schedule.state?.limitedActions) && owner?.remaining === 0;
  if (!userPaused && !exhausted) return undefined;
  const actions = evidence.flatMap((side) => side.recent.map((action) => ({ side, dueMs: action.dueMs })));
  if (actions.length === 0) return -Infinity;
  for (const { side, dueMs } of actions.toSorted((a, b) => b.dueMs - a.dueMs)) {
    const source = clusters.find(({ profile }) => profile === side.cluster);
    const times = await source?.matchingTimes(id, dueMs - jitterOf(side) - 1000, dueMs);
    if (times?.includes(dueMs)) return dueMs;
  }
  return undefined;
}
