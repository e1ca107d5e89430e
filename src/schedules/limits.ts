/** A limited schedule's count after a handover. */
import { change, reread } from './change.ts';
import { allowsOverlap, endsOpenRuns } from './overlap.ts';
import type { Handover } from './step.ts';
import type { Described, Run, ScheduleCluster, Time } from './ports.ts';
import type { Settled } from './settling.ts';
import { withActions } from './shapes.ts';
import { runId } from './times.ts';
import { isAnothers, ranAs, withBounds } from './verdicts.ts';

/** More runs than this since the boundary are not counted one by one: it was long ago. */
const COUNTED = 200;

/**
 * What is left of a limited owner after a handover: absolute, so that it can be said twice. Where the fence tells what was
 * left before its first run, that, less all that has run since on either side. Else what is left on the source, less all
 * that has run on the target.
 */
export async function rightCount(
  h: Handover,
  id: string,
  source: Settled,
  target: Settled,
  { boundary, left }: { boundary: number; left?: number },
): Promise<Described> {
  if (!target.after.schedule.state?.limitedActions) return target.after;
  if (left === undefined && target.uncounted === 0) return target.after;
  const { owner, ran } = await ranSince(h, id, target, { afterNominalMs: boundary - 1000, fromDueMs: 0 });
  if (ran === undefined) return owner;
  // Nothing of ours puts a count above what was left: raised by its user, it is theirs.
  if (left !== undefined && owner.remaining > left) return owner;
  const known = left !== undefined && source.after.remaining <= left;
  const before = known ? left - source.ran : source.after.remaining - source.uncounted;
  return writeCount(h, id, owner, before - ran);
}

/** Actions left on a side, where they are limited. */
export function leftOn({ schedule, remaining }: Described): number | undefined {
  return schedule.state?.limitedActions ? remaining : undefined;
}

/**
 * What is left before the next action its scheduler generates; undefined where that cannot be told. A V1 scheduler counts a
 * start when it leaves the buffer; what a policy that ends open runs has there may yet be replaced.
 */
export function leftBeforeNext(source: Described): number | undefined {
  const left = leftOn(source);
  if (left === undefined || source.buffered === 0) return left;
  return source.engine === 'v2' || endsOpenRuns(source) ? undefined : Math.max(0, left - source.buffered);
}

/**
 * What is left of a limited owner is what was left at a known time, less all that has run since, on either side: absolute,
 * so that an attempt that was cut off between a start and its count leaves nothing behind.
 */
export async function countLeft(
  h: Handover,
  id: string,
  owner: Described,
  since: { left: number; afterNominalMs: number; fromDueMs: number },
  settled: Settled,
): Promise<Described> {
  if (!owner.schedule.state?.limitedActions) return owner;
  const { owner: now, ran } = await ranSince(h, id, settled, since);
  return ran === undefined || now.remaining > since.left ? owner : writeCount(h, id, now, since.left - ran, owner);
}

/**
 * Times that ran, on either side, also those started already to begin later; undefined where they are too many. Counted
 * again where the owner has started another meanwhile: the count and its schedule belong together.
 */
async function ranSince(
  h: Handover,
  id: string,
  settled: Settled,
  since: { afterNominalMs: number; fromDueMs: number },
): Promise<{ owner: Described; ran?: number }> {
  let owner = await whenCounted(h.target, h.time, id);
  for (let tried = 1; ; tried++) {
    const ran = await countRan(h, id, owner, settled, since);
    const after = await whenCounted(h.target, h.time, id);
    if (after.remaining === owner.remaining || tried === MAX_COUNTS) return { owner, ran };
    owner = after;
  }
}

const MAX_COUNTS = 3;

/**
 * A V2 scheduler counts a start before it is to be seen: a moment is waited for when nothing is on its way. As it is where
 * something always is. What waits for the end of an open run is not counted yet.
 */
function whenCounted(side: ScheduleCluster, time: Time, id: string): Promise<Described> {
  return when(side, time, id, (seen) => seen.engine === 'v1' || !isStarting(seen));
}

function isStarting(seen: Described): boolean {
  return seen.buffered > 0 && (allowsOverlap(seen) || seen.running.length === 0);
}

/** What is in a V2 buffer may be counted or not. False where there always is something, or nothing was. */
export async function waitedForEmptyBuffer(
  side: ScheduleCluster,
  time: Time,
  id: string,
  { engine, buffered }: Described,
): Promise<boolean> {
  if (engine === 'v1' || buffered === 0) return false;
  return (await when(side, time, id, (seen) => seen.buffered === 0)).buffered === 0;
}

async function when(
  side: ScheduleCluster,
  time: Time,
  id: string,
  isSo: (seen: Described) => boolean,
): Promise<Described> {
  const deadline = time.now() + STARTS_WITHIN_MS;
  for (let wait = 50; ; wait = Math.min(wait * 2, 200)) {
    const seen = await reread(side, id);
    if (isSo(seen) || time.now() > deadline) return seen;
    await time.sleep(wait);
  }
}

const STARTS_WITHIN_MS = 5_000;

async function countRan(
  h: Handover,
  id: string,
  owner: Described,
  settled: Settled,
  since: { afterNominalMs: number; fromDueMs: number },
): Promise<number | undefined> {
  const other = await h.source.describe(id);
  const untilMs = Math.max(h.time.now() + (await h.target.aheadMs()), ...settled.due.map(({ dueMs }) => dueMs));
  const listed = withBounds(await h.target.matchingTimes(id, since.afterNominalMs, untilMs), since.afterNominalMs);
  const own = listed.filter(({ dueMs }) => dueMs >= since.fromDueMs);
  if (own.length > COUNTED) return undefined;
  const base = owner.schedule.action?.startWorkflow?.workflowId ?? '';
  let ran = 0;
  for (const due of own) {
    const nominalMs = await settled.nominalOf(due);
    const workflowId = nominalMs === undefined ? undefined : runId(base, nominalMs);
    const byId = workflowId && ((await ownRun(h.target, id, workflowId)) ?? (await ownRun(h.source, id, workflowId)));
    if (byId || ranAs(due, owner.recent) || ranAs(due, other?.recent ?? [])) ran++;
  }
  return ran;
}

async function ownRun(side: ScheduleCluster, id: string, workflowId: string): Promise<Run | undefined> {
  const run = await side.describeRun(workflowId);
  return run && isAnothers(run, id) ? undefined : run;
}

/** `unchanged` is returned where the count is right. */
async function writeCount(
  h: Handover,
  id: string,
  now: Described,
  left: number,
  unchanged: Described = now,
): Promise<Described> {
  if (Math.max(0, left) === now.remaining) return unchanged;
  return change(h.target, h.time, id, now, withActions(now.schedule, left), { always: true });
}

/** A limited owner has that many less than it says. The schedule, written; or as it was, where nothing is to be counted. */
export async function countStarted(h: Handover, id: string, owner: Described, started: number): Promise<Described> {
  if (started === 0 || !owner.schedule.state?.limitedActions) return owner;
  const now = await reread(h.target, id);
  return change(h.target, h.time, id, now, withActions(now.schedule, now.remaining - started), { always: true });
}
