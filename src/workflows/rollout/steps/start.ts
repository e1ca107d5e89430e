import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { MigrateTenantInput } from '../../input.ts';
import type { MigrateTenant } from '../../migrate-tenant.ts';
import type { Rollout } from '../rollout.ts';

/**
 * Starts migrations that live on whatever becomes of the rollout: no end and no cancellation of it reaches them. One that
 * runs under this id already is this rollout's own, from before, and is gone on with.
 */
export async function startMigrations(
  rollout: Rollout,
  tenants: string[],
  of: (tenant: string) => { workflowId: string; input: MigrateTenantInput },
): Promise<void> {
  await CancellationScope.nonCancellable(() => Promise.all(tenants.map((tenant) => start(rollout, of(tenant)))));
}

async function start(
  rollout: Rollout,
  { workflowId, input }: { workflowId: string; input: MigrateTenantInput },
): Promise<void> {
  const { tenant, from, to } = input;
  try {
    await startChild<typeof MigrateTenant>('MigrateTenant', {
      workflowId,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: `${tenant.slice(0, 60)}: ${from} to ${to}`,
      staticDetails: `Started by the rollout \`${rollout.id}\`. Takes the signals and updates of any migration.`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    rollout.note(`${workflowId} was running already, and is gone on with`);
  }
}
