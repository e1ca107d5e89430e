/**
 * The handover of one schedule: source first, target second, so that a cut anywhere between two writes can only make a
 * run late (and settle fills it), never double it. Each round reads both sides, takes the one step their situation
 * calls for, and reads again; nothing is remembered between rounds that the two clusters do not hold.
 */
import type { Audit, Reason } from '../activities/types.ts';
import { emptyAudit } from './audit.ts';
import { chooseCrossing, mustBeIdle } from './boundary.ts';
import { differingFields } from './canonical.ts';
import { ChangedMeanwhile, change } from './change.ts';
import { bringStandbyUpToDate, createStandby } from './copying.ts';
import { buildFence, disarm, proveOwner, waitUntilIdle } from './fence.ts';
import { finish, settleTakenOver, whenSafe } from './finish.ts';
import { readNote } from './note.ts';
import { situation } from './pair.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';
import { beforeGivingUp, opened, openedBoundary, ownerAsUserWrote, standby } from './shapes.ts';
import { durationMs } from './times.ts';

export interface Handover {
  source: ScheduleCluster;
  target: ScheduleCluster;
  time: Time;
  /** Workflow id of the migration, for the notes. */
  migration: string;
  /** From choosing a boundary to reaching it, ms; more where writes are slow to land. */
  leadMs: number;
  /** How long an open run of the source may hold up its schedule's handover, ms. */
  idleLimitMs: number;
}

export interface HandoverResult {
  outcome: 'handed-over' | 'already-there' | 'gone' | 'failed';
  userPaused: boolean;
  audit: Audit;
  reason?: Reason;
}

const MAX_ROUNDS = 30;

/** `audit` also holds what was proven when this throws. */
export async function handOver(h: Handover, id: string, audit: Audit = emptyAudit()): Promise<HandoverResult> {
  let wrote = false;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    try {
      const step = await takeStep(h, id, audit);
      wrote ||= step.wrote;
      if (step.done) {
        const outcome = step.done.outcome === 'already-there' && wrote ? 'handed-over' : step.done.outcome;
        return { ...step.done, outcome, audit };
      }
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      await h.time.sleep(50 * (round + 1));
    }
  }
  return {
    outcome: 'failed',
    userPaused: false,
    audit,
    reason: {
      object: `schedule ${id}`,
      code: 'changed-too-often',
      found: `it was changed by somebody else at every one of ${MAX_ROUNDS} attempts`,
      remedy: 'stop editing it for a moment, then signal proceed to try again',
    },
  };
}

interface Step {
  wrote: boolean;
  done?: Omit<HandoverResult, 'audit'>;
}

const AGAIN: Step = { wrote: true };

async function takeStep(h: Handover, id: string, audit: Audit): Promise<Step> {
  const [source, target] = await Promise.all([h.source.describe(id), h.target.describe(id)]);
  const at = situation(source?.schedule, target?.schedule, { from: h.source.profile, to: h.target.profile });
  const unproven = source && target ? reminder(at.kind, source, target) : undefined;
  if (source && target && unproven !== undefined) {
    if (at.kind === 'ready') {
      await proveOwner({ ...h, source: h.target, target: h.source }, id, source, target, unproven, audit);
    } else await proveOwner(h, id, target, source, unproven, audit);
    return AGAIN;
  }
  switch (at.kind) {
    case 'gone':
    case 'orphan':
      return { wrote: false, done: { outcome: 'gone', userPaused: false } };
    case 'foreign':
      return { wrote: false, done: failed(h, id, 'not-ours', at.why) };
    case 'uncopied':
      if (source) await createStandby(h, id, source);
      return AGAIN;
    case 'handed-over':
      if (!target) return AGAIN;
      if (source && at.bounded) return finish(h, id, target, { boundary: at.boundary ?? 0 }, audit);
      return { wrote: false, done: { outcome: 'already-there', userPaused: Boolean(target.schedule.state?.paused) } };
    case 'reversed':
      if (!source || !target) return AGAIN;
      if (at.opened) {
        // The other direction had got past its boundary: complete it, then come back.
        const swapped = { ...h, source: h.target, target: h.source };
        await finish(swapped, id, source, at, audit);
      } else {
        await disarm({ ...h, source: h.target, target: h.source }, id, target, source, at, audit);
      }
      return AGAIN;
    case 'ready':
      return source && target ? cross(h, id, source, target, audit) : AGAIN;
    case 'fenced': {
      if (!source || !target) return AGAIN;
      // Not built by this attempt: it may have come late, or a write that takes it down may be under way. Once more.
      // The target first: an opening at the old boundary that is under way must not meet a later one on the source.
      const mark = { kind: 'standby', owner: h.source.profile, migration: h.migration } as const;
      const shut = await change(h.target, h.time, id, target, standby(target.schedule, mark), { always: true });
      const fence = await buildFence(h, id, source, shut, audit, at);
      if ('failed' in fence) return { wrote: true, done: failed(h, id, fence.failed.code, fence.failed.found) };
      return openTarget(h, id, fence.source, shut, fence, audit);
    }
    case 'opened':
      return source && target ? finish(h, id, target, at, audit) : AGAIN;
    case 'given-up':
      return source && target ? takeOver(h, id, source, target, at, audit) : AGAIN;
  }
}

