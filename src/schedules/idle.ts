/** Waiting until a bounded source has run its last time and none of its runs is open that the target must not meet. */
import { mustBeIdle } from './boundary.ts';
import { reread } from './change.ts';
import type { Handover } from './step.ts';
import { endsOpenRuns } from './overlap.ts';
import type { Described, ScheduleCluster } from './ports.ts';

/** Undefined when it takes longer than an open run may hold up its schedule, or the handover is hurried. A source its user paused is done. */
export async function waitUntilIdle(
  h: Handover,
  id: string,
  first: Described,
  boundary: number,
  deadline: number,
): Promise<Described | undefined> {
  const how = endsOpenRuns(first);
  const endAt = how && (await firstDueOfTarget(h, id, boundary, deadline));
  const ended = new Set<string>();
  let source = first;
  for (let wait = 50; ; wait = Math.min(wait * 2, 500)) {
    if (source.schedule.state?.paused) return source;
    const aheadOfUs = source.futureMs.length > 0 && !(source.schedule.state?.limitedActions && source.remaining === 0);
    if (!aheadOfUs && source.buffered === 0 && source.running.length === 0) return source;
    if (h.time.now() > deadline || h.hurried?.()) return undefined;
    // The target's first time is due: what its policy does to a run that is open then, were it on the same side.
    const left = endAt === undefined ? Infinity : endAt - h.time.now();
    if (how && left <= 0) {
      for (const workflowId of source.running.filter((run) => !ended.has(run))) {
        await h.source.endRun(workflowId, how);
        ended.add(workflowId);
        wait = 50;
      }
    }
    await h.time.sleep(left > 0 ? Math.min(wait, left) : wait);
    source = await reread(h.source, id);
  }
}

/**
 * Until a paused side has nothing open or waiting of what it was asked for: a pause does not stop that, and the side that
 * runs again must not meet it. False when it takes too long.
 */
export async function waitUntilDrained(h: Handover, side: ScheduleCluster, id: string): Promise<boolean> {
  const deadline = h.time.now() + h.idleLimitMs;
  for (let wait = 100; ; wait = Math.min(wait * 2, 1_000)) {
    const seen = await reread(side, id);
    if (!mustBeIdle(seen) || (seen.buffered === 0 && seen.running.length === 0)) return true;
    if (h.time.now() > deadline) return false;
    await h.time.sleep(wait);
  }
}

/** The paused copy carries the user's spec, so its cluster can be asked. */
async function firstDueOfTarget(
  h: Handover,
  id: string,
  boundary: number,
  deadline: number,
): Promise<number | undefined> {
  const [first] = await h.target.matchingTimes(id, boundary - 1000, deadline);
  return first;
}
