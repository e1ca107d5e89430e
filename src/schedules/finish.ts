/**
 * After the boundary: prove both sides' runs around it, bring together what users did on either side meanwhile, take our
 * bound off the target, and lay the source to rest. The source's fence goes last: as long as it stands, anybody can see
 * what is left to do.
 */
import type { Audit } from '../activities/types.ts';
import { addAudit, emptyAudit } from './audit.ts';
import { V2_GUARD_MS, mustBeIdle } from './boundary.ts';
import { fingerprint } from './canonical.ts';
import { contents, editedBy } from './carry.ts';
import { ChangedMeanwhile, change, reread } from './change.ts';
import { fenceMark, fenceWithMark } from './fence.ts';
import { AGAIN, type FencedAt, type Handover, type Step, UNPROVEN, askingOf, failed } from './step.ts';
import { rightCount } from './limits.ts';
import { readNote, standbyMark } from './note.ts';
import type { Described } from './ports.ts';
import { proveOwner } from './prove.ts';
import { settle } from './settle.ts';
import { type Range, type Settled, settledAlready } from './settling.ts';
import { asUserWrote, fenced, isBoundedBefore, standby } from './shapes.ts';
import { boundStays, bringTogether } from './tidy.ts';
import { durationMs } from './times.ts';
import { countWrongSide } from './wrong-side.ts';

export async function finish(
  h: Handover,
  id: string,
  seenTarget: Described,
  at: FencedAt,
  audit: Audit,
): Promise<Step> {
  if (at.boundary - h.time.now() > LAST_LOOK_MS) {
    await h.time.sleep(at.boundary - h.time.now() - LAST_LOOK_MS);
    const early = await reread(h.source, id);
    // While there is time: with its bound taken off by an edit, the source would run the first time of the target.
    if (!isAtRest(early)) await mended(h, id, early, at);
  }
  await sleepUntil(h, at.boundary);
  const seen = await reread(h.source, id);
  const atRest = isAtRest(seen);
  if (atRest && seenTarget.engine === 'v2') return takeBoundOff(h, id, seenTarget, seen, at.boundary, audit);
  const source = atRest ? seen : await mended(h, id, seen, at);
  // Where the target waits for the source, all of this was settled before the target opened.
  const range = { ...sourceRange(source, at), decided: mustBeIdle(source) };
  const settledSource = atRest
    ? settledAlready(source)
    : await settle(h.source, h.time, id, source, range, audit, askingOf(h, h.source, id), h.target);
  if (settledSource.unproven) return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
  const brought = await bringTogether(h, id, seenTarget, settledSource.after, at.boundary);
  if ('by' in brought) {
    const found = `it was edited on ${h.source.profile} and on ${h.target.profile} while it changed hands: ${brought.fields.join(', ')}`;
    return { wrote: true, done: failed(h, id, 'edited-on-both-sides', found) };
  }
  let { owner } = brought;
  let settledTarget: Settled;
  for (;;) {
    const looked = emptyAudit();
    settledTarget = await settleOpened(h, id, seenTarget, owner, at, brought.specEditedMs, looked);
    owner = await rightCount(h, id, settledSource, settledTarget, at);
    // What settling itself wrote, it has settled.
    if (settledTarget.unproven || owner.updatedMs === settledTarget.after.updatedMs) {
      Object.assign(audit, addAudit(audit, looked));
      break;
    }
    // Counting was a write, and on V2 a write drops what is due around it: once more. What was filled is found running.
    audit.filled += looked.filled;
  }
  if (settledTarget.unproven) return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
  await countWrongSide(settledTarget, settledSource.after, audit);
  await countWrongSide(settledSource, owner, audit);
  if (!atRest) await retire(h, id, settledSource.after, owner, at.boundary);
  return { wrote: true, done: { outcome: 'handed-over', userPaused: Boolean(owner.schedule.state?.paused) } };
}

/**
 * A bound that had to stay when all else was done. That a V2 scheduler drops what is due around the write is remembered on
 * the other side: cut off behind it, nothing else would tell.
 */
async function takeBoundOff(
  h: Handover,
  id: string,
  target: Described,
  rest: Described,
  boundary: number,
  audit: Audit,
): Promise<Step> {
  const mark = standbyMark(rest);
  if (!mark) throw new ChangedMeanwhile(h.source.profile, id, 'it is no paused copy any more');
  const userPaused = Boolean(target.schedule.state?.paused);
  if (await boundStays(h, id, target, boundary))
    return { wrote: false, done: { outcome: 'already-there', userPaused } };
  const settleFrom = h.time.now() - (await h.target.behindMs()) - V2_GUARD_MS;
  const owed = standby(rest.schedule, { ...mark, settle: settleFrom, since: boundary });
  const reminded = await change(h.source, h.time, id, rest, owed);
  const brought = await bringTogether(h, id, target, reminded, boundary);
  if ('by' in brought) return AGAIN;
  const proven = await proveOwner(h, id, brought.owner, reminded, settleFrom, audit);
  if (!proven) return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
  return { wrote: true, done: { outcome: 'handed-over', userPaused: Boolean(brought.owner.schedule.state?.paused) } };
}

