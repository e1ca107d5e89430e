/**
 * After the boundary: prove both sides' runs around it, take our bound off the target, and lay the source to rest. The
 * source's fence goes last: as long as it stands, anybody can see what is left to do.
 */
import Long from 'long';
import type { Audit } from '../activities/types.ts';
import { untilQuietMoment } from './boundary.ts';
import { differingFields } from './canonical.ts';
import { change, reread } from './change.ts';
import type { Handover, HandoverResult } from './handover.ts';
import { readNote } from './note.ts';
import type { Described, ScheduleCluster } from './ports.ts';
import { type Range, type Settled, settle } from './settle.ts';
import { asUserWrote, fenced, isOurBound, standby } from './shapes.ts';
import { type Schedule, durationMs, toMs } from './times.ts';
import { type Due, ranAs } from './verdicts.ts';

interface Done {
  wrote: boolean;
  done: Omit<HandoverResult, 'audit'>;
}

export async function finish(
  h: Handover,
  id: string,
  seenTarget: Described,
  at: { boundary: number; next?: number },
  audit: Audit,
): Promise<Done> {
  if (at.boundary - h.time.now() > LAST_LOOK_MS) {
    await h.time.sleep(at.boundary - h.time.now() - LAST_LOOK_MS);
    const early = await reread(h.source, id);
    // While there is time: with its bound taken off by an edit, the source would run the first time of the target.
    if (readNote(early.schedule.state?.notes).mark?.kind !== 'standby') await mended(h, id, early, at);
  }
  await sleepUntil(h, at.boundary);
  const seen = await reread(h.source, id);
  const atRest = readNote(seen.schedule.state?.notes).mark?.kind === 'standby';
  const source = atRest ? seen : await mended(h, id, seen, at);
  const settledSource = atRest
    ? { due: [], filled: 0, after: source }
    : await settle(h.source, h.time, id, source, sourceRange(source, at), audit);
  const tidied = await tidyWhenSafe(h, id, seenTarget, settledSource, at.boundary);
  const target = tidied ?? (await reread(h.target, id));
  const settledTarget = await settleOpened(h, id, seenTarget, target, source, at.boundary, audit);
  let owner = settledTarget.after;
  const uncounted = settledTarget.filled + (tidied ? 0 : settledSource.filled);
  if (uncounted > 0 && owner.schedule.state?.limitedActions) {
    owner = await change(h.target, h.time, id, owner, fewer(owner.schedule, uncounted), { always: true });
  }
  countWrongSide(settledTarget.due, settledSource.after, owner, audit);
  countWrongSide(settledSource.due, owner, settledSource.after, audit);
  if (!atRest) await retire(h, id, settledSource.after, owner, at.boundary);
  return { wrote: true, done: { outcome: 'handed-over', userPaused: Boolean(owner.schedule.state?.paused) } };
}

/**
 * What its opening and the end of its bound dropped. Long after the opening, what lies between the two writes is the
 * scheduler's own, with all its policies.
 */
async function settleOpened(
  h: Handover,
  id: string,
  seen: Described,
  target: Described,
  source: Described,
  boundary: number,
  audit: Audit,
): Promise<Settled> {
  const opening = targetRange(h, seen, boundary);
  const none = { startTime: null, endTime: null };
  const [was, is] = [asUserWrote(source.schedule, none), asUserWrote(target.schedule, none)];
  if (differingFields({ schedule: was }, { schedule: is }).length > 0) {
    // Its user has edited it since: times of the new spec before the edit were never meant to run.
    return { due: [], filled: 0, after: target };
  }
  const whole = targetRange(h, target, boundary);
  if (whole.untilMs - opening.untilMs < NEAR_MS) return settle(h.target, h.time, id, target, whole, audit, h.source);
  const first = await settle(h.target, h.time, id, target, opening, audit, h.source);
  const from = (target.updatedMs ?? h.time.now()) - NEAR_MS / 10;
  const jitter = durationMs(target.schedule.spec?.jitter);
  const last = { ...whole, afterNominalMs: from - jitter, fromDueMs: from };
  const second = await settle(h.target, h.time, id, first.after, last, audit, h.source);
  return { due: [...first.due, ...second.due], filled: first.filled + second.filled, after: second.after };
}

const NEAR_MS = 60_000;
const LAST_LOOK_MS = 700;

/** For a target that took over from a resting source: what fell due before its opening landed. */
export async function settleTakenOver(
  h: Handover,
  id: string,
  landed: Described,
  boundary: number,
  audit: Audit,
): Promise<void> {
  if (landed.schedule.state?.paused) return;
  await settle(h.target, h.time, id, landed, targetRange(h, landed, boundary), audit, h.source);
}

function sourceRange(source: Described, at: { boundary: number; next?: number }): Range {
  const jitter = durationMs(source.schedule.spec?.jitter);
  // With its note overwritten the source does not tell where to start; then nothing is guessed about its last times.
  const from = at.next ?? at.boundary;
  return {
    afterNominalMs: from - jitter - 1000,
    fromDueMs: from,
    untilMs: at.boundary - 1000 + jitter,
    beforeNominalMs: at.boundary,
    role: 'source',
  };
}

