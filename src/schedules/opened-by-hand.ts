/** A paused copy of ours that somebody has unpaused while the other side runs the schedule. */
import type { Described, ScheduleCluster } from './ports.ts';

/**
 * What it ran since it was written last: it shows its last ten, and the list, which may be a moment behind, has all of
 * them. Runs from before its user edited it once more are not in here.
 */
export async function ranByHand(
  side: Pick<ScheduleCluster, 'countRuns'>,
  id: string,
  { recent, updatedMs }: Pick<Described, 'recent' | 'updatedMs'>,
): Promise<number> {
  const since = updatedMs ?? 0;
  const shown = recent.filter(({ startedMs }) => startedMs >= since).length;
  if (shown < LISTED) return shown;
  try {
    return Math.max(shown, await side.countRuns(id, since));
  } catch {
    // It is shut already, and asked again it would not be found open: that it ran at all is what holds the migration up.
    return shown;
  }
}

const LISTED = 10;
