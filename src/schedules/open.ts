/** Behind a proven fence: wait for the source where the target must not meet its runs, then open the target. */
import Long from 'long';
import type { Audit } from '../activities/types.ts';
import { emptyAudit } from './audit.ts';
import { mustBeIdle } from './boundary.ts';
import { contents } from './carry.ts';
import { ChangedMeanwhile, change, reread } from './change.ts';
import { disarm } from './fence.ts';
import { finish, settleOpening, sourceRange } from './finish.ts';
import { type Handover, type Step, failed, stillRunning } from './step.ts';
import { waitUntilIdle } from './idle.ts';
import type { Described } from './ports.ts';
import { settle } from './settle.ts';
import { isBoundedBefore, opened } from './shapes.ts';
import type { Schedule } from './times.ts';

export async function openTarget(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: { boundary: number; next?: number },
  audit: Audit,
): Promise<Step> {
  let quiet = source;
  let uncounted = 0;
  if (mustBeIdle(source)) {
    // Everything before the boundary has run before anything from it on does. Finish counts it once more, for good.
    const settled = await settle(h.source, h.time, id, source, sourceRange(source, at), emptyAudit());
    uncounted = settled.uncounted;
    const idle = await waitUntilIdle(h, id, await reread(h.source, id), at.boundary);
    if (!idle) {
      await disarm(h, id, await reread(h.source, id), target, at, audit);
      return { wrote: true, done: failed(h, id, 'still-running', stillRunning(h)) };
    }
    quiet = idle;
    // An edit meanwhile may have taken the bound off.
    if (!isBoundedBefore(quiet.schedule, at.boundary)) {
      throw new ChangedMeanwhile(h.source.profile, id, 'its bound was taken off');
    }
  }
  const user = contents(quiet.schedule, target.schedule).source;
  const open = opened(withoutActions(quiet.schedule, uncounted), at.boundary, user.spec?.endTime);
  const landed = await change(h.target, h.time, id, target, open);
  // Opened late, it has dropped what was due before: run first, all else can wait.
  const late = (landed.updatedMs ?? h.time.now()) > at.boundary;
  if (late) await settleOpening(h, id, landed, at.boundary, audit);
  return finish(h, id, landed, at, audit);
}

/** Runs the scheduler has not counted, because they were started by id. */
function withoutActions(schedule: Schedule, uncounted: number): Schedule {
  if (uncounted === 0 || !schedule.state?.limitedActions) return schedule;
  const left = Math.max(0, (schedule.state.remainingActions?.toNumber() ?? 0) - uncounted);
  return { ...schedule, state: { ...schedule.state, remainingActions: Long.fromNumber(left) } };
}
