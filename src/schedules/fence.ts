/** Building the fence on the source, waiting behind it, and taking it down again. */
import type { Audit } from '../activities/types.ts';
import { emptyAudit } from './audit.ts';
import { chooseCrossing, untilQuietMoment } from './boundary.ts';
import { ChangedMeanwhile, change } from './change.ts';
import type { Handover } from './handover.ts';
import { readNote } from './note.ts';
import type { Described } from './ports.ts';
import { settle } from './settle.ts';
import { asUserWrote, fenced, isOurBound, standby } from './shapes.ts';
import { durationMs } from './times.ts';

export interface Fence {
  source: Described;
  boundary: number;
  next?: number;
}

const MAX_ATTEMPTS = 5;

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
): Promise<Fence | { failed: { code: string; found: string } }> {
  let source = first;
  let next: number | undefined;
  const earliest = (readNote(target.schedule.state?.notes).mark?.boundary ?? 0) + 1000;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const loud = untilQuietMoment(source, h.time.now());
    if (loud > 0) {
      await h.time.sleep(loud);
      const fresh = await reread(h, id);
      const spec = { ...fresh.schedule.spec, startTime: first.schedule.spec?.startTime };
      source = isOurBound(fresh.schedule.spec?.startTime) ? { ...fresh, schedule: { ...fresh.schedule, spec } } : fresh;
    }
    // What was generated before our first write is the scheduler's own; settle starts at the first that was not.
    next ??= source.futureMs[0];
    const crossing = chooseCrossing(source, h.time.now(), h.leadMs * (attempt + 1));
    const boundary = Math.max(crossing.boundary, earliest);
    const mark = { kind: 'fence', to: h.target.profile, migration: h.migration, boundary, next } as const;
    source = await change(h.source, h.time, id, source, fenced(source.schedule, mark));
    if ((source.updatedMs ?? Infinity) < boundary) {
      await runWhatTheWriteDropped(h, id, source, next, audit);
      return { source, boundary, next };
    }
  }
  const boundary = readNote(source.schedule.state?.notes).mark?.boundary ?? h.time.now();
  await disarm(h, id, source, target, { boundary, next }, audit);
  return {
    failed: {
      code: 'fence-too-slow',
      found: `its fence landed after its boundary ${MAX_ATTEMPTS} times, the last with ${(h.leadMs * MAX_ATTEMPTS) / 1000} s of lead`,
    },
  };
}

/**
 * A V2 scheduler drops what is due around a write. Settle would find it after the boundary, seconds late; started now,
 * with a delay, it runs when it is due. A limited schedule waits for settle, which keeps its count.
 */
async function runWhatTheWriteDropped(
  h: Handover,
  id: string,
  source: Described,
  next: number | undefined,
  audit: Audit,
): Promise<void> {
  if (source.engine === 'v1' || next === undefined || source.schedule.state?.limitedActions) return;
  const jitter = durationMs(source.schedule.spec?.jitter);
  const until = (source.updatedMs ?? h.time.now()) + jitter;
  if (next > until) return;
  const range = { afterNominalMs: next - jitter - 1000, fromDueMs: next, untilMs: until, role: 'target' } as const;
  const looked = emptyAudit();
  await settle(h.source, h.time, id, source, range, looked);
  // Settle counts the same runs once more when it proves the source; what was filled it will find running.
  audit.filled += looked.filled;
}

/** Waits until the source has started its last action and none of its runs is open; undefined when that takes too long. */
export async function waitUntilIdle(h: Handover, id: string, first: Described): Promise<Described | undefined> {
  const deadline = h.time.now() + h.idleLimitMs;
  let source = first;
  for (let wait = 50; ; wait = Math.min(wait * 2, 500)) {
    if (source.schedule.state?.paused) return source;
    const aheadOfUs = source.futureMs.length > 0 && source.remaining !== 0;
    if (!aheadOfUs && source.buffered === 0 && source.running.length === 0) return source;
    if (h.time.now() > deadline) return undefined;
    await h.time.sleep(wait);
    source = await reread(h, id);
  }
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
  at: { boundary: number; next?: number },
  audit: Audit,
): Promise<void> {
  const shut = { kind: 'standby', owner: h.source.profile, migration: h.migration } as const;
  const shutTarget = await change(h.target, h.time, id, target, standby(target.schedule, shut), { always: true });
  const user = asUserWrote(source.schedule, {
    startTime: source.schedule.spec?.startTime,
    endTime: shutTarget.schedule.spec?.endTime,
  });
  const landed = await change(h.source, h.time, id, source, user);
  const jitter = durationMs(user.spec?.jitter);
  const from = Math.min(at.next ?? at.boundary, at.boundary);
  const range = {
    afterNominalMs: from - jitter - 1000,
    fromDueMs: from,
    untilMs: (landed.updatedMs ?? h.time.now()) + jitter,
    role: 'target',
  } as const;
  // Unfenced, the source runs on by itself; what fell due while it was bounded or was dropped by the write is filled.
  await settle(h.source, h.time, id, landed, range, audit);
}

async function reread(h: Handover, id: string): Promise<Described> {
  const source = await h.source.describe(id);
  if (!source) throw new ChangedMeanwhile(h.source.profile, id, 'it was deleted');
  return source;
}
