/** Building the fence on the source, and taking it down again. */
import type { Audit } from '../activities/types.ts';
import type { ReasonCode } from '../reasons.ts';
import { emptyAudit } from './audit.ts';
import { chooseCrossing, mustBeIdle, wholeSecondFrom } from './boundary.ts';
import { fingerprint } from './canonical.ts';
import { contents, differing } from './carry.ts';
import { ChangedMeanwhile, change } from './change.ts';
import { type FencedAt, type Handover, askingOf } from './step.ts';
import { waitUntilDrained } from './idle.ts';
import { leftBeforeNext } from './limits.ts';
import { type FenceMark, readNote, writeNote } from './note.ts';
import type { Described } from './ports.ts';
import { proveOwner } from './prove.ts';
import { untilQuiet } from './quiet.ts';
import { settle } from './settle.ts';
import { asUserWrote, fenced, fencedBoundary, standby } from './shapes.ts';
import { type Schedule, durationMs } from './times.ts';

export interface Fence extends FencedAt {
  source: Described;
}

/** `content`: fingerprint of what the user had written. */
export function fenceMark(h: Handover, { boundary, next, left }: FencedAt, content: string | undefined): FenceMark {
  return { kind: 'fence', to: h.target.profile, migration: h.migration, boundary, next, left, content, by: h.by };
}

const MAX_ATTEMPTS = 5;
/** Longer is not waited for here: the fence stands, and is looked at again. */
const ASKED_AHEAD_MS = 60_000;

/**
 * Bounds the source, and proves by the server's own stamp that the bound landed before it mattered. One that landed
 * late broke nothing, the target is still shut: a later boundary is chosen, further ahead.
 */
export async function buildFence(
  h: Handover,
  id: string,
  first: Described,
  target: Described,
  audit: Audit,
  /** The fence that stands already. */
  standing?: FencedAt,
): Promise<Fence | { failed: { code: ReasonCode; found: string } }> {
  let source = first;
  // A fence that is rebuilt keeps the start of what is to be proven: its own bound hides it by now.
  let next = standing && (standing.next ?? standing.boundary);
  const left = standing ? standing.left : leftBeforeNext(source);
  const sourceNow = h.time.now() + (await h.source.aheadMs()) - (await h.source.behindMs());
  const earliest = Math.max(readNote(target.schedule.state?.notes).mark?.boundary ?? 0, standing?.boundary ?? 0) + 1000;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    // Never read again here: the write must fail if anybody has changed it since both sides were read together.
    await untilQuiet(h.source, h.time, source);
    // What was generated before our first write is the scheduler's own; settle starts at the first that was not.
    // V2 lists what comes after its last tick: a time that has passed, with its jitter ahead, may not be in the list.
    next ??= source.engine === 'v1' ? source.futureMs[0] : Math.min(source.futureMs[0] ?? Infinity, sourceNow);
    const lead = h.leadMs * (attempt + 1);
    const crossing = chooseCrossing(source, h.time.now(), lead);
    // Bounded by a fence that came late, the source looks quiet; the lead is what the next one needs.
    const ahead = crossing.kind === 'fence' ? crossing.boundary : wholeSecondFrom(h.time.now() + lead);
    const boundary = Math.max(ahead, earliest);
    // A fence that stands hides the user's own end, which may lie before the new boundary; the copy has it.
    const user = contents(source.schedule, target.schedule).source;
    const content = fingerprint(user, source.searchAttributes);
    const mark = fenceMark(h, { boundary, next, left }, content);
    source = await change(h.source, h.time, id, source, fenced(source.schedule, mark, user.spec?.endTime));
    if (h.seen) h.seen.fenced = true;
    if ((source.updatedMs ?? Infinity) < boundary) {
      await runWhatTheWriteDropped(h, id, source, { boundary, next, left }, audit);
      return { source, boundary, next, left };
    }
  }
  const boundary = readNote(source.schedule.state?.notes).mark?.boundary ?? h.time.now();
  await disarm(h, id, source, target, { boundary, next, left }, audit);
  return {
    failed: {
      code: 'fence-too-slow',
      found: `its fence landed after its boundary ${MAX_ATTEMPTS} times, the last with ${(h.leadMs * MAX_ATTEMPTS) / 1000} s of lead`,
    },
  };
}

