/** A schedule that the source owns and the target has a copy of: bring the copy in line, then let it change hands. */
import type { Audit } from '../activities/types.ts';
import { QUIET_MS, chooseCrossing, isIdle, quietBoundary } from './boundary.ts';
import { differingFields, fingerprint } from './canonical.ts';
import { change, reread } from './change.ts';
import { bringStandbyUpToDate } from './copying.ts';
import { buildFence } from './fence.ts';
import { whenSafe } from './tidy.ts';
import { AGAIN, type Handover, type Step, UNPROVEN, failed, untilPast, waitedEnough } from './step.ts';
import { readNote } from './note.ts';
import { openTarget } from './open.ts';
import type { Described } from './ports.ts';
import { proveOwner } from './prove.ts';
import { leftOn, waitedForEmptyBuffer } from './limits.ts';
import { openedBoundary, ownerAsUserWrote, standby } from './shapes.ts';
import { durationMs, runId } from './times.ts';

export async function cross(h: Handover, id: string, seen: Described, target: Described, audit: Audit): Promise<Step> {
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
  const later = await whileStartedAhead(h, id, source);
  if (later) return later;
  const crossing = chooseCrossing(source, h.time.now(), h.leadMs);
  switch (crossing.kind) {
    case 'lull':
      await h.time.sleep(Math.max(0, crossing.fromMs - h.time.now()));
      return AGAIN;
    case 'open-run':
      return waitForOpenRun(h, id, source);
    case 'fence': {
      const fence = await buildFence(h, id, source, target, audit);
      if ('failed' in fence) return { wrote: true, done: failed(h, id, fence.failed.code, fence.failed.found) };
      return openTarget(h, id, fence.source, target, fence, audit);
    }
    case 'quiet':
      return crossQuietly(h, id, source, target, audit);
  }
}

/** Unfenced: nothing is due for a while, and a run that never ends must not hold anything back. */
async function waitForOpenRun(h: Handover, id: string, first: Described): Promise<Step> {
  const deadline = h.time.now() + h.idleLimitMs;
  let source = first;
  for (let wait = 100; !isIdle(source); wait = Math.min(wait * 2, 1_000)) {
    const next = source.futureMs[0];
    if (next !== undefined && next <= h.time.now() + QUIET_MS) return AGAIN;
    if (h.time.now() > deadline || h.hurried?.()) return { wrote: false, done: waitedEnough(h, id) };
    await h.time.sleep(wait);
    source = await reread(h.source, id);
  }
  return AGAIN;
}

/** Give up, then take over. Between the two writes nobody runs, and nothing is due. */
async function crossQuietly(
  h: Handover,
  id: string,
  source: Described,
  target: Described,
  audit: Audit,
): Promise<Step> {
  const userPaused = Boolean(source.schedule.state?.paused);
  const jitter = durationMs(source.schedule.spec?.jitter);
  // By the source's own clock it may be later: what is due there by now may have run.
  const now = h.time.now() + (await h.source.aheadMs());
  const begun = userPaused || jitter === 0 ? undefined : await begunTimes(h, id, source, jitter, now);
  const later = begun?.startedUntilMs === undefined ? undefined : await wait(h, id, begun.startedUntilMs);
  if (later) return later;
  const due = source.futureMs[0];
  const earliestNominal = due === undefined ? Infinity : due - jitter;
  const last = lastBoundary(target);
  // A fence that was called off may have had its boundary ahead. Beyond it lies what nobody has run: the source does first.
  if (!userPaused && last > now && earliestNominal <= last + 1000) {
    await h.time.sleep(last + 1000 - now);
    return AGAIN;
  }
  const boundary = Math.max(quietBoundary(source, now, begun?.dueBefore), last + 1000);
  // Cut off right after the take-over, nobody else would know that it came late, or that something was ahead.
  const reminded = !userPaused && (begun?.ahead || earliestNominal < now + REMIND_MS);
  const mark = {
    kind: 'standby',
    owner: h.target.profile,
    migration: h.migration,
    boundary,
    userPaused,
    content: fingerprint(source.schedule, source.searchAttributes),
    ...(reminded ? { settle: boundary, left: leftOn(source), since: h.time.now() } : {}),
  } as const;
  const rest = await change(h.source, h.time, id, source, standby(source.schedule, mark));
  if (h.time.now() > (begun?.ahead ? (due ?? Infinity) : earliestNominal) - SLACK_MS) return AGAIN;
  // From here nobody runs: the target takes over what the user wrote, or a later attempt reads it off the source.
  await untilPast(h, boundary);
  const landed = await change(h.target, h.time, id, target, source.schedule);
  if (reminded && !(await proveOwner(h, id, landed, rest, boundary, audit, landed.updatedMs))) {
    return { wrote: true, done: failed(h, id, 'unproven', UNPROVEN) };
  }
  return { wrote: true, done: { outcome: 'handed-over', userPaused } };
}

