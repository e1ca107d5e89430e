/**
 * What workflows and activities say to each other. Payloads carry ids and counts, never schedules: the live clusters
 * are the state, so any of these may be cut off, lose its acknowledgement, and be run again.
 */
import type { Taken } from '../gates/measurement.ts';
import type { CheckSettings } from '../gates/settings.ts';
import type { Tally } from '../ledger/tally.ts';
import type { ReasonCode } from '../reasons.ts';
import type { Route } from '../routes/route.ts';

/** Which schedules of a namespace belong to the tenant. `none`: it has workflows on demand alone. */
export type Selection = { query: string } | { prefix: string } | { all: true } | { none: true };

/** One tenant moving one way. A way back is the same with `from` and `to` swapped. */
export interface Crossing {
  tenant: string;
  /** Workflow id of the migration; written into the notes of fenced and standby schedules. */
  migration: string;
  /** Profile names. `from` is the source: the owner until each schedule's boundary. */
  from: string;
  to: string;
  selection: Selection;
}

/** Where the walk over the tenant's schedules stands. Opaque to workflows; `undefined` starts at the beginning. */
export type Cursor = string;

export interface PageInput extends Crossing {
  cursor?: Cursor;
  /** Schedules a page: 1 to 250. */
  pageSize: number;
  /** Just these ids, instead of a page of the selection; as many as a page may have. */
  only?: string[];
  /** How long an open run may hold up its own schedule's hand-over, ms. */
  openRunLimitMs?: number;
}

/** A schedule that could not be treated, and why; `remedy` is what a person should do. */
export interface Reason {
  /** `schedule orders-eu`, `namespace prod on selfhosted`, `search attribute Region`, … */
  object: string;
  /** Short machine-readable cause, e.g. `search-attribute-missing`. */
  code: ReasonCode;
  found: string;
  remedy: string;
}

export interface CopyResult {
  seen: number;
  created: number;
  updated: number;
  unchanged: number;
  /** Of the unchanged: not theirs to copy, since `from` has a paused copy or is in a hand-over. Absent in earlier histories. */
  elsewhere?: number;
  failed: Reason[];
  next?: Cursor;
}

export interface Difference {
  schedule: string;
  /** Paths such as `spec.jitter` or `action.startWorkflow.input`; never values, which may be secret. */
  fields: string[];
}

export interface VerifyResult {
  seen: number;
  matching: number;
  different: Difference[];
  missing: string[];
  /** On the target and matching the selection, but not on the source. */
  extra: string[];
  next?: Cursor;
}

/** Verdict per nominal time, summed. `explained` counts times a policy of the schedule accounts for. */
export interface Audit {
  runs: number;
  duplicates: number;
  missed: number;
  wrongSide: number;
  explained: number;
  /** Times that were missing and have been started exactly, by workflow id. */
  filled: number;
  /** Largest delay of a run around the boundary behind its due (jittered) time, milliseconds. */
  maxLatenessMs: number;
}

export interface CutOverResult {
  seen: number;
  handedOver: number;
  /** Already owned by `to` when looked at. */
  alreadyThere: number;
  /** Of those handed over, how many the user keeps paused. */
  userPaused: number;
  failed: Reason[];
  /** Ids of the failed ones: what is to be tried again. Absent in histories of earlier versions. */
  failedIds?: string[];
  audit: Audit;
  next?: Cursor;
}

/** After the last page: what users created, deleted or changed meanwhile. */
export interface SweepResult {
  /** Standby copies removed because their owner's schedule was deleted by its user. */
  removed: string[];
  /** Schedules of the tenant still owned by `from`: another cut-over pass is needed. */
  remaining: number;
}

export interface ScheduleWrite {
  schedule: string;
  /** Plain sentences in the order they would be done, e.g. `selfhosted: create paused copy`. */
  writes: string[];
  warnings: string[];
}

export interface PreflightInput extends Crossing {
  resuming: boolean;
  /** Visibility query of the workflows that move too; null: schedules only. Absent in histories of earlier versions. */
  workflows?: string | null;
}

