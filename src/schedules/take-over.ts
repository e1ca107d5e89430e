import type { Audit } from '../activities/types.ts';
import { ChangedMeanwhile, change, reread } from './change.ts';
import { type Handover, type Step, UNPROVEN, failed, untilPast } from './step.ts';
import { leftOn } from './limits.ts';
import { standbyMark } from './note.ts';
import type { Described, ScheduleCluster } from './ports.ts';
import { proveOwner } from './prove.ts';
import { beforeGivingUp, standby } from './shapes.ts';

/** Both sides rest: the target opens with what the keeper kept, and what fell in between is settled. */
export async function takeOver(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: { keeper: 'source' | 'target'; boundary: number },
  audit: Audit,
): Promise<Step> {
  const gaveUp = at.keeper === 'source' ? await untilStarted(h, h.source, id, source) : source;
  const keeper = at.keeper === 'source' ? gaveUp : target;
  const user = beforeGivingUp(keeper.schedule);
  // Taking back, an opening of the other side may still be under way from an attempt that was cut off: written anew.
  const own = { kind: 'standby', owner: h.target.profile, migration: h.migration } as const;
  const kept = (at.keeper === 'source' ? standbyMark(gaveUp) : undefined) ?? own;
  const owed = { settle: at.boundary, left: leftOn(keeper), since: h.time.now() };
  const reminded = standby(gaveUp.schedule, { ...kept, ...owed });
  const rest = await change(h.source, h.time, id, gaveUp, reminded, { always: true });
  // A giving up that was cut off may have landed later than its boundary, after further times had run.
  const gaveUpMs = at.keeper === 'source' ? (source.updatedMs ?? 0) : 0;
  await untilPast(h, Math.max(at.boundary, gaveUpMs));
  const landed = await change(h.target, h.time, id, target, user);
  if (!(await proveOwner(h, id, landed, rest, at.boundary, audit, landed.updatedMs))) {
    return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
  }
  return { wrote: true, done: { outcome: 'handed-over', userPaused: Boolean(user.state?.paused) } };
}

/** A pause does not stop what a V2 scheduler has begun to start: until it has, nobody else may look for its runs. */
async function untilStarted(h: Handover, side: ScheduleCluster, id: string, first: Described): Promise<Described> {
  if (first.engine === 'v1') return first;
  const deadline = h.time.now() + h.idleLimitMs;
  let seen = first;
  for (let wait = 100; seen.buffered > 0 && h.time.now() < deadline; wait = Math.min(wait * 2, 1_000)) {
    await h.time.sleep(wait);
    seen = await reread(side, id);
  }
  if (seen.schedule.state?.notes !== first.schedule.state?.notes) {
    throw new ChangedMeanwhile(side.profile, id, 'it does not rest as it did');
  }
  return seen;
}
