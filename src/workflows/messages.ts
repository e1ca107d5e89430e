/**
 * Every signal, query and update, with the description people read in the Web UI. A command exists as a signal (works
 * while workers are down) and as an update of the same name (answers in a sentence, refuses what makes no sense now).
 */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { PreflightReport } from '../activities/types.ts';
import type { Change } from '../routes/route.ts';
import type { Command, Progress } from './progress.ts';
import type {
  ClaimAnswer,
  ClaimRequest,
  Drained,
  DrainedRequest,
  Held,
  OwnerRequest,
  ReleaseRequest,
  RouteRequest,
  TenantRecord,
} from './tenant-record.ts';

/** What `rollback` may carry. Anything else, or nothing, rolls back just the same. */
export interface RollbackArgument {
  reason?: string;
}

/** Arguments come from people: `unknown` until looked at, and absent when a form was left empty. */
type FromPeople = [argument?: unknown];
/** The same, as far as the client's types for updates can say it: `args: [undefined]` for none. */
type UpdateFromPeople = [argument: unknown];

export const rollbackSignal = defineSignal<FromPeople>('rollback');
export const pauseSignal = defineSignal<FromPeople>('pause');
export const resumeSignal = defineSignal<FromPeople>('resume');
export const proceedSignal = defineSignal<FromPeople>('proceed');

export const rollbackUpdate = defineUpdate<string, UpdateFromPeople>('rollback');
export const pauseUpdate = defineUpdate<string, UpdateFromPeople>('pause');
export const resumeUpdate = defineUpdate<string, UpdateFromPeople>('resume');
export const proceedUpdate = defineUpdate<string, UpdateFromPeople>('proceed');

export const progressQuery = defineQuery<Progress, FromPeople>('progress');
export const planQuery = defineQuery<PreflightReport | null, FromPeople>('plan');

export const commands = {
  rollback: {
    signal: rollbackSignal,
    update: rollbackUpdate,
    description:
      'Takes everything back to the source, from any phase, with the same guarantees. Optional input: {"reason": "…"}.',
  },
  pause: {
    signal: pauseSignal,
    update: pauseUpdate,
    description: 'Holds between schedules, never inside a hand-over; during the bake it stops the clock. No input.',
  },
  resume: { signal: resumeSignal, update: resumeUpdate, description: 'Goes on where `pause` stopped. No input.' },
  proceed: {
    signal: proceedSignal,
    update: proceedUpdate,
    description:
      'Approves what the migration waits for (see `waitingFor`), or ends the bake or the drain now. No input.',
  },
} as const satisfies Record<Command, object>;

export const queryDescriptions = {
  progress: 'Phase, owner, counts, what it waits for and which commands make sense now. No input.',
  plan: 'What preflight found: blockers, warnings, and every write per schedule; null until it has reported. No input.',
};

/** The messages of the `Tenant` entity. Meant for activities, not for people; the `record` query is for both. */
export const claimUpdate = defineUpdate<ClaimAnswer, [ClaimRequest]>('claim');
export const releaseUpdate = defineUpdate<boolean, [ReleaseRequest]>('release');
export const recordOwnerUpdate = defineUpdate<boolean, [OwnerRequest]>('recordOwner');
export const announceRouteUpdate = defineUpdate<Change | Held, [RouteRequest]>('announceRoute');
export const drainedRouteUpdate = defineUpdate<Drained | Held, [DrainedRequest]>('drainedRoute');
export const standbyBehindSignal = defineSignal<FromPeople>('standbyBehind');
export const reconciledSignal = defineSignal<FromPeople>('reconciled');
export const recordQuery = defineQuery<TenantRecord, FromPeople>('record');

export const tenantDescriptions = {
  claim: 'For migrations and single steps: takes the lock of this tenant, or names who holds it.',
  release: 'For migrations and single steps: gives the lock back; a lock held by another one is left alone.',
  recordOwner: "For migrations: writes which cluster runs the tenant's schedules.",
  announceRoute: "Changes where the tenant's workflows start, some seconds from now. For migrations and `ferry route`.",
  drainedRoute: 'Says that a cluster holds no open workflow of the tenant. For migrations and `ferry route --drained`.',
  record: 'Owner, route, lock and the history of this tenant. No input.',
  standbyBehind: 'For services: a paused copy did not follow its schedule.',
  reconciled: 'For `ReconcileSchedules`: copies that were behind have been seen to.',
};

/** Workflow id of a tenant's record; services Describe it and read the memo. */
export const tenantWorkflowId = (tenant: string): string => `tenant/${tenant}`;