async function cross(h: Handover, id: string, seen: Described, target: Described, audit: Audit): Promise<Step> {
  const bound = openedBoundary(seen.schedule);
  if (bound !== undefined) {
    const safeAt = await whenSafe(h.source, id, seen, bound);
    if (safeAt + (await h.source.behindMs()) > h.time.now()) {
      const until = `its jitter reaches across its last boundary until ${new Date(safeAt).toISOString()}`;
      return { wrote: false, done: failed(h, id, 'bound-ahead', until) };
    }
  }
  // The mark of a fence whose bound its user took off is still in the note; the user's part is what counts. A start of
  // ours from the last handover hides the user's own, which the paused copy has.
  const source = { ...seen, schedule: ownerAsUserWrote(seen.schedule, target.schedule) };
  if (differingFields(source, target).length > 0) {
    await bringStandbyUpToDate(h, id, source, target);
    return AGAIN;
  }
  const crossing = chooseCrossing(source, h.time.now(), h.leadMs);
  if (crossing.kind === 'fence') {
    const fence = await buildFence(h, id, source, target, audit);
    if ('failed' in fence) return { wrote: true, done: failed(h, id, fence.failed.code, fence.failed.found) };
    return openTarget(h, id, fence.source, target, fence, audit);
  }
  const due = source.futureMs[0];
  const earliestNominal = due === undefined ? Infinity : due - durationMs(source.schedule.spec?.jitter);
  const rest = standby(source.schedule, {
    kind: 'standby',
    owner: h.target.profile,
    migration: h.migration,
    boundary: Math.max(crossing.boundary, lastBoundary(target) + 1000),
    userPaused: Boolean(source.schedule.state?.paused),
  });
  await change(h.source, h.time, id, source, rest);
  if (h.time.now() > earliestNominal - SLACK_MS) return AGAIN;
  // From here nobody runs: the target takes over what the user wrote, or a later attempt reads it off the source.
  const landed = await change(h.target, h.time, id, target, source.schedule);
  if ((landed.updatedMs ?? Infinity) >= earliestNominal) {
    await settleTakenOver(h, id, landed, crossing.boundary, audit);
  }
  return { wrote: true, done: { outcome: 'handed-over', userPaused: Boolean(source.schedule.state?.paused) } };
}

async function openTarget(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: { boundary: number; next?: number },
  audit: Audit,
): Promise<Step> {
  let quiet = source;
  if (mustBeIdle(source)) {
    const idle = await waitUntilIdle(h, id, source);
    if (!idle) {
      await disarm(h, id, source, target, at, audit);
      const waited = `a run of it was still open after ${h.idleLimitMs / 1000} s, and its overlap policy looks at it`;
      return { wrote: true, done: failed(h, id, 'still-running', waited) };
    }
    quiet = idle;
  }
  const open = opened(quiet.schedule, at.boundary, target.schedule.spec?.endTime);
  const landed = await change(h.target, h.time, id, target, open);
  return finish(h, id, landed, at, audit);
}

/** Both sides rest: the target opens with what the keeper kept, and what fell in between is settled. */
async function takeOver(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: { keeper: 'source' | 'target'; boundary: number },
  audit: Audit,
): Promise<Step> {
  const keeper = at.keeper === 'source' ? source : target;
  const user = beforeGivingUp(keeper.schedule);
  let rest: Described;
  if (at.keeper === 'target') {
    // We are taking back: an opening of the other side may still be under way from an attempt that was cut off.
    const shut = { kind: 'standby', owner: h.target.profile, migration: h.migration, settle: at.boundary } as const;
    rest = await change(h.source, h.time, id, source, standby(source.schedule, shut), { always: true });
  } else {
    const { mark } = readNote(source.schedule.state?.notes);
    const reminded =
      mark?.kind === 'standby' ? standby(source.schedule, { ...mark, settle: at.boundary }) : source.schedule;
    rest = await change(h.source, h.time, id, source, reminded, { always: true });
  }
  const landed = await change(h.target, h.time, id, target, user);
  await proveOwner(h, id, landed, rest, at.boundary, audit);
  return { wrote: true, done: { outcome: 'handed-over', userPaused: Boolean(user.state?.paused) } };
}

/** From when on the side that runs is unproven, read off the side that rests. */
function reminder(kind: string, source: Described, target: Described): number | undefined {
  const side = kind === 'ready' ? target : kind === 'handed-over' ? source : undefined;
  const { mark } = readNote(side?.schedule.state?.notes);
  return mark?.kind === 'standby' ? mark.settle : undefined;
}

const SLACK_MS = 5_000;

/** Boundaries of one schedule only ever grow, so that of two resting sides the later one to give up is known. */
function lastBoundary(target: Described): number {
  return readNote(target.schedule.state?.notes).mark?.boundary ?? 0;
}

function failed(h: Handover, id: string, code: string, found: string): Omit<HandoverResult, 'audit'> {
  const remedies: Record<string, string> = {
    'not-ours': `decide which one is right, delete or rename the other, then signal proceed`,
    'still-running': `it stays on ${h.source.profile}; signal proceed to try again when its runs are shorter or done`,
    'bound-ahead': `it is handed over when that time has passed`,
    'fence-too-slow': `it stays on ${h.source.profile}; relieve the cluster, then signal proceed to try again`,
  };
  const reason = { object: `schedule ${id}`, code, found, remedy: remedies[code] ?? 'signal proceed to try again' };
  return { outcome: 'failed', userPaused: false, reason };
}
