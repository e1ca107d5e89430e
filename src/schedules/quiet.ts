import { untilQuietMoment } from './boundary.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';

/** Sleeps until a write drops nothing, by the cluster's own clock. Whether it had to. */
export async function untilQuiet(cluster: ScheduleCluster, time: Time, described: Described): Promise<boolean> {
  if (described.engine === 'v1') return false;
  const [behind, ahead] = [await cluster.behindMs(), await cluster.aheadMs()];
  const now = time.now();
  const wait = untilQuietMoment(described, { earliest: now - behind, latest: now + ahead });
  if (wait > 0) await time.sleep(wait);
  return wait > 0;
}