export interface PreflightReport {
  blockers: Reason[];
  warnings: Reason[];
  schedules: { total: number; paused: number; active: number };
  /** Absent where only schedules move, where the cluster could not be asked, and in histories of earlier versions. */
  workflows?: WorkflowsFound;
  /** Facts for the plan, plain: engine per side, clock skew, server versions. */
  facts: {
    from: ClusterFacts;
    to: ClusterFacts;
    /** Clock of `to` minus clock of `from`, milliseconds, and how far off that may be. */
    clockSkewMs: number | null;
    clockSkewErrorMs: number | null;
  };
  /** At most 200 entries; `omitted` says how many more there are. */
  plan: { schedules: ScheduleWrite[]; omitted: number; rpcEstimate: number };
}

export interface ClusterFacts {
  profile: string;
  namespace: string;
  clusterId: string;
  serverVersion: string;
  /** Which scheduler serves the tenant's schedules there, as detected; `unknown` when none exists yet. */
  engine: 'v1' | 'v2' | 'mixed' | 'unknown';
}

export interface Breach {
  schedule: string;
  /**
   * `both-active`: the standby was unpaused by somebody and has been shut again. `none-active`: neither side ran it.
   * `overdue`: the owner should have started a run and has not. `stray`: created on the source after the cut-over.
   */
  kind: 'both-active' | 'none-active' | 'overdue' | 'stray';
  detail: string;
  repaired: boolean;
  /** Runs the standby started while it was open. */
  wrongSideRuns: number;
  /** When it was seen, ISO. */
  at: string;
}

export interface WatchResult {
  checked: number;
  breaches: Breach[];
  /** What was proven where a handover was completed. Absent in histories of earlier versions. */
  audit?: Audit;
}

/** One measurement of one check of a gate, while `to` owns the tenant. */
export interface MeasureCheckInput extends Crossing {
  check: CheckSettings;
  /** Visibility query of the workflows that moved too; null: schedules only. */
  workflows: string | null;
  /** `from` owned it until then, `to` has since; ms. */
  beforeMs: number;
  sinceMs: number;
  /** The migration's ledger, less what a person has accepted. */
  audit: Audit;
}

export interface AuditPageInput {
  tenant: string;
  /** One or two profiles. */
  clusters: string[];
  selection: Selection;
  /** Nominal times in [fromMs, untilMs): whole seconds, ms. */
  fromMs: number;
  untilMs: number;
  lateAfterMs: number;
  /** The moment everything is judged at, ms. */
  nowMs: number;
  cursor?: Cursor;
  pageSize: number;
}

export interface AuditPageResult {
  tally: Tally;
  next?: Cursor;
}

export interface ReconcilePageInput {
  tenant: string;
  /** Workflow id: written into the notes of copies it makes. */
  reconciliation: string;
  /** Two profiles. Which of them owns a schedule is read off the schedule. */
  clusters: [string, string];
  selection: Selection;
  cursor?: Cursor;
  pageSize: number;
}

export interface ReconcilePageResult {
  seen: number;
  /** Copies. */
  created: number;
  updated: number;
  /** Copies whose schedule is gone. */
  removed: number;
  unchanged: number;
  /** Between two owners: their hand-over brings the copy in line. */
  moving: number;
  /** Left as they are, for a person. */
  refused: Reason[];
  next?: Cursor;
}

export interface PausePageInput {
  tenant: string;
  /** Workflow id: written into the notes of what it pauses. */
  step: string;
  /** Profile whose schedules are paused, or run again. */
  cluster: string;
  /** Profile of the other side; null where it is not known, which only pausing can do without. */
  other: string | null;
  selection: Selection;
  cursor?: Cursor;
  pageSize: number;
}

export interface PausePageResult {
  seen: number;
  paused: number;
  /** Found paused by this product. */
  already: number;
  /** Found paused by their users, or by pauseOnFailure. */
  userPaused: number;
  /** Paused copies of what the other side owns. */
  standby: number;
  /** Listed, and deleted by then. */
  gone: number;
  /** Not touched. */
  refused: Reason[];
  next?: Cursor;
}