function targetRange(h: Handover, target: Described, boundary: number): Range {
  const landed = target.updatedMs ?? h.time.now();
  const jitter = durationMs(target.schedule.spec?.jitter);
  return { afterNominalMs: boundary - 1000, fromDueMs: boundary, untilMs: landed + jitter, role: 'target' };
}

/** A user's edit on the fenced source may have taken our bound off: both sides would run. Put it back at once. */
async function mended(
  h: Handover,
  id: string,
  source: Described,
  at: { boundary: number; next?: number },
): Promise<Described> {
  if (isOurBound(source.schedule.spec?.endTime) || endsBefore(source, at.boundary)) return source;
  const mark = {
    kind: 'fence',
    to: h.target.profile,
    migration: h.migration,
    boundary: at.boundary,
    next: at.next,
  } as const;
  return change(h.source, h.time, id, source, fenced(source.schedule, mark));
}

function endsBefore(source: Described, boundary: number): boolean {
  const end = toMs(source.schedule.spec?.endTime);
  return end !== undefined && end < boundary;
}

/**
 * On V1 an unbounded target would still run nominal times before the boundary whose jittered time lies ahead there: the
 * source's. So the bound stays until the last of them has passed. Where that is far off, undefined: the bound is harmless,
 * the schedule shows it, and the watch takes it off later.
 */
async function tidyWhenSafe(
  h: Handover,
  id: string,
  seen: Described,
  source: Settled,
  boundary: number,
): Promise<Described | undefined> {
  const safeAt = await whenSafe(h.target, id, seen, boundary);
  if (safeAt - h.time.now() > MAX_BOUND_WAIT_MS && !pausedByUser(source.after)) return undefined;
  await sleepUntil(h, safeAt + (await h.target.behindMs()));
  return tidy(h, id, seen, source.after, source.filled);
}

const MAX_BOUND_WAIT_MS = 20_000;

/** Jitter never reaches the next nominal time: once the first of the target's own is due, all earlier ones have passed. */
export async function whenSafe(
  cluster: ScheduleCluster,
  id: string,
  target: Described,
  boundary: number,
): Promise<number> {
  const jitter = durationMs(target.schedule.spec?.jitter);
  if (jitter <= 5_000) return boundary + jitter;
  const [first] = await cluster.matchingTimes(id, boundary - 1000, boundary + jitter);
  return Math.min(boundary + jitter, first ?? Infinity);
}

/**
 * Takes our bound off the target, and carries over what its user did to the source while it was fenced: an edit, or a
 * pause (by hand or by pauseOnFailure).
 */
async function tidy(h: Handover, id: string, seen: Described, source: Described, filled: number): Promise<Described> {
  let target = await reread(h.target, id);
  const loud = untilQuietMoment(target, h.time.now());
  if (loud > 0) {
    await h.time.sleep(loud);
    target = await reread(h.target, id);
  }
  const bounds = { startTime: source.schedule.spec?.startTime, endTime: target.schedule.spec?.endTime };
  const edited =
    (source.updatedMs ?? 0) > (seen.updatedMs ?? 0) &&
    differingFields(
      { schedule: asUserWrote(source.schedule, bounds) },
      { schedule: asUserWrote(target.schedule, bounds) },
    ).length > 0;
  let desired = asUserWrote(edited ? { ...source.schedule, state: target.schedule.state } : target.schedule, bounds);
  if (pausedByUser(source) && !target.schedule.state?.paused) {
    desired = {
      ...desired,
      state: { ...desired.state, paused: true, notes: readNote(source.schedule.state?.notes).user },
    };
  }
  if (filled > 0 && desired.state?.limitedActions) desired = fewer(desired, filled);
  return change(h.target, h.time, id, target, desired);
}

function pausedByUser(source: Described): boolean {
  return Boolean(source.schedule.state?.paused) && readNote(source.schedule.state?.notes).mark?.kind !== 'standby';
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
  } as const;
  await change(h.source, h.time, id, source, standby(user, mark));
}

/** Due times of one side that ran on the other; those that ran on both are duplicates. */
function countWrongSide(due: Due[], other: Described, own: Described, audit: Audit): void {
  for (const d of due) {
    const hit = ranAs(d, other.recent);
    if (!hit) continue;
    audit.wrongSide++;
    if (own.recent.some((action) => action.workflowId === hit.workflowId)) audit.duplicates++;
  }
}

function fewer(schedule: Schedule, by: number): Schedule {
  const remaining = schedule.state?.remainingActions;
  const left = Math.max(0, (remaining ? remaining.toNumber() : 0) - by);
  return { ...schedule, state: { ...schedule.state, remainingActions: Long.fromNumber(left) } };
}

async function sleepUntil(h: Handover, ms: number): Promise<void> {
  const left = ms - h.time.now();
  if (left > 0) await h.time.sleep(left + 100);
}
