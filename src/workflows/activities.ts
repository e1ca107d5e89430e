/**
 * The activities as workflow code calls them: every step with its own timeouts and retries, every call with a summary
 * that names tenant and purpose.
 */
import { ActivityCancellationType, type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type {
  AuditPageInput,
  ClaimInput,
  Crossing,
  FerryActivities,
  FlipInput,
  MeasureCheckInput,
  PageInput,
  PausePageInput,
  PreflightInput,
  ReconcilePageInput,
  SurveyInput,
  Watched,
  WorkflowsInput,
} from '../activities/types.ts';
import type { FailureType } from '../errors.ts';
import { summary } from './summary.ts';

/** A retry cannot change these answers. */
const nonRetryableErrorTypes: FailureType[] = [
  'InvalidInput',
  'TenantLocked',
  'PreflightFailed',
  'VerifyFailed',
  'StepFailed',
];

const backoff = { initialInterval: '1 s', backoffCoefficient: 2, nonRetryableErrorTypes } as const;

// A cancelled page finishes the schedules in flight and reports how far it came: that answer must be waited for, or
// schedules would be handed over and never counted.
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** One short call to the control namespace. Limited: a lock that cannot be had is an answer. */
const claiming = proxyActivities<FerryActivities>({
  startToCloseTimeout: '30 s',
  retry: { ...backoff, maximumInterval: '10 s', maximumAttempts: 10 },
  cancellationType,
});

/** The same call where giving up would leave a trap behind: a held lock, a wrong owner. */
const recording = proxyActivities<FerryActivities>({
  startToCloseTimeout: '30 s',
  retry: { ...backoff, maximumInterval: '30 s' },
  cancellationType,
});

/** Walks over many schedules; heartbeats, so that a dead worker is noticed within a minute. */
const walk: ActivityOptions = {
  startToCloseTimeout: '30 min',
  heartbeatTimeout: '60 s',
  retry: { ...backoff, maximumInterval: '30 s', maximumAttempts: 10 },
  cancellationType,
};
const walking = proxyActivities<FerryActivities>(walk);

/** A cluster out of reach for a quarter of an hour is no reason yet to turn a baking tenant around. */
const watching = proxyActivities<FerryActivities>({
  ...walk,
  retry: { ...backoff, maximumInterval: '60 s', maximumAttempts: 20 },
});

/** Nothing is decided by one look: who makes it tells that it failed, and mostly looks again. */
const looking = proxyActivities<FerryActivities>({
  ...walk,
  retry: { ...backoff, maximumInterval: '10 s', maximumAttempts: 5 },
});

/** One measurement; the check counts those that failed, so none is made twice. Nothing is left behind by one given up. */
const measuring = proxyActivities<FerryActivities>({
  startToCloseTimeout: '2 min',
  heartbeatTimeout: '30 s',
  retry: { maximumAttempts: 1 },
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/** The way back never gives up. */
const undoing = proxyActivities<FerryActivities>({
  ...walk,
  retry: { ...backoff, maximumInterval: '60 s' },
});

export const claimTenant = (c: ClaimInput) =>
  claiming.claimTenant.executeWithOptions({ summary: summary(c.tenant, 'take the lock') }, [c]);

export const recordOwner = (input: Parameters<FerryActivities['recordOwner']>[0]) =>
  recording.recordOwner.executeWithOptions({ summary: summary(input.tenant, `record ${input.owner} as the owner`) }, [
    input,
  ]);

export const flipRoute = (input: FlipInput) =>
  recording.flipRoute.executeWithOptions(
    { summary: summary(input.tenant, `start workflows on ${input.to} from T on`) },
    [input],
  );

export const recordDrained = (input: Parameters<FerryActivities['recordDrained']>[0]) =>
  recording.recordDrained.executeWithOptions({ summary: summary(input.tenant, `record ${input.cluster} as drained`) }, [
    input,
  ]);

export const lookAtWorkflows = (input: WorkflowsInput) =>
  looking.lookAtWorkflows.executeWithOptions(
    { summary: summary(input.tenant, `look at its open workflows on ${input.cluster}`) },
    [input],
  );

export const releaseTenant = (input: Parameters<FerryActivities['releaseTenant']>[0]) =>
  recording.releaseTenant.executeWithOptions({ summary: summary(input.tenant, 'give the lock back') }, [input]);

export const preflight = (c: PreflightInput) =>
  walking.preflight.executeWithOptions(
    { summary: summary(c.tenant, `look for reasons against moving ${c.from} to ${c.to}`) },
    [c],
  );

export const copyPage = (input: PageInput, page: number) =>
  walking.copyPage.executeWithOptions(
    { summary: summary(input.tenant, `copy schedules to ${input.to}, page ${page}`) },
    [input],
  );

export const verifyPage = (input: PageInput, page: number) =>
  walking.verifyPage.executeWithOptions(
    { summary: summary(input.tenant, `compare schedules on ${input.from} and ${input.to}, page ${page}`) },
    [input],
  );

export const cutOverPage = (input: PageInput, page: number) =>
  walking.cutOverPage.executeWithOptions(
    { ...handingOver(input), summary: summary(input.tenant, handOverSummary(input, page)) },
    [input],
  );

/** Each schedule of a page may wait for an open run; at least this many wait at the same time. */
const AT_ONCE = 40;

function handingOver({ pageSize, openRunLimitMs = 0 }: PageInput): ActivityOptions {
  return { startToCloseTimeout: 30 * 60_000 + 2 * Math.ceil(pageSize / AT_ONCE) * openRunLimitMs };
}

function handOverSummary({ to, only }: PageInput, page: number): string {
  return only ? `hand over to ${to} again what failed: ${only.length}` : `hand over schedules to ${to}, page ${page}`;
}

export const sweep = (c: Crossing) =>
  walking.sweep.executeWithOptions({ summary: summary(c.tenant, `look for schedules left on ${c.from}`) }, [c]);

export const watchOwnership = (c: Crossing) =>
  watching.watchOwnership.executeWithOptions(
    { summary: summary(c.tenant, `check that only ${c.to} runs the schedules`) },
    [c],
  );

export const measureCheck = (input: MeasureCheckInput) =>
  measuring.measureCheck.executeWithOptions(
    { summary: summary(input.tenant, `measure ${input.check.name} on ${input.to}`) },
    [input],
  );

/** `input` already names the way back: its `to` is where the migration came from. */
export const takeBackPage = (input: PageInput, page: number) =>
  undoing.cutOverPage.executeWithOptions(
    { ...handingOver(input), summary: summary(input.tenant, `take schedules back to ${input.to}, page ${page}`) },
    [input],
  );

export const sweepBack = (c: Crossing) =>
  undoing.sweep.executeWithOptions({ summary: summary(c.tenant, `look for schedules still on ${c.from}`) }, [c]);

/** Nothing depends on an audit, and a cluster out of reach may come back: it is tried for about a quarter of an hour. */
export const auditPage = (input: AuditPageInput, page: number) =>
  watching.auditPage.executeWithOptions(
    { summary: summary(input.tenant, `audit schedules on ${input.clusters.join(' and ')}, page ${page}`) },
    [input],
  );

export const reconcilePage = (input: ReconcilePageInput, page: number) =>
  watching.reconcilePage.executeWithOptions(
    { summary: summary(input.tenant, `compare copies on ${input.clusters.join(' and ')}, page ${page}`) },
    [input],
  );

export const recordReconciled = (input: Parameters<FerryActivities['recordReconciled']>[0]) =>
  claiming.recordReconciled.executeWithOptions({ summary: summary(input.tenant, 'record what was reconciled') }, [
    input,
  ]);

export const knowProfiles = (input: Parameters<FerryActivities['knowProfiles']>[0]) =>
  claiming.knowProfiles.executeWithOptions(
    { summary: summary(input.tenant, `look whether the worker knows ${input.profiles.join(' and ')}`) },
    [input],
  );

export const pausePage = (input: PausePageInput, page: number) =>
  walking.pausePage.executeWithOptions(
    { summary: summary(input.tenant, `pause schedules on ${input.cluster}, page ${page}`) },
    [input],
  );

export const unpausePage = (input: PausePageInput, page: number) =>
  walking.unpausePage.executeWithOptions(
    { summary: summary(input.tenant, `let schedules run again on ${input.cluster}, page ${page}`) },
    [input],
  );

export const surveyTenants = (input: SurveyInput) =>
  watching.surveyTenants.executeWithOptions(
    { summary: summary(input.rollout, `look which tenants are on ${input.to} already`) },
    [input],
  );

/** Asks the namespace the rollout itself lives in: while that is away nothing else goes on either, so it never gives up. */
const following = proxyActivities<FerryActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '60 s',
  retry: { ...backoff, maximumInterval: '30 s' },
  // What a look that was called off has seen is seen again by the next one.
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

export const watchMigrations = (input: { rollout: string; migrations: Watched[] }) =>
  following.watchMigrations.executeWithOptions(
    { summary: summary(input.rollout, `watch migrations: ${input.migrations.length}`) },
    [input],
  );
