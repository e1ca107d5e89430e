/**
 * The handover of one schedule: source first, target second, so that a cut anywhere between two writes can only make a
 * run late (and settle fills it), never double it. Each round reads both sides, takes the one step their situation
 * calls for, and reads again; nothing is remembered between rounds that the two clusters do not hold.
 */
import { randomBytes } from 'node:crypto';
import type { Audit } from '../activities/types.ts';
import { emptyAudit } from './audit.ts';
import { ChangedMeanwhile, change } from './change.ts';
import { createStandby } from './copying.ts';
import { cross } from './cross.ts';
import { buildFence, disarm, fenceWithMark } from './fence.ts';
import { finish } from './finish.ts';
import { readNote, standbyMark } from './note.ts';
import { ranByHand } from './opened-by-hand.ts';
import { hasBegun, openTarget } from './open.ts';
import { type Situation, situation } from './pair.ts';
import type { Described } from './ports.ts';
import { proveOwner } from './prove.ts';
import { fencedSince, standby } from './shapes.ts';
import {
  AGAIN,
  type FencedAt,
  type Handover,
  type HandoverResult,
  type Step,
  UNPROVEN,
  failed,
  interrupted,
} from './step.ts';
import { takeOver } from './take-over.ts';

export type { Handover, HandoverResult } from './step.ts';

const MAX_ROUNDS = 30;

/** `audit` also holds what was proven when this throws. */
export async function handOver(given: Handover, id: string, audit: Audit = emptyAudit()): Promise<HandoverResult> {
  const h: Handover = { ...given, askings: new Map(), seen: { fenced: false }, by: randomBytes(3).toString('hex') };
  let wrote = false;
  let changed = 0;
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
      changed++;
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
      found: `it was looked at anew ${MAX_ROUNDS} times, ${changed} of them because somebody else had changed it`,
      remedy: 'let nobody edit it for a moment, then signal proceed to try again',
    },
  };
}

