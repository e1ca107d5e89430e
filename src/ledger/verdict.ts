/** What an audit says of one nominal time of one schedule. */

export const VERDICTS = [
  /** Ran exactly once, where and when it should. */
  'once',
  /** Ran more than once, on one cluster or on both. */
  'duplicate',
  /** Did not run, and nothing accounts for it. */
  'missed',
  /** Ran once, on a cluster that did not own the schedule then. */
  'wrong-side',
  /** Ran once, further behind its due time than allowed, and no policy accounts for it. */
  'late',
  /** An earlier run was open, and the overlap policy leaves the time out. */
  'skipped-overlap',
  /** The scheduler came to it after its catchup window. */
  'skipped-catchup',
  /** Waits for an earlier run, or ran later because it had waited for one. */
  'buffered',
  /** Its user keeps the schedule paused. */
  'user-paused',
  /** A run at a time the spec does not have: a trigger, or a backfill of another spec. */
  'manual',
  /** Its limited actions were used up. */
  'limit-reached',
  /** The evidence has expired or cannot be had. */
  'inconclusive',
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** What an exactly-once schedule must never have. */
export const BAD: ReadonlySet<Verdict> = new Set<Verdict>(['duplicate', 'missed', 'wrong-side']);

export interface LineRun {
  cluster: string;
  workflowId: string;
  runId: string;
  startedAt: string;
}

/** One nominal time, as it is written for machines. Times are ISO 8601, UTC. */
export interface Line {
  schedule: string;
  verdict: Verdict;
  /** Left out where only its due time is known: with jitter, and without a run. */
  nominal?: string;
  /** Nominal time plus jitter, on the cluster that owned the schedule. */
  due: string;
  /** In words; empty for `once`. */
  why: string;
  runs: LineRun[];
  /** Of its first run, behind the due time on the cluster that ran it. */
  latenessMs?: number;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
