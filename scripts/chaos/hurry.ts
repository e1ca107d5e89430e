import { ActivityNotFoundError, type Client, isGrpcServiceError } from '@temporalio/client';
import { tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { Death } from './fleet.ts';

/**
 * Tells the server what its time-outs would tell it a minute later: that the worker is gone. It spares the run the wait;
 * what happens then is the same. Whatever is refused here, the time-outs still do.
 */
export async function hurry(client: Client, tenant: string, { workflowId, pid }: Death): Promise<void> {
  const { connection } = client;
  const { namespace } = client.options;
  const execution = { workflowId };
  try {
    const { pendingActivities } = await connection.workflowService.describeWorkflowExecution({ namespace, execution });
    for (const { activityId, lastWorkerIdentity } of pendingActivities ?? []) {
      if (!activityId || !lastWorkerIdentity?.startsWith(`${pid}@`)) continue;
      await client.activity.fail({ workflowId, activityId }, new Error('its worker was killed'));
    }
    for (const each of [execution, { workflowId: tenantWorkflowId(tenant) }]) {
      await connection.workflowService.resetStickyTaskQueue({ namespace, execution: each });
    }
  } catch (error) {
    if (!isGrpcServiceError(error) && !(error instanceof ActivityNotFoundError)) throw error;
  }
}
