/** What the handover needs of a cluster and of time. Production talks to real clusters; a simulation can stand in. */
import type { temporal } from '@temporalio/proto';
import type { Schedule } from './times.ts';
import type { ScheduleContent } from './canonical.ts';

export type Engine = 'v1' | 'v2';
export type OverlapPolicy = temporal.api.enums.v1.ScheduleOverlapPolicy;

/** Due times to be run by the scheduler itself: nominal time >= `fromMs`, due (with jitter) <= `toMs`. */
export interface BackfillRange {
  fromMs: number;
  toMs: number;
}

export interface RecentAction {
  workflowId: string;
  /** When it was due (with jitter), ms. */
  dueMs: number;
  /** When it was started, ms. */
  startedMs: number;
}

export interface Described extends ScheduleContent {
  schedule: Schedule;
  token: Uint8Array;
  engine: Engine;
  /** Server's own stamp of its creation, ms. */
  createdMs?: number;
  /** Server's own stamp of the last UpdateSchedule, ms; undefined if never updated. */
  updatedMs?: number;
  /** Due times (with jitter) the scheduler has not generated yet, ms, ascending; at most 10. */
  futureMs: number[];
  recent: RecentAction[];
  /** Workflow ids of open runs the overlap policy looks at. */
  running: string[];
  /** Starts generated but waiting. */
  buffered: number;
  remaining: number;
}

export interface Run {
  workflowId: string;
  open: boolean;
  startMs?: number;
  closeMs?: number;
  /** The schedule it says it was started by; another may have the same workflow id, and times in common. */
  scheduleId?: string;
}

/** One cluster, as the schedules of a tenant see it. Every method may throw a transport error and be called again. */
export interface ScheduleCluster {
  readonly profile: string;
  /** Strongly consistent; undefined when there is no such schedule. */
  describe(id: string): Promise<Described | undefined>;
  create(id: string, content: ScheduleContent): Promise<'created' | 'exists'>;
  /** Conditional on the token. `accepted` is not applied on V1: read back. Search attributes are set when given. */
  update(
    id: string,
    schedule: Schedule,
    token: Uint8Array,
    searchAttributes?: ScheduleContent['searchAttributes'],
  ): Promise<'accepted' | 'conflict' | 'gone'>;
  delete(id: string): Promise<void>;
  /** Due times (with jitter) whose nominal is after `fromMs` and which are due by `toMs`, ascending, ms. */
  matchingTimes(id: string, fromMs: number, toMs: number): Promise<number[]>;
  /** By exact id, strongly consistent; undefined when there is none within retention. */
  describeRun(workflowId: string): Promise<Run | undefined>;
  /** Runs of a schedule started since, ms; eventually consistent, and 0 for an id the list cannot be asked for. */
  countRuns(id: string, sinceMs: number): Promise<number>;
  /** Starts the run of exactly one nominal time, as the schedule would have; idempotent by workflow id. */
  startExactly(
    scheduleId: string,
    schedule: Schedule,
    nominalMs: number,
    delayMs: number,
  ): Promise<'started' | 'exists'>;
  /**
   * Has the scheduler itself run times its writes dropped, so that its overlap policy sees the runs. One request, applied
   * whole or not at all; counts no limited action. A V1 scheduler takes a `requestId` once, a V2 scheduler does not look
   * at it: before it is asked again the runs themselves have to be looked for. `unknown`: no answer.
   */
  backfill(
    id: string,
    ranges: BackfillRange[],
    policy: OverlapPolicy,
    requestId: string,
  ): Promise<'accepted' | 'unknown' | 'gone'>;
  /** Asks an open run to cancel, or ends it, as the overlap policies CANCEL_OTHER and TERMINATE_OTHER do. Idempotent. */
  endRun(workflowId: string, how: 'cancel' | 'terminate'): Promise<void>;
  /** How far the cluster's clock may be behind ours at most, ms; 0 where it is ahead. */
  behindMs(): Promise<number>;
  /** How far it may be ahead of ours at most, ms; 0 where it is behind. */
  aheadMs(): Promise<number>;
  /** Nominal times (without jitter) of a spec after `fromMs` up to `toMs`, asked of the server. */
  nominalTimes(schedule: Schedule, fromMs: number, toMs: number): Promise<number[]>;
}

/** As much of a cluster as a paused copy needs: services and the reconciler have no more. */
export type ScheduleStore = Pick<ScheduleCluster, 'profile' | 'describe' | 'create' | 'update' | 'delete'>;

export interface Time {
  now(): number;
  sleep(ms: number): Promise<void>;
}
