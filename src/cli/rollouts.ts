/** Rollouts as the commands need them; behind an interface, so that the commands can be tried without a cluster. */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { RolloutTenantsInput } from '../workflows/rollout/input.ts';
import { overviewQuery, rolloutCommands } from '../workflows/rollout/messages.ts';
import type { Overview, RolloutCommand, RolloutResult } from '../workflows/rollout/overview.ts';
import type { RolloutTenants } from '../workflows/rollout/rollout-tenants.ts';
import { ANSWER_MS, CALL_MS, isSilence } from './control.ts';
import { clipBytes } from './words.ts';

export type RolloutEnding =
  | { kind: 'result'; result: RolloutResult }
  | { kind: 'failed'; type: string; message: string }
  /** Cancelled, terminated, timed out: as the server says it. */
  | { kind: 'stopped'; message: string };

/** By workflow id: a rollout continues as new, and always its latest run is meant. */
export interface Rollouts {
  /** `running` when a workflow with this id is running already. */
  start: (input: RolloutTenantsInput, workflowId: string) => Promise<{ runId: string } | 'running'>;
  /** Undefined when no worker answers in time. */
  overview: (workflowId: string) => Promise<Overview | undefined>;
  /** Of one that has ended. */
  ending: (workflowId: string) => Promise<RolloutEnding>;
  update: (
    workflowId: string,
    command: RolloutCommand,
    argument: unknown,
  ) => Promise<{ answer: string } | { refused: string } | 'silent'>;
  signal: (workflowId: string, command: RolloutCommand, argument: unknown) => Promise<void>;
}

export function temporalRollouts(client: Client, taskQueue: string): Rollouts {
  const within = <T>(ms: number, call: () => Promise<T>): Promise<T> =>
    client.connection.withDeadline(Date.now() + ms, call);
  const handle = (workflowId: string) => client.workflow.getHandle<typeof RolloutTenants>(workflowId);

  return {
    async start(input, workflowId) {
      const { from = 'cloud', to = 'selfhosted', waves } = input;
      try {
        const started = await within(CALL_MS, () =>
          client.workflow.start<typeof RolloutTenants>('RolloutTenants', {
            workflowId,
            taskQueue,
            args: [input],
            staticSummary: clipBytes(`${from} to ${to}: ${waves.map(({ name }) => name).join(', ')}`, 200),
            staticDetails:
              `Moves tenants from ${from} to ${to}, wave after wave. Send \`pause\` to start no further one, \`rollback\` to ` +
              'take the wave or all back; ask `overview` where it stands.\n\nStarted with `ferry rollout`.',
          }),
        );
        return { runId: started.firstExecutionRunId };
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw error;
      }
    },

    async overview(workflowId) {
      try {
        return await within(ANSWER_MS, () => handle(workflowId).query(overviewQuery));
      } catch (error) {
        if (isSilence(error)) return undefined;
        throw error;
      }
    },

    async ending(workflowId) {
      try {
        return { kind: 'result', result: await within(CALL_MS, () => handle(workflowId).result()) };
      } catch (error) {
        if (!(error instanceof WorkflowFailedError)) throw error;
        const { cause } = error;
        return cause instanceof ApplicationFailure
          ? { kind: 'failed', type: cause.type ?? 'failure', message: cause.message }
          : { kind: 'stopped', message: cause?.message ?? error.message };
      }
    },

    async update(workflowId, command, argument) {
      try {
        const definition = rolloutCommands[command].update;
        const answer = await within(ANSWER_MS, () =>
          handle(workflowId).executeUpdate(definition, { args: [argument] }),
        );
        return { answer };
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError) return { refused: error.cause?.message ?? error.message };
        if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isSilence(error)) return 'silent';
        throw error;
      }
    },

    async signal(workflowId, command, argument) {
      await within(CALL_MS, () => handle(workflowId).signal(rolloutCommands[command].signal, argument));
    },
  };
}