/**
 * Of a limited schedule, what is started already with a delay is counted: it is due before anything else is looked at. Of
 * what is in a V2 buffer nobody can tell whether it is: a moment is waited for when nothing is.
 */
async function whileStartedAhead(h: Handover, id: string, source: Described): Promise<Step | undefined> {
  const jitter = durationMs(source.schedule.spec?.jitter);
  const { limitedActions, paused } = source.schedule.state ?? {};
  if (!limitedActions || paused || source.engine === 'v1') return undefined;
  if (await waitedForEmptyBuffer(h.source, h.time, id, source)) return AGAIN;
  if (jitter === 0) return undefined;
  // By the source's own clock it may be earlier: what was started with a delay is ahead of it still.
  const now = h.time.now() - (await h.source.behindMs());
  const { startedUntilMs } = await begunTimes(h, id, source, jitter, now);
  return startedUntilMs === undefined ? undefined : wait(h, id, startedUntilMs);
}

async function wait(h: Handover, id: string, untilMs: number): Promise<Step | undefined> {
  const [a, b] = [await h.source.behindMs(), await h.target.behindMs()];
  const left = untilMs + Math.max(a, b) - h.time.now();
  if (left <= 0) return undefined;
  const until = `a run of it is started already, with a delay, to begin by ${new Date(untilMs).toISOString()}`;
  if (left > QUIET_MS) return { wrote: false, done: failed(h, id, 'bound-ahead', until) };
  await h.time.sleep(left);
  return AGAIN;
}

/**
 * Times that have begun with their jitter still ahead: the source has not run them, and its pause drops them. The target
 * runs them: `ahead`. `dueBefore` is the last that was due. `startedUntilMs`: of those ahead some are started by id on the
 * source, to begin when they are due; the target must not be open before they are past there too.
 */
async function begunTimes(
  h: Handover,
  id: string,
  source: Described,
  jitter: number,
  now: number,
): Promise<{ ahead: boolean; dueBefore?: number; startedUntilMs?: number }> {
  const next = source.futureMs[0];
  // A V1 scheduler lists all that is ahead; V2 what comes after its last tick.
  const listed = source.engine === 'v1' && (next === undefined || next - jitter > now + QUIET_MS);
  if (listed) return { ahead: false, dueBefore: now };
  const due = await h.source.matchingTimes(id, now - 2 * jitter - 1000, now + jitter);
  const ahead = due.some((ms) => ms > now && ms - jitter <= now + QUIET_MS);
  const dueBefore = due.findLast((ms) => ms <= now);
  if (!ahead) return { ahead, dueBefore };
  const base = source.schedule.action?.startWorkflow?.workflowId ?? '';
  let startedUntilMs: number | undefined;
  for (const nominalMs of await h.source.nominalTimes(source.schedule, dueBefore ?? now - jitter, now)) {
    if (await h.source.describeRun(runId(base, nominalMs))) startedUntilMs = nominalMs + jitter;
  }
  return { ahead, dueBefore, startedUntilMs };
}

const SLACK_MS = 5_000;
/** A write that lands later than this fails its step. */
const REMIND_MS = 60_000;

/** Boundaries of one schedule only ever grow, so that of two resting sides the later one to give up is known. */
function lastBoundary(target: Described): number {
  return readNote(target.schedule.state?.notes).mark?.boundary ?? 0;
}