function isAtRest(side: Described): boolean {
  return standbyMark(side) !== undefined;
}

/** Right after an opening that came late. What it finds is counted when the target is settled for good. */
export async function settleOpening(
  h: Handover,
  id: string,
  landed: Described,
  at: FencedAt,
  audit: Audit,
): Promise<void> {
  const looked = emptyAudit();
  await settle(h.target, h.time, id, landed, targetRange(h, landed, at), looked, askingOf(h, h.target, id), h.source);
  audit.filled += looked.filled;
}

/**
 * What its opening and the end of its bound dropped. Long after the opening, or with another spec since, what lies between
 * the two writes is the scheduler's own, with all its policies.
 */
async function settleOpened(
  h: Handover,
  id: string,
  seen: Described,
  target: Described,
  at: FencedAt,
  specEditedMs: number | undefined,
  audit: Audit,
): Promise<Settled> {
  const { boundary } = at;
  const opening = targetRange(h, seen, at);
  const whole = targetRange(h, target, at);
  const landed = target.updatedMs ?? h.time.now();
  const jitter = durationMs(target.schedule.spec?.jitter);
  const one = (of: Described, range: Range): Promise<Settled> =>
    settle(h.target, h.time, id, of, range, audit, askingOf(h, h.target, id), h.source);
  const lastWrite = (fromDueMs: number, earliest = boundary - 1000): Range => ({
    ...whole,
    afterNominalMs: Math.max(earliest, fromDueMs - jitter),
    fromDueMs,
  });
  if (specEditedMs !== undefined) return one(target, lastWrite(landed - V2_GUARD_MS, specEditedMs));
  if (whole.untilMs - opening.untilMs < NEAR_MS) return one(target, whole);
  const first = await one(target, opening);
  const second = await one(first.after, lastWrite(landed - NEAR_MS / 10));
  const [ran, uncounted] = [first.ran + second.ran, first.uncounted + second.uncounted];
  const unproven = first.unproven || second.unproven;
  return { ...second, due: [...first.due, ...second.due], ran, uncounted, unproven };
}

const NEAR_MS = 60_000;
const LAST_LOOK_MS = 700;

export function sourceRange(source: Described, at: FencedAt): Range {
  const jitter = durationMs(source.schedule.spec?.jitter);
  // With its note overwritten the source does not tell where to start; then nothing is guessed about its last times.
  const from = at.next ?? at.boundary;
  return {
    afterNominalMs: from - jitter - 1000,
    fromDueMs: from,
    untilMs: at.boundary - 1000 + jitter,
    beforeNominalMs: at.boundary,
    role: 'source',
    reserves: at.left !== undefined,
  };
}

function targetRange(h: Handover, target: Described, { boundary }: FencedAt): Range {
  const landed = target.updatedMs ?? h.time.now();
  const jitter = durationMs(target.schedule.spec?.jitter);
  return {
    afterNominalMs: boundary - 1000,
    beforeNominalMs: landed + 1,
    fromDueMs: boundary,
    untilMs: landed + jitter,
    role: 'target',
    reserves: true,
  };
}

/**
 * A user's edit on the fenced source may have taken our bound off: both sides would run. Put it back at once. The bound
 * hides an end its user has just written, so the target gets that edit first.
 */
async function mended(h: Handover, id: string, source: Described, at: FencedAt): Promise<Described> {
  const bounded = isBoundedBefore(source.schedule, at.boundary);
  if (bounded && readNote(source.schedule.state?.notes).mark) return source;
  const target = await reread(h.target, id);
  if (bounded) {
    return change(h.source, h.time, id, source, fenceWithMark(h, source, target, at));
  }
  const edited = editedBy(source, target, target);
  let content = readFence(source);
  if (edited.by === 'source') {
    const spec = { ...edited.content.spec, startTime: target.schedule.spec?.startTime };
    const desired = { ...edited.content, spec, state: target.schedule.state };
    const { searchAttributes } = edited;
    const landed = await change(h.target, h.time, id, target, desired, { searchAttributes });
    content = fingerprint(contents(edited.content, landed.schedule).source, source.searchAttributes);
  }
  return change(h.source, h.time, id, source, fenced(source.schedule, fenceMark(h, at, content)));
}

function readFence({ schedule }: Described): string | undefined {
  const { mark } = readNote(schedule.state?.notes);
  return mark?.kind === 'fence' ? mark.content : undefined;
}

async function retire(h: Handover, id: string, source: Described, owner: Described, boundary: number): Promise<void> {
  const user = asUserWrote(source.schedule, {
    startTime: source.schedule.spec?.startTime,
    endTime: owner.schedule.spec?.endTime,
  });
  const mark = {
    kind: 'standby',
    owner: h.target.profile,
    migration: h.migration,
    boundary,
    userPaused: Boolean(owner.schedule.state?.paused),
    content: fingerprint(user, source.searchAttributes),
  } as const;
  await change(h.source, h.time, id, source, standby(user, mark));
}

async function sleepUntil(h: Handover, ms: number): Promise<void> {
  const left = ms - h.time.now();
  if (left > 0) await h.time.sleep(left + 100);
}
