/**
 * Settle: on one side, every due time of its own range near the boundary must have its run. What is missing is first
 * looked for by exact id (strongly consistent), then explained by the schedule's own policies, and only then run, under
 * the id the scheduler would have used.
 */
import type { Audit } from '../activities/types.ts';
import { noteRun } from './audit.ts';
import { reread } from './change.ts';
import type { Asking } from './asking.ts';
import { asksItsScheduler, fillById } from './fill.ts';
import { type Missing, type Occupied, allowsOverlap, byPolicy, endsOpenRuns, policyOf } from './overlap.ts';
import type { Described, RecentAction, ScheduleCluster, Time } from './ports.ts';
import { durationMs, runId } from './times.ts';
import { type Due, isAhead, ranAs, withBounds } from './verdicts.ts';

/** Generated, not buffered and not among the recent actions: for this long that may be two reads crossing. */
const GRACE_MS = 1_000;
/** A scheduler that has not even looked at a due time for this long is not going to while we wait. */
const STUCK_MS = 120_000;
/** Long enough for everything that is waited for here; the step is tried again. */
const SETTLE_LIMIT_MS = 300_000;
/** A due time further ahead than this is not waited for: its run is started now, to begin at its time. */
const LONG_WAIT_MS = 30_000;

export interface Range {
  /** Nominal times after this count, ms. */
  afterNominalMs: number;
  /**
   * Nominal times from here on are not ours to prove, ms: the other side's, whatever bound the spec shows when it is
   * asked, or the scheduler's own, with all its policies, because no write of ours can have dropped them.
   */
  beforeNominalMs: number;
  /** Nominal times before this were generated while it was bounded: they may still wait in its buffer, ms. */
  generatedBeforeMs?: number;
  /** Of those, due times from here on count, ms: what came before was generated before we touched anything. */
  fromDueMs: number;
  /** Due times up to here are looked at, ms. */
  untilMs: number;
  /**
   * `source`: the side is about to be paused, so nothing may be left ahead of it. `shut`: it is our paused copy, which
   * runs nothing by itself, but what it is asked.
   */
  role: 'source' | 'target' | 'shut';
  /** Of a limited schedule that is shut: what the other side has left for it, its own count being an old copy's. */
  allowance?: number;
}

export interface Settled {
  due: Due[];
  /** Due times that ran on this side, whoever started them. */
  ran: number;
  /** Of those, started by id: their scheduler has not counted them. Told of limited schedules only. */
  uncounted: number;
  /** Started by id just now. */
  started: number;
  /** Runs were asked for by an attempt that was cut off, and nothing shows yet whether they will come. */
  unproven: boolean;
  /** The schedule as last read. */
  after: Described;
  nominalOf: (due: Due) => Promise<number | undefined>;
}

/** Nothing to prove. */
export function settledAlready(after: Described): Settled {
  return { due: [], ran: 0, uncounted: 0, started: 0, unproven: false, after, nominalOf: async () => undefined };
}

export async function settle(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  described: Described,
  range: Range,
  audit: Audit,
  asking: Asking,
  /** The other side: what already ran there is not filled here. */
  other?: ScheduleCluster,
): Promise<Settled> {
  const nominals = new NominalTimes(cluster, described, range);
  const settling: Settling = {
    due: [],
    ran: 0,
    uncounted: 0,
    started: 0,
    byId: [],
    wrote: [],
    unproven: false,
    after: described,
    nominalOf: (d) => nominals.of(d),
    asking,
    shut: range.role === 'shut',
    allowance: range.allowance,
  };
  const tracked = asksItsScheduler(described);
  const settled = new Set<number>();
  let untilMs = 0;
  const deadline = Math.max(time.now(), range.untilMs) + SETTLE_LIMIT_MS;
  for (let wait = 100; ; wait = Math.min(wait * 2, 1000)) {
    // A fill that is asked of a V2 scheduler is a write, which drops what is due around it like any other.
    const jitter = durationMs(settling.after.schedule.spec?.jitter);
    const last = Math.max(range.untilMs, ...settling.wrote.map(({ toMs }) => toMs + jitter));
    if (last > untilMs) {
      untilMs = last;
      const listed = await cluster.matchingTimes(id, range.afterNominalMs, untilMs);
      settling.due = withBounds(listed, range.afterNominalMs).filter((d) => d.dueMs >= range.fromDueMs);
    }
    const { after } = settling;
    const late: Due[] = [];
    let pending = false;
    for (const d of settling.due) {
      if (settled.has(d.dueMs)) continue;
      const stands = standing(d, after, range, time, tracked && settling.wrote.length < MAX_WRITES);
      if (stands === 'stuck') throw new Error(stuck(cluster, id, d));
      if (stands === 'late') late.push(d);
      else if (stands === 'pending') pending = true;
      else if (stands !== 'ahead') {
        settling.ran++;
        noteRun(audit, d.dueMs, stands.startedMs);
      }
      if (typeof stands === 'object' || stands === 'late') settled.add(d.dueMs);
    }
    const missing: Missing[] = [];
    for (const d of late) {
      const nominalMs = await nominals.of(d);
      if (nominalMs !== undefined && !isOurs(d, nominalMs, range, settling.wrote)) continue;
      if (nominalMs !== undefined && nominalMs < (range.generatedBeforeMs ?? 0) && after.buffered > 0) {
        audit.explained++;
        continue;
      }
      if (await accounted(settling, cluster, time, d, nominalMs, audit, other)) continue;
      if (nominalMs !== undefined) missing.push({ due: d, nominalMs });
    }
    if (missing.length > 0) await runMissing(settling, cluster, time, id, missing, audit, other);
    if (!pending && settling.wrote.every(({ toMs }) => toMs + jitter <= untilMs)) break;
    if (time.now() > deadline)
      throw new Error(`${nameOf(cluster, id)} did not settle: what is due there keeps changing`);
    await time.sleep(wait);
    const again = await cluster.describe(id);
    if (!again) break;
    settling.after = again;
  }
  return counted(settling, cluster, id);
}

