/** Behind a proven fence: wait for the source where the target must not meet its runs, then open the target. */
import type { Audit } from '../activities/types.ts';
import { emptyAudit } from './audit.ts';
import { mustBeIdle } from './boundary.ts';
import { contents } from './carry.ts';
import { ChangedMeanwhile, change, reread } from './change.ts';
import { disarm, fenceWithMark } from './fence.ts';
import { finish, settleOpening, sourceRange } from './finish.ts';
import {
  type FencedAt,
  type Handover,
  type HandoverResult,
  type Step,
  UNPROVEN,
  askingOf,
  failed,
  waitedEnough,
} from './step.ts';
import { waitUntilIdle } from './idle.ts';
import { readNote, standbyMark } from './note.ts';
import type { Described } from './ports.ts';
import { settle } from './settle.ts';
import { fencedBoundary, isBoundedBefore, opened, withActions } from './shapes.ts';

export async function openTarget(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: FencedAt,
  audit: Audit,
): Promise<Step> {
  let quiet = source;
  let shut = target;
  /** Of a limited schedule's actions, what is left for the target. */
  let allowance = source.remaining;
  if (mustBeIdle(source)) {
    const idle = await untilNothingIsLeft(h, id, source, at, hasBegun(source, target));
    if ('failed' in idle) {
      shut = await reread(h.target, id);
      const back = await disarm(h, id, await reread(h.source, id), shut, at, audit);
      return { wrote: true, done: back ? idle.failed : failed(h, id, 'unproven', UNPROVEN) };
    }
    ({ quiet, allowance } = idle);
    if (!quiet.schedule.state?.paused) {
      const ran = await runWhatFellDue(h, id, at.boundary, allowance);
      if (ran === undefined) return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
      allowance -= ran;
    }
    [quiet, shut] = await stillSo(h, id, at);
  }
  const user = contents(quiet.schedule, shut.schedule).source;
  const open = opened(withActions(quiet.schedule, allowance), at.boundary, user.spec?.endTime);
  const landed = await change(h.target, h.time, id, shut, open);
  // Opened late, it has dropped what was due before: run first, all else can wait.
  const late = (landed.updatedMs ?? h.time.now()) > at.boundary;
  if (late) await settleOpening(h, id, landed, at, audit);
  return finish(h, id, landed, at, audit);
}

/**
 * Long after both sides were read together, either may be another's by now: one that takes the fence down writes the target
 * first, so an opening on top of that has to make their second write fail. Target read, source written, target written.
 */
async function stillSo(h: Handover, id: string, at: FencedAt): Promise<[source: Described, target: Described]> {
  const { boundary } = at;
  const shut = await reread(h.target, id);
  if (!standbyMark(shut)) {
    throw new ChangedMeanwhile(h.target.profile, id, 'it is no paused copy any more');
  }
  const source = await reread(h.source, id);
  // An edit meanwhile may have taken the bound off.
  const { mark } = readNote(source.schedule.state?.notes);
  const stands = fencedBoundary(source.schedule) ?? (mark?.kind === 'fence' ? mark.boundary : boundary);
  if (!isBoundedBefore(source.schedule, boundary) || stands !== boundary || mark?.kind === 'standby') {
    throw new ChangedMeanwhile(h.source.profile, id, 'its bound was taken off');
  }
  const fence = fenceWithMark(h, source, shut, at, true);
  const again = await change(h.source, h.time, id, source, fence, { always: true });
  if (await askingOf(h, h.target, id).news({ there: again, here: shut })) {
    throw new ChangedMeanwhile(h.source.profile, id, 'another attempt has asked for its runs');
  }
  return [again, shut];
}

/**
 * Times from the boundary on that fell due while the target had to wait. It is asked for them before it opens: nothing
 * else starts there then, and from the opening on its policy knows the runs. How many ran; undefined while that cannot be
 * told: then the fence stands, and the next attempt looks again.
 */
async function runWhatFellDue(
  h: Handover,
  id: string,
  boundary: number,
  allowance: number,
): Promise<number | undefined> {
  // What is ahead by its own clock it will run by itself.
  const [behind, ahead] = [await h.target.behindMs(), await h.target.aheadMs()];
  for (let round = 0; ; round++) {
    const now = h.time.now() - behind;
    if (now < boundary) return 0;
    const own = { afterNominalMs: boundary - 1000, fromDueMs: boundary, beforeNominalMs: now + 1, untilMs: now };
    const shut = await reread(h.target, id);
    const range = { ...own, role: 'shut', allowance } as const;
    const settled = await settle(h.target, h.time, id, shut, range, emptyAudit(), askingOf(h, h.target, id), h.source);
    if (settled.unproven) return undefined;
    // Another one is just ahead: the opening would drop it.
    const [next] = await h.target.matchingTimes(id, now, h.time.now() + ahead + OPENING_MS);
    if (next === undefined || round === MAX_ROUNDS) return settled.ran;
    await h.time.sleep(Math.max(0, next + behind - h.time.now()) + 50);
  }
}

/** From the last look to the opening. */
const OPENING_MS = 1_000;
const MAX_ROUNDS = 3;

/**
 * Whether the target was asked for runs from the boundary on: only when nothing was left on the source. What has not run
 * there was left out then, and must not be run beside them now.
 */
export function hasBegun(source: Described, target: Described): boolean {
  return (standbyMark(target)?.askedHere ?? readNote(source.schedule.state?.notes).mark?.asked) !== undefined;
}

/**
 * Everything before the boundary has run, and nothing is open, before anything from the boundary on runs. What a write
 * dropped is run when nothing else is: then it shows at once. Finish counts all of it once more, for good.
 */
async function untilNothingIsLeft(
  h: Handover,
  id: string,
  source: Described,
  at: FencedAt,
  decided: boolean,
): Promise<{ quiet: Described; allowance: number } | { failed: Omit<HandoverResult, 'audit'> }> {
  const deadline = Math.max(h.time.now(), at.boundary) + h.idleLimitMs;
  const idle = await waitUntilIdle(h, id, source, at.boundary, deadline);
  if (!idle) return { failed: waitedEnough(h, id) };
  const range = { ...sourceRange(source, at), decided };
  const settled = await settle(h.source, h.time, id, idle, range, emptyAudit(), askingOf(h, h.source, id), h.target);
  if (settled.unproven) return { failed: failed(h, id, 'unproven', UNPROVEN) };
  const quiet = await waitUntilIdle(h, id, settled.after, at.boundary, deadline);
  if (!quiet) return { failed: waitedEnough(h, id) };
  // Raised by its user meanwhile, the count is theirs.
  const told = at.left !== undefined && quiet.remaining <= at.left;
  return { quiet, allowance: told ? (at.left ?? 0) - settled.ran : quiet.remaining - settled.uncounted };
}
