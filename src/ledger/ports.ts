/** What an audit needs of a cluster. All of it reads; `cluster-evidence.ts` is the real one. */
import type { Described } from '../schedules/ports.ts';

/** A schedule as its cluster describes it; strongly consistent. */
export interface Evidence extends Described {
  /** Profile. */
  cluster: string;
  createdMs?: number;
  /** Since the schedule was created there; they say how often, not when. */
  counters: { overlapSkipped: number; missedCatchup: number; bufferDropped: number };
}

/** One run: all executions of one start (retries, continue-as-new and resets are one). */
export interface LedgerRun {
  cluster: string;
  schedule: string;
  workflowId: string;
  /** Of its first execution, as far as known. */
  runId: string;
  /** Whole seconds, ms. */
  nominalMs: number;
  startMs: number;
  /** Absent while it is open. */
  closeMs?: number;
}

/** One execution of the list; several may be one run. */
export interface Execution extends LedgerRun {
  continuedAsNew: boolean;
}

export interface AuditedCluster {
  readonly profile: string;
  /** How long closed runs are kept, ms; undefined where the cluster does not tell. */
  retentionMs(): Promise<number | undefined>;
  describe(id: string): Promise<Evidence | undefined>;
  /** Due times whose nominal is after `afterMs` and which are due by `untilMs`: the first thousand, ascending, ms. */
  matchingTimes(id: string, afterMs: number, untilMs: number): Promise<number[]>;
  /** Executions started for nominal times in [fromMs, untilMs), a page at a time. Eventually consistent. */
  executions(schedules: string[], fromMs: number, untilMs: number): AsyncIterable<Execution[]>;
  /** Executions for nominal times before `ms` that were open then, as far as one page holds them. */
  openAt(schedule: string, ms: number): Promise<Execution[]>;
  /** The latest run with this workflow id; strongly consistent. */
  findRun(workflowId: string): Promise<{ runId: string; startMs: number; closeMs?: number } | undefined>;
  /** Run id of the first execution of the run this execution belongs to; undefined where the server does not tell. */
  firstRunId(workflowId: string, runId: string): Promise<string | undefined>;
}

/** As many as a server lists in one answer. */
export const MATCHING_TIMES_PAGE = 1000;

/** A cluster answers, but not about this schedule: its spec does not compile, it was deleted meanwhile. */
export class Unreadable extends Error {
  override name = 'Unreadable';
}
