/**
 * What really ran, read from both clusters and judged against what the schedules were meant to do. Shares nothing with
 * the product on purpose: expected times come from arithmetic, runs from the list of executions, the side from the
 * cluster an execution was found on.
 */
import type { Intent, PlannedSchedule } from '../../scripts/lib/tenant-load.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { iso, type Outage, readRuns, type Run, type Side, type Write } from './runs.ts';
import { V2Dues, lostByV2 } from './v2-losses.ts';

export { type Outage, readRuns, type Run, type Side, type Write } from './runs.ts';

/** What is judged together: these schedules, over this range, on this path. */
export interface Part {
  schedules: PlannedSchedule[];
  /** Nominal times to judge, epoch seconds, inclusive. Leave some seconds after the schedules' creation. */
  from: number;
  to: number;
  /** The clusters in the order they should have owned the schedules: `['cloud', 'selfhosted']`, or one that never moved. */
  path: string[];
  /** When servers were away: their schedulers come to all times in between at once, and their policies decide then. */
  outages?: Outage[];
  /** To schedules of V2 schedulers, which lose times by them as well as without. @default nobody wrote to any */
  writes?: Write[];
}

interface Reading {
  sides: Side[];
  /** How long to wait for what is still missing: runs due late, and a list that lags behind. @default 20_000 */
  settleMs?: number;
}

export type LedgerInput = Reading & Part;

export interface LedgerRow {
  schedule: string;
  expected: number;
  once: number;
  /** Runs beyond the first of a nominal time. */
  duplicates: number;
  missed: number;
  /** Those times, epoch seconds, ascending. */
  missedTimes: number[];
  /** Runs on a cluster before it became or after it had ceased to be the owner. */
  wrongSide: number;
  /** Left out by the schedule's own overlap policy while a run was open. */
  explained: number;
  /** Lost by a V2 scheduler, migration or not. */
  lostByV2: number;
  /** Runs at times the schedule does not have. */
  unexpected: number;
  /** How many runs each side had. */
  runs: Record<string, number>;
  /** How far behind its latest due moment a run started, at most. */
  maxLateMs: number;
  /** Sentences, one for each thing that is wrong. */
  problems: string[];
}

export type LedgerTotals = Omit<LedgerRow, 'schedule' | 'missedTimes'>;

export interface Ledger {
  rows: LedgerRow[];
  totals: LedgerTotals;
}

/** Reads until nothing is missing and a second reading says the same, or until waiting longer would change nothing. */
export async function readLedger(input: LedgerInput): Promise<Ledger> {
  const [ledger] = await readLedgers(input, [input]);
  if (!ledger) throw new Error('no ledger was read');
  return ledger;
}

/** The same for several parts of one load, out of the same reading. */
export async function readLedgers({ sides, settleMs = 20_000 }: Reading, parts: Part[]): Promise<Ledger[]> {
  const ids = parts.flatMap(({ schedules }) => schedules.map(({ id }) => id));
  const from = Math.min(...parts.map((part) => part.from));
  const dues = new V2Dues(sides.filter(({ v2 }) => v2));
  const once = async (): Promise<Ledger[]> => {
    const runs = await readRuns({ sides, ids, from });
    for (const part of parts) {
      const { rows } = judge(part, runs);
      for (const [i, schedule] of part.schedules.entries()) await dues.find(schedule, rows[i]?.missedTimes ?? []);
    }
    return parts.map((part) => judge(part, runs, dues));
  };
  // A cluster that cannot be read yet has nothing to do with how long its last runs may take to show.
  let last = await waitFor({ what: 'a first reading of the ledger', timeoutMs: 180_000, everyMs: 1_000 }, once);
  let lastJudged = totalsOf(last);
  const settled = waitFor({ what: 'the ledger', timeoutMs: settleMs, everyMs: 1_000 }, async () => {
    const previous = lastJudged;
    last = await once();
    lastJudged = totalsOf(last);
    return last.every(({ totals }) => totals.missed === 0) && lastJudged === previous;
  });
  // Something stayed missing: that is the ledger's answer, not a failure to read it.
  await settled.catch((reason: unknown) => {
    if (!(reason instanceof Error) || reason.cause !== undefined) throw reason;
  });
  return last;
}

function totalsOf(ledgers: Ledger[]): string {
  return JSON.stringify(ledgers.map(({ totals }) => totals));
}

/** Pure, so that the judgement itself can be tested. */
export function judge(input: Part, runs: Map<string, Run[]>, dues: Pick<V2Dues, 'of'> = { of: () => [] }): Ledger {
  const rows = input.schedules.map((schedule) => judgeOne(schedule, runs.get(schedule.id) ?? [], input, dues));
  const totals = nothing();
  for (const row of rows) {
    for (const key of COUNTS) totals[key] += row[key];
    for (const [side, count] of Object.entries(row.runs)) totals.runs[side] = (totals.runs[side] ?? 0) + count;
    totals.maxLateMs = Math.max(totals.maxLateMs, row.maxLateMs);
    totals.problems.push(...row.problems);
  }
  return { rows, totals };
}

export const COUNTS = [
  'expected',
  'once',
  'duplicates',
  'missed',
  'wrongSide',
  'explained',
  'lostByV2',
  'unexpected',
] as const;

