/** What a service can see of its dual writes. */

/** A copy that did not follow its owner. The user's call was not failed for it. */
export interface StandbyBehind {
  tenant: string;
  schedule: string;
  /** Profile of the copy. */
  cluster: string;
  found: string;
  /** ISO. */
  at: string;
}

export const COUNTERS = [
  /** Writes applied on the owner. */
  'owner-writes',
  /** Copies brought in line, made or removed behind them. */
  'standby-writes',
  /** Copies that are behind: each was told to `standbyBehind`. */
  'standby-behind',
  /** Calls that waited for the hand-over of their schedule. */
  'waited-for-handover',
  /** Writes begun anew because somebody else came first. */
  'conflicts',
] as const;

export type Counter = (typeof COUNTERS)[number];

export interface ScheduleHooks {
  count?: (counter: Counter, tenant: string) => void;
  warn?: (message: string, fields: StandbyBehind) => void;
  /** Records it durably, such as `recordStandbyBehind`; a failure of it is logged. */
  standbyBehind?: (behind: StandbyBehind) => Promise<void>;
}
