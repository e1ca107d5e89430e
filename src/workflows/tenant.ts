/**
 * Who owns a tenant, and which migration holds it: one entity workflow per tenant, `tenant/<tenant>`, that outlives
 * every migration. Its memo is kept current, so services read it with one Describe while no worker is up.
 */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  log,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { plainFailure } from './failures.ts';
import {
  announceRouteUpdate,
  claimUpdate,
  drainedRouteUpdate,
  reconciledSignal,
  recordOwnerUpdate,
  recordQuery,
  releaseUpdate,
  standbyBehindSignal,
  tenantDescriptions,
  tenantWorkflowId,
} from './messages.ts';
import { now } from './run.ts';
import { reconciled, standbyBehind } from './tenant-behind.ts';
import { tenantDetails } from './tenant-details.ts';
import { refuseRoute } from './route-request.ts';
import {
  announceRoute,
  claim,
  drainedRoute,
  newRecord,
  recordOwner,
  release,
  type TenantRecord,
} from './tenant-record.ts';

/** Well below what the server suggests by: the entity lives for years and is replayed on every worker restart. */
const HISTORY_LIMIT = 2000;

export interface TenantInput {
  tenant: string;
  /** Carried through continue-as-new. */
  record?: TenantRecord;
}

/**
 * The workflow's memo. The server drops what is null: no `owner` is a tenant never migrated, no `lock` a free one, no
 * `route` one whose workflows nobody routes.
 */
export type TenantMemo = { [key in 'owner' | 'route' | 'lock' | 'interrupted' | 'updatedAt']?: TenantRecord[key] };

export async function Tenant(input?: TenantInput): Promise<void> {
  // Started by hand, without an input, it is still the record of the tenant its id names.
  const tenant = input?.tenant ?? workflowInfo().workflowId.slice(tenantWorkflowId('').length);
  // A record carried over from before there were routes has none.
  let record: TenantRecord = { ...newRecord(tenant), ...input?.record };

  // Handlers never await, so no two of them see the record at the same time.
  const change = <Request, Answer>(
    transition: (record: TenantRecord, request: Request, at: string) => [TenantRecord, Answer],
    request: Request,
  ): Answer => {
    const [next, answer] = transition(record, request, now());
    if (next !== record) {
      record = next;
      publish(record);
      log.info(`${tenant}: ${record.history.at(-1)?.event ?? ''}`);
    }
    return answer;
  };

  setHandler(claimUpdate, (request) => change(claim, request), {
    description: tenantDescriptions.claim,
    validator: (request) => requireTexts('claim', request, ['migration', 'runId', 'from', 'to']),
  });
  setHandler(releaseUpdate, (request) => change(release, request), {
    description: tenantDescriptions.release,
    validator: (request) => requireTexts('release', request, ['migration', 'runId', 'event']),
  });
  setHandler(recordOwnerUpdate, (request) => change(recordOwner, request), {
    description: tenantDescriptions.recordOwner,
    validator: (request) => requireTexts('recordOwner', request, ['migration', 'runId', 'owner', 'event']),
  });
  setHandler(announceRouteUpdate, (request) => change(announceRoute, request), {
    description: tenantDescriptions.announceRoute,
    validator: (request) => {
      const problem = refuseRoute(request);
      if (problem !== null) throw plainFailure('CommandRefused', `\`announceRoute\`: ${problem}`);
    },
  });
  setHandler(drainedRouteUpdate, (request) => change(drainedRoute, request), {
    description: tenantDescriptions.drainedRoute,
    validator: (request) => requireTexts('drainedRoute', request, ['cluster', 'event']),
  });
  // No events of the history, and not in the memo: there may be many, and nobody but people and the reconciler asks.
  const see = (next: TenantRecord): void => {
    record = next;
    setCurrentDetails(tenantDetails(record));
  };
  setHandler(standbyBehindSignal, (given) => see(standbyBehind(record, given)), {
    description: tenantDescriptions.standbyBehind,
  });
  setHandler(reconciledSignal, (given) => see(reconciled(record, given)), {
    description: tenantDescriptions.reconciled,
  });
  setHandler(recordQuery, () => record, { description: tenantDescriptions.record });
  setCurrentDetails(tenantDetails(record));

  await condition(() => {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return continueAsNewSuggested || historyLength > HISTORY_LIMIT;
  });
  await condition(allHandlersFinished);
  await continueAsNew<typeof Tenant>({ tenant, record });
}

function publish(record: TenantRecord): void {
  const { owner, route, lock, interrupted, updatedAt } = record;
  upsertMemo({ owner, route, lock, interrupted, updatedAt } satisfies TenantMemo);
  setCurrentDetails(tenantDetails(record));
}

/** People can send these updates from the Web UI: a request that is not one must not break the record. */
function requireTexts(update: string, request: unknown, fields: string[]): void {
  const given: Record<string, unknown> = typeof request === 'object' && request !== null ? { ...request } : {};
  const missing = fields.filter((field) => typeof given[field] !== 'string' || given[field] === '');
  if (missing.length === 0) return;
  throw plainFailure('CommandRefused', `\`${update}\` is sent by migrations and takes ${fields.join(', ')} as texts.`);
}