async function takeStep(h: Handover, id: string, audit: Audit): Promise<Step> {
  const [source, target] = await Promise.all([h.source.describe(id), h.target.describe(id)]);
  const names = { from: h.source.profile, to: h.target.profile };
  const at = withNext(situation(source?.schedule, target?.schedule, names), source, target);
  if (h.seen && (at.kind === 'fenced' || at.kind === 'opened')) h.seen.fenced = true;
  const unproven = source && target ? reminder(at.kind, source, target) : undefined;
  if (source && target && unproven !== undefined) {
    const proven =
      at.kind === 'ready'
        ? await proveOwner({ ...h, source: h.target, target: h.source }, id, source, target, unproven, audit)
        : await proveOwner(h, id, target, source, unproven, audit);
    return proven ? AGAIN : { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
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
      // Fenced by this attempt a moment ago, and gone: its user has deleted it, and the target is where it runs.
      if (!source && h.seen?.fenced) {
        await h.target.delete(id);
        return { wrote: true, done: { outcome: 'gone', userPaused: false } };
      }
      if (source && at.bounded) return finish(h, id, target, { boundary: at.boundary ?? 0 }, audit);
      return { wrote: false, done: { outcome: 'already-there', userPaused: Boolean(target.schedule.state?.paused) } };
    case 'reversed':
      if (!source || !target) return AGAIN;
      if (at.opened) {
        // The other direction had got past its boundary: complete it, then come back.
        const swapped = { ...h, source: h.target, target: h.source };
        const finished = await finish(swapped, id, source, at, audit);
        if (finished.done?.outcome === 'failed') return finished;
      } else {
        const proven = await disarm({ ...h, source: h.target, target: h.source }, id, target, source, at, audit);
        if (!proven) return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
      }
      return AGAIN;
    case 'ready':
      if (!source || !target) return AGAIN;
      if (!target.schedule.state?.paused) return shutAgain(h, id, target, audit);
      if (h.hurried?.()) return { wrote: false, done: interrupted(h, id) };
      if (h.seen?.fenced && (await h.stillWanted?.()) === false) {
        return {
          wrote: false,
          done: failed(h, id, 'taken-back', `its migration has ended, and ${h.source.profile} runs it`),
        };
      }
      return cross(h, id, source, target, audit);
    case 'fenced':
      return source && target ? fromStandingFence(h, id, source, target, at, audit) : AGAIN;
    case 'opened':
      return source && target ? finish(h, id, target, at, audit) : AGAIN;
    case 'given-up':
      return source && target ? takeOver(h, id, source, target, at, audit) : AGAIN;
  }
}

/** Our paused copy was unpaused by hand while the source owns the schedule: what it ran is on the wrong side. */
async function shutAgain(h: Handover, id: string, target: Described, audit: Audit): Promise<Step> {
  const shut = await change(h.target, h.time, id, target, {
    ...target.schedule,
    state: { ...target.schedule.state, paused: true },
  });
  audit.wrongSide += await ranByHand(h.target, id, { ...shut, updatedMs: target.updatedMs });
  return AGAIN;
}

/** A fence that stands and was not built by this attempt, in front of a paused copy. */
async function fromStandingFence(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: FencedAt,
  audit: Audit,
): Promise<Step> {
  // Not built by this attempt: it may have come late, or a write that takes it down may be under way. Once more.
  // The target first: an opening at the old boundary that is under way must not meet a later one on the source.
  const owed = standbyMark(target);
  // A user's pause may overwrite the fence's note: this one then tells from where on its runs are to be proven.
  const from = Math.min(owed?.settle ?? Infinity, at.next ?? at.boundary);
  const mark = {
    kind: 'standby',
    owner: h.source.profile,
    migration: h.migration,
    settle: from,
    left: at.left ?? owed?.left,
    // What the source was asked for, and this copy.
    asked: owed?.asked,
    askedHere: owed?.askedHere,
    by: h.by,
  } as const;
  const shut = await change(h.target, h.time, id, target, standby(target.schedule, mark), { always: true });
  // A fence was proven before the target was asked for runs from its boundary on: that boundary stands. Written once
  // more, it makes a write that takes it down fail.
  if (hasBegun(source, shut) || isPastAndProven(source, at.boundary, h.time.now())) {
    const stands = await change(h.source, h.time, id, source, fenceWithMark(h, source, shut, at, true), {
      always: true,
    });
    return openTarget(h, id, stands, shut, at, audit);
  }
  const fence = await buildFence(h, id, source, shut, audit, at);
  if ('failed' in fence) return { wrote: true, done: failed(h, id, fence.failed.code, fence.failed.found) };
  return openTarget(h, id, fence.source, shut, fence, audit);
}

/**
 * The server's own stamp proves a fence that was built in time. Once it is past, a limited schedule keeps it: behind a
 * later one its source would run later times first, and their runs would use up the actions of those before them.
 */
function isPastAndProven({ schedule, updatedMs }: Described, boundary: number, now: number): boolean {
  const { mark } = readNote(schedule.state?.notes);
  const proven = (mark?.kind === 'fence' && mark.proven) || (updatedMs ?? Infinity) < boundary;
  return Boolean(schedule.state?.limitedActions) && boundary <= now && proven;
}

/** Where a pause, say, has overwritten the fence's note: its bound tells too, and what an attempt that found it standing wrote. */
function withNext(at: Situation, source: Described | undefined, target: Described | undefined): Situation {
  if (at.kind !== 'fenced' && at.kind !== 'opened' && at.kind !== 'reversed') return at;
  const [side, other] = at.kind === 'reversed' ? [target, source] : [source, target];
  if (at.next !== undefined || !side || readNote(side.schedule.state?.notes).mark) return at;
  const told = standbyMark(other);
  return { ...at, next: told?.settle ?? fencedSince(side.schedule), left: told?.left };
}

/** From when on the side that runs is unproven, read off the side that rests. */
function reminder(kind: string, source: Described, target: Described): number | undefined {
  const side = kind === 'ready' ? target : kind === 'handed-over' ? source : undefined;
  return standbyMark(side)?.settle;
}