export function nothing(): LedgerTotals {
  const counts = { expected: 0, once: 0, duplicates: 0, missed: 0, wrongSide: 0 };
  return { ...counts, explained: 0, lostByV2: 0, unexpected: 0, runs: {}, maxLateMs: 0, problems: [] };
}

export function expectedTimes(intent: Intent, from: number, to: number): number[] {
  const first = Math.max(from, intent.from ?? from);
  const last = Math.min(to, intent.until ?? to);
  const times: number[] = [];
  const { every, phase, except: [exceptFirst, exceptLast] = [60, 60] } = intent;
  const offset = (((phase - first) % every) + every) % every;
  for (let time = first + offset; time <= last; time += every) {
    const second = time % 60;
    if (second < exceptFirst || second > exceptLast) times.push(time);
  }
  return intent.paused ? [] : times;
}

function judgeOne(
  { id, intent }: PlannedSchedule,
  all: Run[],
  { from, to, path, outages = [], writes = [] }: Part,
  dues: Pick<V2Dues, 'of'>,
): LedgerRow {
  const runs = all.toSorted((a, b) => a.nominal - b.nominal || a.startMs - b.startMs);
  const inRange = runs.filter(({ nominal }) => nominal >= from && nominal <= to);
  const expected = withinLimit(intent, runs, expectedTimes(intent, from, to));
  const byTime = groupBy(inRange);
  const circumstances = { outages, writes: writes.filter(({ schedule }) => schedule === id) };
  const row: LedgerRow = { schedule: id, ...nothing(), missedTimes: [], expected: expected.length };
  for (const time of expected) {
    const found = byTime.get(time) ?? [];
    byTime.delete(time);
    if (found.length === 1) row.once += 1;
    else if (found.length > 1) {
      row.duplicates += found.length - 1;
      row.problems.push(
        `${id} ran ${found.length} times for ${iso(time)}, on ${found.map(({ side }) => side).join(' and ')}`,
      );
    } else if (intent.maySkip && runs.some((run) => wasOpen(run, time, intent.jitter))) row.explained += 1;
    else if (outages.some((outage) => leftOutAfter(outage, intent, time, runs))) row.explained += 1;
    else if (dues.of(id, time).some((due) => lostByV2(due, time, runs, circumstances))) row.lostByV2 += 1;
    else {
      row.missed += 1;
      row.missedTimes.push(time);
      row.problems.push(`${id} did not run for ${iso(time)}`);
    }
  }
  for (const [time, found] of byTime) {
    row.unexpected += found.length;
    row.problems.push(`${id} ran for ${iso(time)} on ${found[0]?.side}, a time it does not have`);
  }
  let owner = 0;
  for (const run of inRange) {
    row.runs[run.side] = (row.runs[run.side] ?? 0) + 1;
    row.maxLateMs = Math.max(row.maxLateMs, run.startMs - (run.nominal + intent.jitter) * 1_000);
    // The way is only forward: a run on any other side than the present owner's makes the next one owner, if it is that.
    if (run.side === path[owner]) continue;
    if (run.side === path[owner + 1]) owner += 1;
    else {
      row.wrongSide += 1;
      row.problems.push(`${id} ran for ${iso(run.nominal)} on ${run.side}, which is not the owner then`);
    }
  }
  return row;
}

/** A limited schedule has its first `limit` times since its first run ever, which may lie before the range. */
function withinLimit(intent: Intent, runs: Run[], expected: number[]): number[] {
  if (intent.limit === undefined) return expected;
  const first = runs[0]?.nominal ?? expected[0];
  if (first === undefined) return expected;
  const allowed = new Set(expectedTimes(intent, first, first + 86_400).slice(0, intent.limit));
  return expected.filter((time) => allowed.has(time));
}

/** The scheduler learns a moment late that a run has closed. Schedules that may skip are slower than this moment. */
function wasOpen(run: Run, time: number, jitter: number): boolean {
  return run.nominal < time && run.startMs <= (time + jitter + 1) * 1_000 && run.closeMs + 1_000 >= time * 1_000;
}

/** For so long after it serves again a server is still coming to what it missed. */
const CATCH_UP_MS = 10_000;

/**
 * A scheduler that was away comes to its times all at once. For it, what was open at any moment meanwhile still is, and
 * so is what it starts first: its policy leaves out the other times, or starts the last of them alone.
 */
function leftOutAfter(
  { side, fromMs, toMs }: Outage,
  { jitter, maySkip, replaces }: Intent,
  time: number,
  all: Run[],
): boolean {
  const away = (seconds: number): boolean =>
    (seconds + jitter + 1) * 1_000 >= fromMs && seconds * 1_000 <= toMs + CATCH_UP_MS;
  if (!away(time)) return false;
  const runs = all.filter((run) => run.side === side);
  if (maySkip) {
    return runs.some((run) => run.nominal < time && run.startMs <= toMs + CATCH_UP_MS && run.closeMs + 1_000 >= fromMs);
  }
  return Boolean(replaces) && runs.some((run) => run.nominal > time && away(run.nominal) && run.startMs >= fromMs);
}

function groupBy(runs: Run[]): Map<number, Run[]> {
  const groups = new Map<number, Run[]>();
  for (const run of runs) groups.set(run.nominal, [...(groups.get(run.nominal) ?? []), run]);
  return groups;
}