/**
 * A standing fence, as this attempt's; with its mark put back before the user's note, where a pause, say, has overwritten
 * it. `proven`: by a stamp that this write replaces.
 */
export function fenceWithMark(
  h: Handover,
  source: Described,
  target: Described,
  at: FencedAt,
  proven?: boolean,
): Schedule {
  const { mark: stands, user: note } = readNote(source.schedule.state?.notes);
  if (stands) {
    const told = stands.kind === 'fence' ? { ...stands, by: h.by, proven: proven ?? stands.proven } : stands;
    const notes = writeNote(told, note);
    return { ...source.schedule, state: { ...source.schedule.state, notes } };
  }
  const user = contents(source.schedule, target.schedule);
  const edited = differing(source, target, user).length > 0;
  const content = edited ? undefined : fingerprint(user.source, source.searchAttributes);
  return fenced(source.schedule, { ...fenceMark(h, at, content), proven }, user.source.spec?.endTime);
}

/**
 * A V2 scheduler drops what is due around a write. Settle would find it after the boundary, seconds late; started now,
 * with a delay, it runs when it is due. Where the target waits for the source, the source is settled before it opens.
 */
async function runWhatTheWriteDropped(
  h: Handover,
  id: string,
  source: Described,
  { boundary, next }: FencedAt,
  audit: Audit,
): Promise<void> {
  if (source.engine === 'v1' || next === undefined || mustBeIdle(source)) return;
  const jitter = durationMs(source.schedule.spec?.jitter);
  const until = (source.updatedMs ?? h.time.now()) + jitter;
  if (next > until) return;
  const from = { afterNominalMs: next - jitter - 1000, fromDueMs: next };
  const range = { ...from, beforeNominalMs: boundary, untilMs: until, role: 'target' } as const;
  const looked = emptyAudit();
  await settle(h.source, h.time, id, source, range, looked, askingOf(h, h.source, id), h.target);
  // Settle counts the same runs once more when it proves the source; what was filled it will find running.
  audit.filled += looked.filled;
}

/**
 * Gives the source back to its user as it was. The target is written first, although it is shut: that makes every
 * opening of it still under way, from an attempt that was cut off, fail on its token.
 */
export async function disarm(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  at: FencedAt,
  audit: Audit,
): Promise<boolean> {
  const marked = readNote(source.schedule.state?.notes).mark?.kind === 'fence';
  if (!marked && fencedBoundary(source.schedule) === undefined) {
    throw new ChangedMeanwhile(h.source.profile, id, 'its fence was taken down');
  }
  const from = Math.min(at.next ?? at.boundary, at.boundary);
  const asking = askingOf(h, h.target, id);
  if (!(await asking.untilArrived())) return false;
  // What it has run is ahead of a source whose clock is behind, or whose jitter is longer.
  const lastAsked = await asking.lastMs();
  const jitter = lastAsked === 0 ? 0 : durationMs(source.schedule.spec?.jitter) + (await h.source.behindMs());
  const left = lastAsked + jitter - h.time.now();
  if (left > ASKED_AHEAD_MS) return false;
  if (left > 0) await h.time.sleep(left);
  // What it was asked for before it was to open: its runs belong to the other side's policy too.
  if (!(await waitUntilDrained(h, h.target, id))) return false;
  // The boundary tells what the source has generated itself: that may wait in its buffer.
  const { boundary } = at;
  // What the source was asked for behind the fence stays known.
  const asked = readNote(target.schedule.state?.notes).mark?.asked;
  const shut = { kind: 'standby', owner: h.source.profile, migration: h.migration, boundary } as const;
  const unproven = standby(target.schedule, {
    ...shut,
    settle: from,
    left: at.left,
    since: h.time.now(),
    asked,
    by: h.by,
  });
  const shutTarget = await change(h.target, h.time, id, target, unproven, { always: true });
  const user = asUserWrote(source.schedule, {
    startTime: source.schedule.spec?.startTime,
    endTime: contents(source.schedule, shutTarget.schedule).source.spec?.endTime,
  });
  const landed = await change(h.source, h.time, id, source, user);
  // Unfenced, the source runs on by itself; what fell due while it was bounded or was dropped by the write is filled.
  const swapped = { ...h, source: h.target, target: h.source };
  return proveOwner(swapped, id, landed, shutTarget, from, audit, landed.updatedMs);
}
