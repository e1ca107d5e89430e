/** What is missing on a side: whether it ran after all, or is left out, or is to be run. */
import type { Audit } from '../activities/types.ts';
import { noteRun } from './audit.ts';
import { ChangedMeanwhile, change, reread } from './change.ts';
import { asksItsScheduler, fillById } from './fill.ts';
import { type Missing, type Occupied, allowsOverlap, byPolicy, endsOpenRuns, policyOf } from './overlap.ts';
import type { ScheduleCluster, Time } from './ports.ts';
import type { Range, Settled, Settling, Wrote } from './settling.ts';
import { withActions } from './shapes.ts';
import { GRACE_MS } from './standing.ts';
import { durationMs, runId } from './times.ts';
import { type Due, isAnothers } from './verdicts.ts';

/** With a long jitter every write may drop another time, and asking for that is a write again: then it is run by id. */
export const MAX_WRITES = 3;

/**
 * So long, ms, a handover itself may keep a time from running, waiting for open runs: no catchup window is to count that.
 * What is older was held up by an outage, and the window is the user's word on those.
 */
const HELD_UP_MS = 3_600_000;

/** In the range, or dropped by a write of this attempt. */
export function isOurs(due: Due, nominalMs: number, { beforeNominalMs }: Range, wrote: Wrote[]): boolean {
  const dropped = wrote.some(({ fromMs, toMs }) => nominalMs <= toMs && due.dueMs >= fromMs - GRACE_MS);
  return nominalMs < beforeNominalMs || dropped;
}

/** Whether it ran, or its schedule's own settings leave it out; one nobody can name is missed. */
export async function accounted(
  settled: Settling,
  cluster: Pick<ScheduleCluster, 'describeRun'>,
  time: Time,
  id: string,
  due: Due,
  nominalMs: number | undefined,
  audit: Audit,
  other: Pick<ScheduleCluster, 'describeRun'> | undefined,
): Promise<boolean> {
  const { schedule } = settled.after;
  const base = schedule.action?.startWorkflow?.workflowId;
  if (nominalMs === undefined || !base) {
    audit.missed++;
    return true;
  }
  const workflowId = runId(base, nominalMs);
  const here = await cluster.describeRun(workflowId);
  // Another schedule has taken the id on this side: nobody could start it here.
  if (here && isAnothers(here, id)) {
    audit.explained++;
    return true;
  }
  const there = here ? undefined : await other?.describeRun(workflowId);
  const run = here ?? (there && isAnothers(there, id) ? undefined : there);
  if (run) {
    if (here) {
      settled.ran++;
      settled.byId.push({ due, startMs: here.startMs ?? due.dueMs });
    }
    noteRun(audit, due.dueMs, run.startMs ?? due.dueMs);
    return true;
  }
  if (await settled.asking.decided(nominalMs, base)) {
    audit.explained++;
    return true;
  }
  const catchup = durationMs(schedule.policies?.catchupWindow);
  const tooOld = catchup > 0 && time.now() - due.dueMs > Math.max(catchup, HELD_UP_MS);
  const limitReached = isUsedUp(settled);
  const paused = Boolean(schedule.state?.paused) && settled.range.role !== 'shut';
  if (!paused && !tooOld && !limitReached) return false;
  audit.explained++;
  return true;
}

/** A limited schedule has nothing left, counting what was just started by id. */
function isUsedUp({ after, range: { allowance, reserves }, ran, started }: Settling): boolean {
  if (!after.schedule.state?.limitedActions) return false;
  // What is reserved is off the count already.
  const left = after.remaining - (reserves ? 0 : started);
  return (allowance === undefined ? left : allowance - ran) <= 0;
}

