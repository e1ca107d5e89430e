/** One tenant with live load, moved once, and what the ledger and the journal say of it. */
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { judge, type LedgerRow, readLedger, readRuns, type Run, type Side } from '../../../test/support/ledger.ts';
import type { Stack } from '../stack.ts';
import { waitFor } from '../wait.ts';
import { createSchedules, planTenant, type PlannedSchedule } from '../tenant-load.ts';
import { definitionOf, differences } from './definition.ts';
import { gapOf } from './figures.ts';
import { type Journal, writesOf } from './journal.ts';
import { lateness } from './lateness.ts';
import type { Moved, Mover, MoverName } from './movers.ts';

export interface Bench {
  stack: Stack;
  journal: Journal;
  /** Connected directly: what is asked for the figures is not in the journal. */
  cloud: Side;
  selfhosted: Side;
}

/** All times in milliseconds. */
export interface MoveFigures {
  mover: MoverName;
  /** Nominal times due in the range that was read. */
  due: number;
  once: number;
  missed: number;
  /** Of those: after the schedule's first run on the target, when its scheduler there had been in charge alone. */
  missedLater: number;
  duplicates: number;
  wrongSide: number;
  /** Runs at times the schedule does not have: past its limit, or at an excluded time. */
  unexpected: number;
  skipped: number;
  schedules: number;
  /** With anything due in the range. */
  active: number;
  /** That lost at least one run. */
  losers: number;
  /** Start minus due on the cluster that ran it, of each schedule's first run on the target. */
  firstMs: number[];
  /** The same of the runs on the source before the move. */
  sourceMs: number[];
  /** The same of the runs on the target after the move, without each schedule's first. */
  targetMs: number[];
  /**
   * Without any owner, of each schedule that ran on the target afterwards; null where the journal shows no opening after a
   * shutting.
   */
  gapsMs: Record<string, number | null>;
  moveMs: number;
  /** Of the machine, over a minute, when the move began: what else it had to do. */
  loadAverage: number;
  /** Calls to the two clusters, and to the one the migration itself runs on. */
  calls: { clusters: number; control: number; byMethod: Record<string, number> };
  processes: number;
  /** The mover's own, beside the ledger's; absent where it keeps none. */
  account?: Moved['account'];
  /** By part of the definition: how many schedules on the target do not have it as the source had it. */
  changed: Record<string, number>;
  /** Schedules with any such part. */
  changedSchedules: number;
  /** The ledger's own sentences. */
  problems: string[];
}

export interface MeasureOptions {
  tenant: string;
  schedules: number;
  seed: number;
  /** Whose phases, payloads and task queue the tenant has. */
  like: string;
  /** How long the tenant runs before it is moved, ms. @default 10_000 */
  before?: number;
  /** Nominal times after the move that are read too, ms. @default 10_000 */
  after?: number;
}

/** The longest jitter of the load, and a second: before that a run may be due still. */
const JITTER_MS = 11_000;

export async function measure(bench: Bench, mover: Mover, options: MeasureOptions): Promise<MoveFigures> {
  const { cloud, selfhosted, journal } = bench;
  const { tenant, schedules: count, seed, like, before = 10_000, after = 10_000 } = options;
  const plan = planTenant({ tenant, count, seed, like });
  const home = mover.stays ? selfhosted : cloud;
  await createSchedules(home.connection, home.namespace, plan);
  const from = Math.ceil(Date.now() / 1_000) + 2;
  const wanted = await definitions(home, plan);
  await delay(from * 1_000 + before - Date.now());

  const [loadAverage = 0] = loadavg();
  const movedFrom = Date.now();
  const { processes, account } = await mover.move({ tenant, from: 'cloud', to: 'selfhosted' });
  const movedTo = Date.now();
  // A call is written down when it has ended, which its caller may know a moment earlier.
  await delay(200);
  const source = journal.between('cloud', movedFrom, movedTo);
  const target = journal.between('selfhosted', movedFrom, movedTo);

  const to = Math.ceil((movedTo + after) / 1_000);
  await delay(to * 1_000 + JITTER_MS - Date.now());
  const range = { schedules: plan, from, to, path: mover.stays ? ['selfhosted'] : ['cloud', 'selfhosted'] };
  const sides = [cloud, selfhosted];
  // Waits for a list that lags behind; then judged together with the runs the lateness is taken from.
  await readLedger({ ...range, sides, settleMs: 8_000 });
  // A small server may be too busy for a list; the ledger itself waits too.
  const runs = await waitFor({ what: 'the list of runs' }, () =>
    readRuns({ sides, ids: plan.map(({ id }) => id), from }),
  );
  const { rows, totals } = judge(range, runs);
  const late = await lateness(bench, plan, runs, { from, to, movedFrom, movedTo, stays: mover.stays });
  const found = await definitions(selfhosted, plan);
  const changes = plan.map(({ id }) => differences(wanted.get(id) ?? new Map(), found.get(id) ?? new Map()));
  const writes = writesOf(source, target);
  const gaps = late.arrived.map((id) => [id, gapOf(writes.get(id) ?? []) ?? null] as const);
  await Promise.all((mover.stays ? [home] : sides).map((side) => removeAll(side, plan)));

  const byMethod: Record<string, number> = {};
  for (const { method } of [...source, ...target]) byMethod[method] = (byMethod[method] ?? 0) + 1;
  const changed: Record<string, number> = {};
  for (const part of changes.flat()) changed[part] = (changed[part] ?? 0) + 1;
  return {
    mover: mover.name,
    due: totals.expected,
    once: totals.once,
    missed: totals.missed,
    missedLater: rows.reduce((sum, row) => sum + later(row, runs.get(row.schedule) ?? []), 0),
    duplicates: totals.duplicates,
    wrongSide: totals.wrongSide,
    unexpected: totals.unexpected,
    skipped: totals.explained,
    schedules: plan.length,
    active: rows.filter(({ expected }) => expected > 0).length,
    losers: rows.filter(({ missed }) => missed > 0).length,
    firstMs: late.first,
    sourceMs: late.source,
    targetMs: late.target,
    gapsMs: Object.fromEntries(gaps),
    moveMs: movedTo - movedFrom,
    loadAverage,
    calls: {
      clusters: source.length + target.length,
      control: mover.name === 'ferry' ? journal.between('control', movedFrom, movedTo).length : 0,
      byMethod,
    },
    processes,
    account,
    changed,
    changedSchedules: changes.filter((parts) => parts.length > 0).length,
    problems: totals.problems,
  };
}

/** How many of the lost times lie behind the first run on the target. */
export function later({ missedTimes }: Pick<LedgerRow, 'missedTimes'>, runs: readonly Run[]): number {
  const there = runs.filter(({ side }) => side === 'selfhosted').map(({ nominal }) => nominal);
  return missedTimes.filter((time) => time > Math.min(...there)).length;
}

async function definitions(side: Side, plan: readonly PlannedSchedule[]) {
  const found = new Map<string, Awaited<ReturnType<typeof definitionOf>>>();
  for (const { id } of plan) found.set(id, await definitionOf(side.connection, side.namespace, id));
  return found;
}

async function removeAll({ connection, namespace }: Side, plan: readonly PlannedSchedule[]): Promise<void> {
  for (const { id } of plan) await connection.workflowService.deleteSchedule({ namespace, scheduleId: id });
}