export interface UnpausePageResult {
  seen: number;
  unpaused: number;
  /** Found running. */
  running: number;
  gone: number;
  /** Not touched. */
  refused: Reason[];
  next?: Cursor;
}

/** A step by itself that changes schedules, and holds the tenant's lock meanwhile. */
export type SingleStep = 'CopySchedules' | 'PauseSchedules' | 'UnpauseSchedules';

/** Of a step on one cluster `from` and `to` are the same. */
export type ClaimInput = Crossing & { step?: SingleStep };

/** The record's answer to a claim. */
export interface Claim {
  /** Who owned the tenant before, as recorded; null for a tenant never migrated. */
  owner: string | null;
  /** The claim was taken over from a migration that is no longer running. */
  tookOverFrom: string | null;
  /** Search attributes are registered on the control namespace, so upserting them is safe. */
  searchAttributes: boolean;
}

/** Open workflows of one type. */
export interface TypeCount {
  type: string;
  open: number;
  /** ISO. Of very many open ones only the newest are looked at: then it is this or earlier. */
  oldestStartedAt: string;
}

/** Workflows a tenant starts on demand, as preflight found them on the source. */
export interface WorkflowsFound {
  open: number;
  /** The 20 types with the most open ones. */
  byType: TypeCount[];
  /** Matching, open or closed, within the cluster's retention. */
  ever: number;
  /** Where they start now; null when no route is set. */
  route: Route | null;
}

/** A workflow that was started on the old side after the route had changed. */
export interface WrongSideStart {
  workflowId: string;
  type: string;
  /** ISO. */
  startedAt: string;
}

export interface WrongSide {
  count: number;
  /** The first 20 of them. */
  first: WrongSideStart[];
  /** Started after the change, and too many to look at each: these may be among them. */
  unexamined: number;
}

export interface WorkflowsInput {
  tenant: string;
  /** Profile of the cluster to look at. */
  cluster: string;
  /** Visibility query of the tenant's workflows; those of schedules are left out. */
  query: string;
  /** ISO. No workflow of the tenant should have been started there later than this; null: that is not looked at. */
  after: string | null;
  /** Where, and in which time (ISO), none should have been started yet. */
  early?: { cluster: string; after: string; before: string };
}

export interface WorkflowsSeen {
  open: number;
  /** The 20 types with the most open ones. */
  byType: TypeCount[];
  wrongSide: WrongSide;
  /** Only if asked for. */
  early?: WrongSide;
}

export interface FlipInput {
  tenant: string;
  migration: string;
  /** Profile that workflows start on while there is no route yet. */
  current: string;
  to: string;
  event: string;
}

/** `notBefore`: an earlier change has not been settled; ask again then. */
export type Flipped = { route: Route } | { notBefore: string };

export interface SurveyInput {
  /** Workflow id of the rollout; its migrations are `<rollout>/<tenant>`. */
  rollout: string;
  from: string;
  to: string;
  /** Per wave: tenants by name, or those that the source's schedules matching a visibility query carry as `TenantId`. */
  waves: (string[] | { query: string })[];
}

export interface Surveyed {
  tenant: string;
  /**
   * `moved`: by this rollout, whose migration completed `at`. `there`: the target owned it before. `moving`: by a
   * migration of this rollout, since `at`. `waiting`: anything else.
   */
  is: 'moved' | 'there' | 'moving' | 'waiting';
  /** ISO. */
  at?: string;
  /** Another migration that holds a waiting tenant. */
  holder?: string;
}

export interface Survey {
  /** Per wave, in order. A tenant is in one wave: where it is named, else the first whose query finds it. */
  waves: Surveyed[][];
  /** Search attributes are registered on the control namespace, so upserting them is safe. */
  searchAttributes: boolean;
}

export interface MigrationEnd {
  /** `failed`: before it handed anything over. `cut-off`: the tenant may be on either side. */
  outcome: 'completed' | 'rolled-back' | 'failed' | 'cut-off';
  why: string | null;
  /** ISO. */
  at: string;
}

