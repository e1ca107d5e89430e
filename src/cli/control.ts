/** The control namespace as the commands need it; behind an interface, so that they can be tried without a cluster. */
import { isGrpcServiceError, type Client, type WorkflowHandle } from '@temporalio/client';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { status } from '@grpc/grpc-js';
import type { MigrateTenantInput } from '../workflows/input.ts';
import { recordOperation } from '../clusters/record-operation.ts';
import type { Change, Destination } from '../routes/route.ts';
import { routeSentence } from '../routes/sentence.ts';
import {
  announceRouteUpdate,
  commands,
  drainedRouteUpdate,
  progressQuery,
  tenantWorkflowId,
} from '../workflows/messages.ts';
import type { MigrateTenant } from '../workflows/migrate-tenant.ts';
import type { Command, Progress, ProgressMemo } from '../workflows/progress.ts';
import type { OverviewMemo } from '../workflows/rollout/overview.ts';
import type { MigrationResult } from '../workflows/result.ts';
import type { TenantMemo } from '../workflows/tenant.ts';
import type { Drained, Held } from '../workflows/tenant-record.ts';
import { clipBytes } from './words.ts';

/** How long workers have to answer. */
export const ANSWER_MS = 5_000;
export const CALL_MS = 10_000;

export interface Found {
  workflowId: string;
  runId: string;
  type: string;
  status: string;
  /** When it was started, ISO. */
  since: string;
  memo: ProgressMemo | undefined;
  /** The memo of a rollout. */
  overview?: OverviewMemo;
}

export type Ending =
  | { kind: 'result'; result: MigrationResult }
  | { kind: 'failed'; type: string; message: string }
  /** Cancelled, terminated, timed out: as the server calls it. */
  | { kind: 'stopped'; status: string; message: string };

export interface Control {
  /** `running` when a workflow with this id is running already. */
  start: (input: MigrateTenantInput, workflowId: string) => Promise<{ runId: string } | 'running'>;
  /** The latest run with this id, or the run named. */
  find: (workflowId: string, runId?: string) => Promise<Found | undefined>;
  /** What it was started with, as it was given. */
  input: (found: Found) => Promise<unknown>;
  /** Undefined when no worker answers in time. */
  progress: (found: Found) => Promise<Progress | undefined>;
  /** Of a migration that has ended. */
  ending: (found: Found) => Promise<Ending>;
  /** What the tenant's record keeps where no worker is needed to read it; undefined for a tenant never migrated. */
  record: (tenant: string) => Promise<TenantMemo | undefined>;
  /** Changes where workflows start; the record is created where there is none. */
  setRoute: (tenant: string, change: { to: Destination; current?: string }) => Promise<Change | Held | 'silent'>;
  setDrained: (tenant: string, cluster: string) => Promise<Drained | Held | 'silent'>;
  update: (
    found: Found,
    command: Command,
    argument: unknown,
  ) => Promise<{ answer: string } | { refused: string } | 'silent'>;
  signal: (found: Found, command: Command, argument: unknown) => Promise<void>;
}

