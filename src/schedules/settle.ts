/**
 * Settle: on one side, every due time of its own range near the boundary must have its run. What is missing is first
 * looked for by exact id (strongly consistent), then explained by the schedule's own policies, and only then started,
 * under the id the scheduler would have used: whoever comes second is refused, so filling can never double a run.
 */
import type { Audit } from '../activities/types.ts';
import { noteRun } from './audit.ts';
import { allowsOverlap } from './boundary.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';
import { durationMs, runId } from './times.ts';
import { type Due, isAhead, ranAs, withBounds } from './verdicts.ts';

/** Generated, not buffered and not among the recent actions: for this long that may be two reads crossing. */
const GRACE_MS = 1_000;
/** A scheduler that has not even looked at a due time for this long is not going to while we wait. */
const STUCK_MS = 120_000;
/** A due time further ahead than this is not waited for: its run is started now, to begin at its time. */
const LONG_WAIT_MS = 30_000;

export interface Range {
  /** Nominal times after this count, ms. */
  afterNominalMs: number;
  /** Nominal times from here on are the other side's, whatever bound the spec shows when it is asked, ms. */
  beforeNominalMs?: number;
  /** Of those, due times from here on count, ms: what came before was generated before we touched anything. */
  fromDueMs: number;
  /** Due times up to here are looked at, ms. */
  untilMs: number;
  /** `source`: the side is about to be paused, so nothing may be left ahead of it. */
  role: 'source' | 'target';
}

export interface Settled {
  due: Due[];
  /** Runs started here by id: a limited schedule's count must be lowered by these. */
  filled: number;
  /** The schedule as last read. */
  after: Described;
}

export async function settle(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  described: Described,
  range: Range,
  audit: Audit,
  /** The other side: what already ran there is not filled here. */
  other?: ScheduleCluster,
): Promise<Settled> {
  const listed = await cluster.matchingTimes(id, range.afterNominalMs, range.untilMs);
  const due = withBounds(listed, range.afterNominalMs).filter((d) => d.dueMs >= range.fromDueMs);
  let after = described;
  let open = due;
  let filled = 0;
  const nominals = new NominalTimes(cluster, after, range);
  for (let wait = 100; ; wait = Math.min(wait * 2, 1000)) {
    const late: Due[] = [];
    const pending: Due[] = [];
    for (const d of open) {
      const run = ranAs(d, after.recent);
      if (run) noteRun(audit, d.dueMs, run.startedMs);
      else if (isAhead(d, after.futureMs)) {
        const ahead = d.dueMs - time.now();
        // The target will run it by itself; the source must have done so, or leave it to a start with delay.
        if (range.role === 'target' && (ahead > 0 || ahead < -LONG_WAIT_MS)) continue;
        if (ahead < -STUCK_MS) throw new Error(stuck(cluster, id, d));
        (ahead > LONG_WAIT_MS ? late : pending).push(d);
      } else if (d.dueMs <= time.now() && stillTheSchedulers(d, after, time)) pending.push(d);
      // Dropped by a write of ours (V2 moves its mark to now): started by id, to begin when it is due.
      else late.push(d);
    }
    for (const d of late) {
      const nominal = await nominals.of(d);
      if (nominal !== undefined && nominal >= (range.beforeNominalMs ?? Infinity)) continue;
      const verdict = await settleOne(cluster, time, id, after, d, nominal, audit, other);
      if (verdict === 'filled') filled++;
    }
    if (pending.length === 0) return { due, filled, after };
    open = pending;
    await time.sleep(wait);
    const again = await cluster.describe(id);
    if (!again) return { due, filled, after };
    after = again;
  }
}

function stuck(cluster: ScheduleCluster, id: string, due: Due): string {
  return (
    `schedule ${id} on ${cluster.profile} has not started its run due ${new Date(due.dueMs).toISOString()}: ` +
    `is the cluster's scheduler working?`
  );
}

function stillTheSchedulers(due: Due, described: Described, time: Time): boolean {
  const lateBy = time.now() - due.dueMs;
  return lateBy < GRACE_MS || (described.buffered > 0 && lateBy < LONG_WAIT_MS);
}

async function settleOne(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  described: Described,
  due: Due,
  nominalMs: number | undefined,
  audit: Audit,
  other: ScheduleCluster | undefined,
): Promise<'ran' | 'filled' | 'explained' | 'missed'> {
  const { schedule } = described;
  const base = schedule.action?.startWorkflow?.workflowId;
  if (nominalMs === undefined || !base) {
    audit.missed++;
    return 'missed';
  }
  const workflowId = runId(base, nominalMs);
  const run = (await cluster.describeRun(workflowId)) ?? (await other?.describeRun(workflowId));
  if (run) {
    noteRun(audit, due.dueMs, run.startMs ?? due.dueMs);
    return 'ran';
  }
  const catchup = durationMs(schedule.policies?.catchupWindow);
  const tooOld = catchup > 0 && time.now() - due.dueMs > catchup;
  const limitReached = Boolean(schedule.state?.limitedActions) && described.remaining === 0;
  if (
    schedule.state?.paused ||
    tooOld ||
    limitReached ||
    (await overlapped(cluster, id, described, due, time.now(), other))
  ) {
    audit.explained++;
    return 'explained';
  }
  const started = await cluster.startExactly(id, schedule, nominalMs, Math.max(0, due.dueMs - time.now()));
  noteRun(audit, due.dueMs, Math.max(time.now(), due.dueMs));
  if (started === 'exists') return 'ran';
  audit.filled++;
  return 'filled';
}

/** Whether an earlier run of the schedule, here or there, was open when this one was due: its policy leaves it out then. */
async function overlapped(
  cluster: ScheduleCluster,
  id: string,
  described: Described,
  due: Due,
  now: number,
  other: ScheduleCluster | undefined,
): Promise<boolean> {
  if (allowsOverlap(described) || due.dueMs > now) return false;
  const elsewhere = (await other?.describe(id))?.recent ?? [];
  for (const [side, recent] of [
    [cluster, described.recent],
    [other, elsewhere],
  ] as const) {
    const earlier = recent.filter((action) => action.startedMs <= due.dueMs).at(-1);
    const run = earlier && (await side?.describeRun(earlier.workflowId));
    if (run && (run.open || (run.closeMs ?? 0) > due.dueMs)) return true;
  }
  return false;
}

/** Nominal time of a due time. Without jitter they are the same; with it the server is asked, once. */
class NominalTimes {
  #listed?: Promise<number[]>;
  readonly #list: () => Promise<number[]>;
  readonly #jittered: boolean;
  constructor(cluster: ScheduleCluster, described: Described, range: Range) {
    this.#jittered = durationMs(described.schedule.spec?.jitter) > 0;
    this.#list = () => cluster.nominalTimes(described.schedule, range.afterNominalMs, range.untilMs);
  }

  async of(due: Due): Promise<number | undefined> {
    if (!this.#jittered) return due.dueMs;
    this.#listed ??= this.#list();
    return (await this.#listed).findLast((nominal) => nominal > due.afterMs && nominal <= due.dueMs);
  }
}