/** What a rollout knows of one of its migrations. */
export interface Watched {
  tenant: string;
  /** Workflow id. */
  migration: string;
  /** As seen last; null: not yet. */
  phase: string | null;
  waits: string | null;
}

/** News of one of them. `waits`: what it waits for, as of its memo. */
export type MigrationSeen = { tenant: string } & ({ phase: string; waits: string | null } | { end: MigrationEnd });

/** One line of the tenant's append-only history. */
export interface TenantEvent {
  at: string;
  /** Or `an operator`. */
  migration: string;
  event: string;
}

/** Every activity; `createActivities` implements it, workflows proxy it, tests fake it. */
export interface FerryActivities {
  /** Takes the tenant's lock. Fails non-retryably with `TenantLocked`, naming the migration that holds it. */
  claimTenant(input: ClaimInput): Promise<Claim>;
  /** Writes who owns the tenant into its record. */
  recordOwner(input: { tenant: string; migration: string; owner: string; event: string }): Promise<void>;
  /** Announces that the tenant's workflows start on `to`. Fails non-retryably with `TenantLocked`, as `recordOwner`. */
  flipRoute(input: FlipInput): Promise<Flipped>;
  /** Records that a cluster holds no open workflow of the tenant. Fails as `flipRoute`. */
  recordDrained(input: { tenant: string; migration: string; cluster: string; event: string }): Promise<void>;
  /** Reads only. The tenant's workflows on demand on one cluster: what is open, and what was started there too late. */
  lookAtWorkflows(input: WorkflowsInput): Promise<WorkflowsSeen>;
  /** Gives the lock back; a lock that is not held by `migration` is left alone. */
  releaseTenant(input: { tenant: string; migration: string; event: string }): Promise<void>;
  /** Reads only. Gathers all reasons against the crossing at once, and the plan. `resuming`: an earlier migration of
   *  this tenant was cut off, so finding its schedules already on the target is expected. */
  preflight(input: PreflightInput): Promise<PreflightReport>;
  copyPage(input: PageInput): Promise<CopyResult>;
  verifyPage(input: PageInput): Promise<VerifyResult>;
  /** Hands over every schedule of the page from `from` to `to`, whatever state an earlier attempt left it in. */
  cutOverPage(input: PageInput): Promise<CutOverResult>;
  sweep(input: Crossing): Promise<SweepResult>;
  /** Looks at both sides after the cut-over: `to` should be the owner. Shuts the side that should not be open. */
  watchOwnership(input: Crossing): Promise<WatchResult>;
  /** Reads only. Throws where it could not measure, which is neither good nor bad. */
  measureCheck(input: MeasureCheckInput): Promise<Taken>;
  /** Reads only. What a page of schedules did over a time range. */
  auditPage(input: AuditPageInput): Promise<AuditPageResult>;
  /** Brings the paused copies of a page of schedules in line with their owners. Touches nothing else. */
  reconcilePage(input: ReconcilePageInput): Promise<ReconcilePageResult>;
  /** Tells the tenant's record that copies recorded as behind before `before` (ISO) have been seen to, but for `refused`. */
  recordReconciled(input: { tenant: string; before: string; refused: string[] }): Promise<void>;
  /** Fails non-retryably with `InvalidInput` where this worker has no such profile. Asks no cluster. */
  knowProfiles(input: { tenant: string; profiles: string[] }): Promise<void>;
  /** Pauses those of a page that `cluster` owns and that run. What it has paused is found paused by it. */
  pausePage(input: PausePageInput): Promise<PausePageResult>;
  /** Lets run again what `pausePage` paused, where the other side runs nothing of it. Never opens a paused copy. */
  unpausePage(input: PausePageInput): Promise<UnpausePageResult>;
  /** Reads only. Which tenants the waves have, which of them are there already, and which are held by a migration. */
  surveyTenants(input: SurveyInput): Promise<Survey>;
  /** Reads only. Looks at migrations until one has ended or waits for something else, or for some minutes; answers with the news. */
  watchMigrations(input: { rollout: string; migrations: Watched[] }): Promise<MigrationSeen[]>;
}
