/**
 * The tenant's record from the activities' side: it is an entity workflow, reached by update-with-start, so the first
 * migration of a tenant creates it. The lock's identity is the *first* run id of the migration: a reset keeps it, a
 * later migration under the same workflow id does not have it.
 */
import { activityInfo } from '@temporalio/activity';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { recordOperation } from '../clusters/record-operation.ts';
import { refusal } from '../errors.ts';
import {
  announceRouteUpdate,
  claimUpdate,
  drainedRouteUpdate,
  recordOwnerUpdate,
  releaseUpdate,
  tenantWorkflowId,
} from '../workflows/messages.ts';
import { type ClaimAnswer, type Holder, holderText, type Lock } from '../workflows/tenant-record.ts';
import type { Claim, ClaimInput, FerryActivities, FlipInput, Flipped } from './types.ts';

export interface TenantDependencies {
  /** Of the control namespace. */
  client: Client;
  /** Where the `Tenant` workflows run. */
  taskQueue: string;
  searchAttributesRegistered: () => Promise<boolean>;
}

export type TenantActivities = Pick<
  FerryActivities,
  'claimTenant' | 'recordOwner' | 'flipRoute' | 'recordDrained' | 'releaseTenant'
>;

export function createTenantActivities(deps: TenantDependencies): TenantActivities {
  const { client, taskQueue } = deps;

  const record = (tenant: string) => recordOperation(client, tenant, taskQueue);

  const claim = async (input: ClaimInput, holder: Holder, takeOverFrom?: string): Promise<ClaimAnswer> => {
    const { tenant, from, to, step } = input;
    const asked = { ...holder, from, to, ...(step === undefined ? {} : { step }) };
    return await client.workflow.executeUpdateWithStart(claimUpdate, {
      ...(await record(tenant)),
      args: [{ ...asked, ...(takeOverFrom === undefined ? {} : { takeOverFrom }) }],
    });
  };

  return {
    async claimTenant(input: ClaimInput): Promise<Claim> {
      const holder = await ownIdentity(client);
      let answer = await claim(input, holder);
      if (!answer.granted && !(await isRunning(client, answer.holder))) {
        // Between the two claims somebody else may have taken over; then the second names them.
        answer = await claim(input, holder, answer.holder.runId);
      }
      if (!answer.granted) throw locked(input.tenant, answer.holder);
      return {
        owner: answer.owner,
        tookOverFrom: answer.tookOverFrom,
        searchAttributes: await deps.searchAttributesRegistered(),
      };
    },

    async recordOwner({ tenant, owner, event }): Promise<void> {
      const holder = await ownIdentity(client);
      const recorded = await client.workflow.executeUpdateWithStart(recordOwnerUpdate, {
        ...(await record(tenant)),
        args: [{ ...holder, owner, event }],
      });
      if (!recorded) throw notOurs(tenant, holder, 'write its owner');
    },

    async flipRoute({ tenant, current, to, event }: FlipInput): Promise<Flipped> {
      const holder = await ownIdentity(client);
      const answer = await client.workflow.executeUpdateWithStart(announceRouteUpdate, {
        ...(await record(tenant)),
        args: [{ ...holder, current, to: { cluster: to, split: null }, event }],
      });
      if ('held' in answer) throw notOurs(tenant, holder, 'change its route');
      return 'notBefore' in answer ? answer : { route: answer.route };
    },

    async recordDrained({ tenant, cluster, event }): Promise<void> {
      const holder = await ownIdentity(client);
      const answer = await client.workflow.executeUpdateWithStart(drainedRouteUpdate, {
        ...(await record(tenant)),
        args: [{ ...holder, cluster, event }],
      });
      if ('held' in answer) throw notOurs(tenant, holder, `record ${cluster} as drained`);
      if ('notBefore' in answer) throw new Error(`${cluster} gets workflows of ${tenant} until ${answer.notBefore}`);
    },

    async releaseTenant({ tenant, event }): Promise<void> {
      const holder = await ownIdentity(client);
      await client.workflow.executeUpdateWithStart(releaseUpdate, {
        ...(await record(tenant)),
        args: [{ ...holder, event }],
      });
    },
  };
}

/** The migration this activity works for. */
async function ownIdentity(client: Client): Promise<Holder> {
  const { workflowExecution } = activityInfo();
  if (!workflowExecution) throw new Error('A tenant is claimed, recorded and released by migrations only');
  const { workflowId, runId } = workflowExecution;
  return { migration: workflowId, runId: await firstRunId(client, workflowId, runId) };
}

async function firstRunId(client: Client, workflowId: string, runId: string): Promise<string> {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  // Older servers do not say; then a reset migration is taken for one that ended, which its next claim tells.
  return raw.workflowExecutionInfo?.firstRunId || runId;
}

/** Whether the holder, or a reset of it, still runs. */
async function isRunning(client: Client, { migration, runId }: Holder): Promise<boolean> {
  try {
    const latest = await client.workflow.getHandle(migration).describe();
    // A paused workflow goes on one day.
    if (latest.status.name !== 'RUNNING' && latest.status.name !== 'PAUSED') return false;
    return latest.runId === runId || latest.raw.workflowExecutionInfo?.firstRunId === runId;
  } catch (error) {
    // Past its retention: it ended long ago.
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function notOurs(tenant: string, { migration }: Holder, cannot: string): Error {
  return refusal(
    'TenantLocked',
    `The record of ${tenant} is held by another migration, so ${migration} cannot ${cannot}: ` +
      `see workflow ${tenantWorkflowId(tenant)}.`,
  );
}

function locked(tenant: string, holder: Lock): Error {
  const { migration, runId, from, to, since, step } = holder;
  if (step !== undefined) {
    return refusal(
      'TenantLocked',
      `${tenant} is held by ${holderText(holder)} (run ${runId}) since ${since}. ` +
        'Only one step or migration of a tenant can change its schedules: wait for it, or cancel it and wait.',
    );
  }
  return refusal(
    'TenantLocked',
    `${tenant} is held by migration ${migration} (run ${runId}), which moves it from ${from} to ${to} since ${since}. ` +
      'Only one migration of a tenant can run: wait for it, or send it `rollback` and wait.',
  );
}
