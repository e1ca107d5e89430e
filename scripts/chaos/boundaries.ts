/** Where a ferry worker is killed, and what the driver and the worker under test say to each other. */
import type { FerryActivities } from '../../src/activities/types.ts';
import type { Write } from '../../test/support/runs.ts';
import type { Random } from '../lib/payloads.ts';

export type Activity = Exclude<
  keyof FerryActivities,
  | 'reconcilePage'
  | 'recordReconciled'
  | 'measureCheck'
  | 'knowProfiles'
  | 'pausePage'
  | 'unpausePage'
  | 'surveyTenants'
  | 'watchMigrations'
>;

/**
 * `begin`: before its first instruction. `middle`: once some of its calls have been answered, and it has not heard.
 * `end`: all is done, and the server has not been told. `after`: just after it has.
 */
export type Moment = 'begin' | 'middle' | 'end' | 'after';

export interface Boundary {
  activity: Activity;
  moment: Moment;
  /** Of `middle`: it dies with the answer of this one of its calls, or of its writes where it writes. */
  nth?: number;
}

/** The legs move schedules alone: `test/e2e/route-faults.test.ts` kills workers at these. */
type OnDemand = 'flipRoute' | 'lookAtWorkflows' | 'recordDrained';

/** Every activity there is but those. `middle`: from which of its calls to the clusters the fatal one is drawn; it must get that far. */
const ACTIVITIES: { [A in Exclude<Activity, OnDemand>]: { activity: A; middle?: number } } = {
  claimTenant: { activity: 'claimTenant' },
  preflight: { activity: 'preflight', middle: 20 },
  copyPage: { activity: 'copyPage', middle: 8 },
  verifyPage: { activity: 'verifyPage', middle: 8 },
  cutOverPage: { activity: 'cutOverPage', middle: 20 },
  sweep: { activity: 'sweep', middle: 2 },
  recordOwner: { activity: 'recordOwner' },
  watchOwnership: { activity: 'watchOwnership', middle: 2 },
  releaseTenant: { activity: 'releaseTenant' },
  auditPage: { activity: 'auditPage', middle: 8 },
};

/** Its writes are what a kill may tear apart, so they are what is counted. */
export const COUNTS_WRITES: ReadonlySet<string> = new Set(['cutOverPage']);

export const WRITES: ReadonlySet<string> = new Set([
  'CreateSchedule',
  'UpdateSchedule',
  'PatchSchedule',
  'DeleteSchedule',
  'StartWorkflowExecution',
]);

export function allBoundaries(random: Random): Boundary[] {
  return Object.values(ACTIVITIES).flatMap(({ activity, middle }) => {
    const moments: Boundary[] = (['begin', 'end', 'after'] as const).map((moment) => ({ activity, moment }));
    if (middle !== undefined) moments.push({ activity, moment: 'middle', nth: 1 + random.below(middle) });
    return moments;
  });
}

export function nameOf({ activity, moment }: Boundary): string {
  return `${activity} ${moment}`;
}

/** Driver to worker, over IPC. */
export type Order =
  /** Starts to poll. */
  | { order: 'run' }
  /** Dies at the first of these that it reaches. */
  | { order: 'arm'; boundaries: Boundary[] }
  /** Loses the answers of the next writes that succeed. */
  | { order: 'lose'; answers: number }
  /** Every call to the cluster is refused as one too many. */
  | { order: 'throttle'; profile: string; ms: number };

/** A pipe of their own for the reports: the SDK's runtime logs to the standard output. */
export const REPORTS_FD = 4;

/** Worker to driver, one JSON object a line, written before anything else happens. */
export type Report =
  | { report: 'ready' }
  | { report: 'dies'; at: Boundary; workflowId: string; attempt: number; call?: string }
  | { report: 'lost'; call: string }
  /** Sends an update or a patch. */
  | { report: 'writes'; profile: string; write: Omit<Write, 'side'> }
  | { report: 'throttled'; profile: string };
