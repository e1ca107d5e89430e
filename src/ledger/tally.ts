/** Verdicts added up: small, mergeable, and plain JSON, so that it travels in heartbeats and results. */
import { BAD, type Line, VERDICTS, type Verdict } from './verdict.ts';

/** Consecutive times of one schedule with one verdict for one reason. */
export interface Finding {
  schedule: string;
  verdict: Verdict;
  /** First and last of them: nominal time, or due time where only that is known. */
  from: string;
  to: string;
  times: number;
  /** Of the first. */
  why: string;
}

export interface ClusterTally {
  runs: number;
  /** [bucket, count]: see `percentile`. */
  lateness: [number, number][];
  maxLatenessMs: number;
}

export interface Tally {
  schedules: number;
  totals: Record<Verdict, number>;
  clusters: Record<string, ClusterTally>;
  /** At most FINDINGS_EACH a verdict. */
  findings: Finding[];
  /** Sentence → how often. */
  notes: Record<string, number>;
}

export const FINDINGS_EACH = 10;
const NOTES = 20;

export function emptyTally(): Tally {
  const totals = {
    once: 0,
    duplicate: 0,
    missed: 0,
    'wrong-side': 0,
    late: 0,
    'skipped-overlap': 0,
    'skipped-catchup': 0,
    buffered: 0,
    'user-paused': 0,
    manual: 0,
    'limit-reached': 0,
    inconclusive: 0,
  };
  return { schedules: 0, totals, clusters: {}, findings: [], notes: {} };
}

export function count(tally: Tally, line: Line): void {
  tally.totals[line.verdict]++;
  for (const { cluster } of line.runs) clusterOf(tally, cluster).runs++;
  const ran = line.runs[0];
  // A run that waited by its policy was not late.
  if (ran && line.latenessMs !== undefined && line.verdict !== 'buffered') {
    const of = clusterOf(tally, ran.cluster);
    addLateness(of.lateness, bucketOf(line.latenessMs), 1);
    of.maxLatenessMs = Math.max(of.maxLatenessMs, line.latenessMs);
  }
  if (line.verdict !== 'once') note(tally.findings, line);
}

function note(findings: Finding[], { schedule, verdict, nominal, due, why }: Line): void {
  const at = nominal ?? due;
  // Looked for from the end: the last of this schedule and verdict is the one it may continue.
  const last = findings.findLast((finding) => finding.verdict === verdict);
  if (last?.schedule === schedule && sameReason(last.why, why)) {
    last.to = at;
    last.times++;
    return;
  }
  if (findings.filter((finding) => finding.verdict === verdict).length >= FINDINGS_EACH) return;
  findings.push({ schedule, verdict, from: at, to: at, times: 1, why });
}

/** Reasons differ in times and ids; what is left tells one kind from another. */
function sameReason(a: string, b: string): boolean {
  return kindOf(a) === kindOf(b);
}

function kindOf(why: string): string {
  return why.replaceAll(/\S*\d\S*/g, '#');
}

export function remark(tally: Tally, sentence: string, times = 1): void {
  if (!(sentence in tally.notes) && Object.keys(tally.notes).length >= NOTES) return;
  tally.notes[sentence] = (tally.notes[sentence] ?? 0) + times;
}

export function addTally(sum: Tally, more: Tally): void {
  sum.schedules += more.schedules;
  for (const verdict of VERDICTS) sum.totals[verdict] += more.totals[verdict];
  for (const [name, { runs, lateness, maxLatenessMs }] of Object.entries(more.clusters)) {
    const of = clusterOf(sum, name);
    of.runs += runs;
    of.maxLatenessMs = Math.max(of.maxLatenessMs, maxLatenessMs);
    for (const [bucket, times] of lateness) addLateness(of.lateness, bucket, times);
  }
  for (const finding of more.findings) {
    if (sum.findings.filter(({ verdict }) => verdict === finding.verdict).length < FINDINGS_EACH) {
      sum.findings.push(finding);
    }
  }
  for (const [sentence, times] of Object.entries(more.notes)) remark(sum, sentence, times);
}

export interface Summary {
  schedules: number;
  totals: Record<Verdict, number>;
  /** There were schedules, and nothing is duplicate, missed or on the wrong side. Says nothing about what is inconclusive. */
  clean: boolean;
  clusters: Record<string, { runs: number; latenessMs: { p50: number; p99: number; max: number } }>;
  findings: Finding[];
  notes: string[];
}

export function summarize(tally: Tally): Summary {
  const { schedules, totals, findings, notes } = tally;
  return {
    schedules,
    totals,
    clean: schedules > 0 && ![...BAD].some((verdict) => totals[verdict] > 0),
    clusters: Object.fromEntries(
      Object.entries(tally.clusters).map(([name, { runs, lateness, maxLatenessMs: max }]) => [
        name,
        { runs, latenessMs: { p50: percentile(lateness, 0.5, max), p99: percentile(lateness, 0.99, max), max } },
      ]),
    ),
    findings: findings.toSorted((a, b) => severity(a.verdict) - severity(b.verdict)),
    notes: Object.entries(notes).map(([sentence, times]) => (times === 1 ? sentence : `${sentence} (${times})`)),
  };
}

/** The wrong first, then what cannot be told. */
function severity(verdict: Verdict): number {
  if (BAD.has(verdict)) return 0;
  return verdict === 'inconclusive' ? 1 : 2;
}

/** Buckets grow by 5 %, so a percentile is that exact; some 400 reach from 1 ms to years. */
const GROWTH = Math.log(1.05);

function bucketOf(ms: number): number {
  return Math.ceil(Math.log(Math.max(ms, 0) + 1) / GROWTH);
}

/** Upper end of the bucket that holds it, ms; never more than the maximum. */
export function percentile(lateness: [number, number][], share: number, maxMs: number): number {
  const total = lateness.reduce((sum, [, times]) => sum + times, 0);
  let seen = 0;
  for (const [bucket, times] of lateness.toSorted(([a], [b]) => a - b)) {
    seen += times;
    if (seen >= total * share) return Math.min(maxMs, Math.round(Math.exp(bucket * GROWTH) - 1));
  }
  return maxMs;
}

function addLateness(lateness: [number, number][], bucket: number, times: number): void {
  const entry = lateness.find(([known]) => known === bucket);
  if (entry) entry[1] += times;
  else lateness.push([bucket, times]);
}

function clusterOf(tally: Tally, name: string): ClusterTally {
  return (tally.clusters[name] ??= { runs: 0, lateness: [], maxLatenessMs: 0 });
}