export function temporalControl(client: Client, taskQueue: string): Control {
  const within = <T>(ms: number, call: () => Promise<T>): Promise<T> =>
    client.connection.withDeadline(Date.now() + ms, call);
  const handle = ({ workflowId, runId }: Pick<Found, 'workflowId' | 'runId'>): WorkflowHandle<typeof MigrateTenant> =>
    client.workflow.getHandle<typeof MigrateTenant>(workflowId, runId);

  const find: Control['find'] = async (workflowId, runId) => {
    try {
      const found = await within(CALL_MS, () => client.workflow.getHandle(workflowId, runId).describe());
      const memo = found.memo as { progress?: ProgressMemo; overview?: OverviewMemo } | undefined;
      return {
        workflowId,
        runId: found.runId,
        type: found.type,
        status: found.status.name,
        since: found.startTime.toISOString(),
        memo: memo?.progress,
        ...(memo?.overview ? { overview: memo.overview } : {}),
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };

  const unlessSilent = async <T>(call: () => Promise<T>): Promise<T | 'silent'> => {
    try {
      return await within(2 * ANSWER_MS, call);
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isSilence(error)) return 'silent';
      throw error;
    }
  };

  return {
    find,

    setRoute: (tenant, { to, current }) =>
      unlessSilent(async () =>
        client.workflow.executeUpdateWithStart(announceRouteUpdate, {
          ...(await recordOperation(client, tenant, taskQueue)),
          args: [
            {
              to,
              ...(current === undefined ? {} : { current }),
              event: `workflows ${routeSentence({ to, from: null, at: null, undrained: [] })}`,
            },
          ],
        }),
      ),

    setDrained: (tenant, cluster) =>
      unlessSilent(async () =>
        client.workflow.executeUpdateWithStart(drainedRouteUpdate, {
          ...(await recordOperation(client, tenant, taskQueue)),
          args: [{ cluster, event: `${cluster} is drained` }],
        }),
      ),

    async start(input, workflowId) {
      const { tenant, from = 'cloud', to = 'selfhosted', dryRun = false } = input;
      const purpose = dryRun
        ? 'Looks what a migration would do and what stands against it. Changes no schedule.'
        : `Moves **${tenant}** from ${from} to ${to} while it runs. Send \`rollback\` to take everything ` +
          'back, `pause` and `resume` to hold it; ask `progress` where it stands.';
      try {
        const started = await within(CALL_MS, () =>
          client.workflow.start<typeof MigrateTenant>('MigrateTenant', {
            workflowId,
            taskQueue,
            args: [input],
            staticSummary: clipBytes(`${tenant}: ${from} to ${to}${dryRun ? ', dry run' : ''}`, 200),
            staticDetails: `${purpose}\n\nStarted with \`ferry ${dryRun ? 'plan' : 'migrate'}\`.`,
          }),
        );
        return { runId: started.firstExecutionRunId };
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw error;
      }
    },

    async input({ workflowId, runId }) {
      const { namespace } = client.options;
      const asked = { namespace, execution: { workflowId, runId }, maximumPageSize: 1 };
      const { history } = await within(CALL_MS, () => client.workflowService.getWorkflowExecutionHistory(asked));
      const [payload] = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      return payload ? defaultPayloadConverter.fromPayload(payload) : undefined;
    },

    async progress(found) {
      try {
        return await within(ANSWER_MS, () => handle(found).query(progressQuery));
      } catch (error) {
        if (isSilence(error)) return undefined;
        throw error;
      }
    },

    async ending(found) {
      try {
        return { kind: 'result', result: await within(CALL_MS, () => handle(found).result()) };
      } catch (error) {
        if (!(error instanceof WorkflowFailedError)) throw error;
        const { cause } = error;
        if (cause instanceof ApplicationFailure) {
          return { kind: 'failed', type: cause.type ?? 'failure', message: cause.message };
        }
        const latest = await find(found.workflowId, found.runId);
        return { kind: 'stopped', status: latest?.status ?? found.status, message: cause?.message ?? error.message };
      }
    },

    async record(tenant) {
      const id = tenantWorkflowId(tenant);
      try {
        const found = await within(CALL_MS, () => client.workflow.getHandle(id).describe());
        return found.type === 'Tenant' ? found.memo : undefined;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw error;
      }
    },

    async update(found, command, argument) {
      try {
        const definition = commands[command].update;
        const answer = await within(ANSWER_MS, () => handle(found).executeUpdate(definition, { args: [argument] }));
        return { answer };
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError) return { refused: error.cause?.message ?? error.message };
        if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isSilence(error)) return 'silent';
        throw error;
      }
    },

    async signal(found, command, argument) {
      await within(CALL_MS, () => handle(found).signal(commands[command].signal, argument));
    },
  };
}

/** The gRPC status behind an error, however deep. */
export function grpcCode(error: unknown): status | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (isGrpcServiceError(inner)) return inner.code;
  }
  return undefined;
}

/** The server cannot get an answer from a worker: none polls, or none comes in time. */
export function isSilence(error: unknown): boolean {
  const code = grpcCode(error);
  return code === status.DEADLINE_EXCEEDED || code === status.CANCELLED || code === status.FAILED_PRECONDITION;
}
