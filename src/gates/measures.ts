/** What can be measured, and what each takes, as typed. `src/measures` has what measures. */

export type MeasureInput =
  | ScheduleHealthInput
  | WorkflowFailuresInput
  | WorkflowDurationInput
  | TaskQueuesInput
  | LedgerInput
  | PrometheusInput
  | DatadogInput;

/** The tenant's schedules on the target, as their cluster describes them, against the same on the source before. */
export interface ScheduleHealthInput {
  kind: 'schedule-health';
  /** One of them, for conditions of one's own. @default all but `buffered` */
  figure?: ScheduleFigure;
  /** Share of actions that may be missed, skipped or dropped beyond the share before. @default 0.02 */
  relative?: number;
  /** How much later than before 95 % of the starts may be. @default '5 seconds' */
  later?: string;
  /** Actions below which nothing is said. @default 10 */
  atLeast?: number;
  /** Schedules looked at, 1 to 500. @default 100 */
  sample?: number;
}

export const SCHEDULE_FIGURES = ['missed', 'overlap-skipped', 'buffer-dropped', 'buffered', 'lateness'] as const;
export type ScheduleFigure = (typeof SCHEDULE_FIGURES)[number];

/** Failed or timed out, of the runs that ended by themselves, by workflow type; a share. */
export interface WorkflowFailuresInput {
  kind: 'workflow-failures';
  /** @default every type */
  type?: string;
  /** Which runs are the tenant's, as a visibility query. @default those of the migration's `workflows` */
  query?: string;
  /** Share that may fail beyond the share before. @default 0.05 */
  relative?: number;
  /** Runs that have ended, below which a type is not judged by itself. @default 10 */
  atLeast?: number;
}

/** From start to close of completed runs, by workflow type; ms. */
export interface WorkflowDurationInput {
  kind: 'workflow-duration';
  type?: string;
  query?: string;
  /** @default 'p95' */
  percentile?: Percentile;
  /** Share that it may take longer than before, and a second. @default 0.5 */
  relative?: number;
  atLeast?: number;
}

export const PERCENTILES = ['p50', 'p95'] as const;
export type Percentile = (typeof PERCENTILES)[number];

/** Pollers and backlog of task queues on the target. */
export interface TaskQueuesInput {
  kind: 'task-queues';
  queues: string[];
  /** One of them, for conditions of one's own. @default pollers and the age of the backlog */
  figure?: QueueFigure;
  /** How long a task may have waited. @default '60 seconds' */
  older?: string;
}

export const QUEUE_FIGURES = ['pollers', 'backlog', 'backlog-age'] as const;
export type QueueFigure = (typeof QUEUE_FIGURES)[number];

/** What the migration's own ledger has found: nothing is asked. Its own condition is none of each. */
export interface LedgerInput {
  kind: 'ledger';
  figure?: LedgerFigure;
}

export const LEDGER_FIGURES = ['duplicates', 'missed', 'wrong-side', 'lateness'] as const;
export type LedgerFigure = (typeof LEDGER_FIGURES)[number];

/** `$tenant` and `$namespace` (the target's) in a query stand for their names. */
export interface PrometheusInput {
  kind: 'prometheus';
  query?: string;
  /** Instead of `query`. */
  preset?: Preset;
  /** A range query of the last so much; every point counts. @default an instant query */
  range?: string;
  /** Between the points of a range. @default '15 seconds' */
  step?: string;
}

export const PRESETS = [
  'state-transitions',
  'shard-lock-latency',
  'persistence-latency',
  'service-errors',
  'schedule-buffer',
  'schedule-rate-limited',
  'workflow-task-latency',
  'database-commit-latency',
  'database-cache-hits',
] as const;
export type Preset = (typeof PRESETS)[number];

export interface DatadogInput {
  kind: 'datadog';
  query: string;
  /** The last point of each series in the last so much. @default '5 minutes' */
  over?: string;
}