/** Where one due time stands: run, or waiting for its scheduler, or for us. */
function standing(
  d: Due,
  after: Described,
  { role }: Range,
  time: Time,
  tracked: boolean,
): RecentAction | 'ahead' | 'pending' | 'late' | 'stuck' {
  const run = ranAs(d, after.recent);
  if (run) return run;
  if (role === 'shut') return 'late';
  const ahead = d.dueMs - time.now();
  if (isAhead(d, after.futureMs)) {
    // The target will run it by itself; the source must have done so, or leave it to a start with delay.
    if (role === 'target' && (ahead > 0 || ahead < -LONG_WAIT_MS)) return 'ahead';
    if (after.schedule.state?.paused) return 'late';
    if (ahead < -STUCK_MS) return 'stuck';
    return ahead > LONG_WAIT_MS ? 'late' : 'pending';
  }
  // Generated, and on its way: by its own clock it may be due a moment earlier.
  if ((ahead <= 0 || after.buffered > 0) && stillTheSchedulers(d, after, time)) return 'pending';
  // Dropped by a write of ours (V2 moves its mark to now). A scheduler can be asked for it when it is due; by id it is
  // started now, to begin when it is due.
  return tracked && ahead > 0 && ahead <= LONG_WAIT_MS ? 'pending' : 'late';
}

/** Sent and seen done, ms. */
interface Wrote {
  fromMs: number;
  toMs: number;
}

/** While it is under way: what was found, or started, by id alone. */
interface Settling extends Settled {
  byId: { due: Due; startMs: number }[];
  asking: Asking;
  shut: boolean;
  allowance: number | undefined;
  /** When runs were asked of a V2 scheduler with jitter: each is a write, which drops what is due around it. */
  wrote: Wrote[];
}

/** A scheduler tells its last ten runs: one that is not among them was started by id, or is older than they. */
async function counted(settling: Settling, cluster: ScheduleCluster, id: string): Promise<Settled> {
  const { byId, due, ran, started, unproven, nominalOf } = settling;
  const settled = { due, ran, uncounted: 0, started, unproven, nominalOf, after: settling.after };
  if (byId.length === 0 || !settled.after.schedule.state?.limitedActions) return settled;
  const after = (await cluster.describe(id)) ?? settled.after;
  const oldest = after.recent.length < 10 ? 0 : Math.min(...after.recent.map(({ startedMs }) => startedMs));
  const uncounted = byId.filter(({ due, startMs }) => startMs >= oldest && !ranAs(due, after.recent)).length;
  return { ...settled, uncounted, after };
}

/** With a long jitter every write may drop another time, and asking for that is a write again: then it is run by id. */
const MAX_WRITES = 3;

/** In the range, or dropped by a write of this attempt. */
function isOurs(due: Due, nominalMs: number, { beforeNominalMs }: Range, wrote: Wrote[]): boolean {
  const dropped = wrote.some(({ fromMs, toMs }) => nominalMs <= toMs && due.dueMs >= fromMs - GRACE_MS);
  return nominalMs < beforeNominalMs || dropped;
}

/** Whether it ran, or its schedule's own settings leave it out; one nobody can name is missed. */
async function accounted(
  settled: Settling,
  cluster: ScheduleCluster,
  time: Time,
  due: Due,
  nominalMs: number | undefined,
  audit: Audit,
  other: ScheduleCluster | undefined,
): Promise<boolean> {
  const { schedule } = settled.after;
  const base = schedule.action?.startWorkflow?.workflowId;
  if (nominalMs === undefined || !base) {
    audit.missed++;
    return true;
  }
  const workflowId = runId(base, nominalMs);
  const here = await cluster.describeRun(workflowId);
  const run = here ?? (await other?.describeRun(workflowId));
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
  const tooOld = catchup > 0 && time.now() - due.dueMs > catchup;
  const limitReached = isUsedUp(settled);
  const paused = Boolean(schedule.state?.paused) && !settled.shut;
  if (!paused && !tooOld && !limitReached) return false;
  audit.explained++;
  return true;
}