/** Runs what the overlap policy does not leave out. */
export async function runMissing(
  settled: Settling,
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  late: Missing[],
  audit: Audit,
  other: ScheduleCluster | undefined,
): Promise<void> {
  const missing = await settled.asking.notAskedFor(late);
  if (!missing) {
    settled.unproven = true;
    return;
  }
  audit.explained += late.length - missing.length;
  if (missing.length === 0) return;
  const { after } = settled;
  const runs = allowsOverlap(after) ? [] : await runsAround(cluster, time, id, missing, other);
  const { run, leftOut } = byPolicy(policyOf(after.schedule), missing, runs, after.buffered > 0);
  audit.explained += leftOut.length;
  settled.asking.leaveOut(leftOut);
  // In the buffer of a policy that ends open runs, a later time replaces the one asked for. On a shut side one alone is
  // not in anybody's way.
  const shut = settled.range.role === 'shut';
  const replaced = endsOpenRuns(after) !== undefined && !(shut && run.length === 1);
  const asks = asksItsScheduler(after) && !replaced && settled.wrote.length < MAX_WRITES;
  if (asks && run.every(({ due }) => due.dueMs <= time.now())) {
    const fromMs = time.now() - (await cluster.behindMs());
    const answer = await settled.asking.ask(run, missing, shut ? settled.range.afterNominalMs + 1000 : undefined);
    settled.after = await reread(cluster, id);
    if (!shut) await wrote(settled, cluster, time, fromMs);
    if (answer === 'unproven') {
      settled.unproven = true;
      return;
    }
    for (const { due } of run) filled(settled, audit, due, time);
    return;
  }

  const last = run.at(-1);
  if (shut && last) await settled.asking.claim(settled.range.afterNominalMs + 1000, last.nominalMs);
  const reserves = settled.range.reserves && after.schedule.state?.limitedActions && !shut;
  const reserved = reserves ? await reserve(settled, cluster, time, id, run.length) : Infinity;
  for (const [i, m] of run.entries()) {
    if (i >= reserved || (!reserves && isUsedUp(settled))) {
      audit.explained++;
      continue;
    }
    const answer = await fillById(cluster, time, id, after, m);
    if (answer === 'started') settled.started++;
    settled.byId.push({ due: m.due, startMs: Math.max(time.now(), m.due.dueMs) });
    filled(settled, audit, m.due, time, answer === 'started');
  }
}

/** A write to a V2 scheduler drops what is due around it, like any other. */
async function wrote(settled: Settling, cluster: ScheduleCluster, time: Time, fromMs: number): Promise<void> {
  if (settled.after.engine === 'v1') return;
  settled.wrote.push({ fromMs, toMs: time.now() + (await cluster.aheadMs()) });
}

/**
 * Takes that many actions off a limited schedule before they are started: its scheduler must not use up its last ones
 * meanwhile. How many there were to take.
 */
async function reserve(
  settled: Settling,
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  wanted: number,
): Promise<number> {
  const fromMs = time.now() - (await cluster.behindMs());
  for (let tried = 1; ; tried++) {
    const now = await reread(cluster, id);
    const taken = Math.min(wanted, now.remaining);
    if (taken === 0) return 0;
    const lowered = withActions(now.schedule, now.remaining - taken);
    try {
      settled.after = await change(cluster, time, id, now, lowered, { always: true });
      await wrote(settled, cluster, time, fromMs);
      return taken;
    } catch (error) {
      // An action of its own came first.
      if (!(error instanceof ChangedMeanwhile) || tried === MAX_RESERVES) throw error;
    }
  }
}

const MAX_RESERVES = 5;

function filled(settled: Settled, audit: Audit, due: Due, time: Time, byUs = true): void {
  settled.ran++;
  noteRun(audit, due.dueMs, Math.max(time.now(), due.dueMs));
  if (byUs) audit.filled++;
}

/** The runs of either side that may have been open when the missing ones were due: their last few. */
async function runsAround(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  missing: Missing[],
  other: ScheduleCluster | undefined,
): Promise<Occupied[]> {
  const { recent: here } = await reread(cluster, id);
  const last = missing.at(-1)?.due.dueMs ?? 0;
  const elsewhere = other && (await other.describe(id))?.recent;
  const runs: Occupied[] = [];
  // What is due long from now is not left out for a run that is open now.
  const open = last > time.now() ? time.now() : Infinity;
  for (const [side, recent] of [
    [cluster, here],
    [other, elsewhere ?? []],
  ] as const) {
    const before = recent.filter(({ startedMs }) => startedMs <= last).toSorted((a, b) => a.startedMs - b.startedMs);
    for (const [i, { workflowId, dueMs, startedMs }] of before.entries()) {
      // Backfilled by its user, one time runs again under the same id: how long the earlier run took is not told any more.
      const again = recent.some((later) => later.workflowId === workflowId && later.startedMs > startedMs);
      const run = again || i < before.length - LOOKED_AT ? undefined : await side?.describeRun(workflowId);
      if (!run) continue;
      runs.push({ dueMs, startedMs, closeMs: run.open ? open : (run.closeMs ?? 0) });
    }
  }
  return runs;
}

const LOOKED_AT = 4;
