/** The same workflow types on two clusters, as visibility tells them. */

export const STATUSES = [
  'Running',
  'Completed',
  'Failed',
  'TimedOut',
  'Terminated',
  'Canceled',
  'ContinuedAsNew',
  'Paused',
] as const;
export type Status = (typeof STATUSES)[number];

/** Runs of one type on one cluster that started in the range. */
export interface TypeFigures {
  /** Exact, as the cluster counts them. */
  runs: number;
  byStatus: Partial<Record<Status, number>>;
  /** Failed or timed out, of those that ended by themselves; null where none has. Terminated and cancelled are people's. */
  failureRate: number | null;
  /** Of completed runs among those read, ms from start to close. */
  durationMs: { p50: number | null; p95: number | null; read: number };
}

export interface Comparison {
  tenant: string;
  query: string;
  since: string;
  until: string;
  /** Type → profile → figures. A type that one side has not run is there with zero runs. */
  types: Record<string, Record<string, TypeFigures>>;
  /** What a reader must know to judge the figures. */
  notes: string[];
}

/** One completed run. */
export interface Completed {
  type: string;
  durationMs: number;
}

/** A cluster as far as a comparison asks it. Reads only. */
export interface ComparedCluster {
  readonly profile: string;
  /** The newest `most` runs that match: the types among them, and the completed ones with their durations. */
  read(
    query: string,
    most: number,
  ): Promise<{ types: Set<string>; completed: Completed[]; runs: number; all: boolean }>;
  /** Exact, by status. */
  count(query: string): Promise<Partial<Record<Status, number>>>;
}