/** A limited schedule has nothing left, counting what was just started by id. */
function isUsedUp({ after, allowance, ran, started }: Settling): boolean {
  if (!after.schedule.state?.limitedActions) return false;
  return (allowance === undefined ? after.remaining - started : allowance - ran) <= 0;
}

/** Runs what the overlap policy does not leave out. */
async function runMissing(
  settled: Settling,
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  missing: Missing[],
  audit: Audit,
  other: ScheduleCluster | undefined,
): Promise<void> {
  const { after } = settled;
  const runs = allowsOverlap(after) ? [] : await runsAround(cluster, id, after, missing, other);
  const { run, leftOut } = byPolicy(policyOf(after.schedule), missing, runs, after.buffered > 0);
  audit.explained += leftOut.length;
  // In the buffer of a policy that ends open runs, a later time replaces the one asked for. A shut side has none.
  const replaced = endsOpenRuns(after) !== undefined && !settled.shut;
  const asks = asksItsScheduler(after) && !replaced && settled.wrote.length < MAX_WRITES;
  if (asks && run.every(({ due }) => due.dueMs <= time.now())) {
    const fromMs = time.now();
    const answer = await settled.asking.ask(run, missing, settled.shut);
    settled.after = await reread(cluster, id);
    const jitter = durationMs(after.schedule.spec?.jitter);
    if (after.engine === 'v2' && jitter > 0 && !settled.shut) settled.wrote.push({ fromMs, toMs: time.now() });
    if (answer === 'unproven') {
      settled.unproven = true;
      return;
    }
    for (const { due } of run) filled(settled, audit, due, time);
    return;
  }
  if (leftOut.length > 0) settled.asking.decide(missing);
  for (const m of run) {
    if (isUsedUp(settled)) {
      audit.explained++;
      continue;
    }
    const answer = await fillById(cluster, time, id, after, m);
    if (answer === 'started') settled.started++;
    settled.byId.push({ due: m.due, startMs: Math.max(time.now(), m.due.dueMs) });
    filled(settled, audit, m.due, time, answer === 'started');
  }
}

function filled(settled: Settled, audit: Audit, due: Due, time: Time, byUs = true): void {
  settled.ran++;
  noteRun(audit, due.dueMs, Math.max(time.now(), due.dueMs));
  if (byUs) audit.filled++;
}

/** The runs of either side that may have been open when the missing ones were due: their last few. */
async function runsAround(
  cluster: ScheduleCluster,
  id: string,
  described: Described,
  missing: Missing[],
  other: ScheduleCluster | undefined,
): Promise<Occupied[]> {
  const last = missing.at(-1)?.due.dueMs ?? 0;
  const elsewhere = other && (await other.describe(id))?.recent;
  const runs: Occupied[] = [];
  for (const [side, recent] of [
    [cluster, described.recent],
    [other, elsewhere ?? []],
  ] as const) {
    const before = recent.filter(({ startedMs }) => startedMs <= last).toSorted((a, b) => a.startedMs - b.startedMs);
    for (const { workflowId, dueMs, startedMs } of before.slice(-LOOKED_AT)) {
      const run = await side?.describeRun(workflowId);
      if (run) runs.push({ dueMs, startedMs, closeMs: run.open ? Infinity : (run.closeMs ?? 0) });
    }
  }
  return runs;
}

const LOOKED_AT = 4;

function nameOf(cluster: ScheduleCluster, id: string): string {
  return `schedule ${id} on ${cluster.profile}`;
}

function stuck(cluster: ScheduleCluster, id: string, due: Due): string {
  return (
    `${nameOf(cluster, id)} has not started its run due ${new Date(due.dueMs).toISOString()}: ` +
    `is the cluster's scheduler working?`
  );
}

function stillTheSchedulers(due: Due, described: Described, time: Time): boolean {
  const lateBy = time.now() - due.dueMs;
  return lateBy < GRACE_MS || (described.buffered > 0 && lateBy < LONG_WAIT_MS);
}

/** Nominal time of a due time. Without jitter they are the same; with it the server is asked, as few times as possible. */
class NominalTimes {
  #listed?: { untilMs: number; times: Promise<number[]> };
  readonly #list: (untilMs: number) => Promise<number[]>;
  readonly #range: Range;
  readonly #jittered: boolean;
  constructor(cluster: ScheduleCluster, { schedule }: Described, range: Range) {
    this.#range = range;
    this.#jittered = durationMs(schedule.spec?.jitter) > 0;
    this.#list = (untilMs) => cluster.nominalTimes(schedule, range.afterNominalMs, untilMs);
  }

  async of(due: Due): Promise<number | undefined> {
    if (!this.#jittered) return due.dueMs;
    if (!this.#listed || this.#listed.untilMs < due.dueMs) {
      const untilMs = Math.max(this.#range.untilMs, due.dueMs);
      this.#listed = { untilMs, times: this.#list(untilMs) };
    }
    return (await this.#listed.times).findLast((nominal) => nominal > due.afterMs && nominal <= due.dueMs);
  }
}
