/** Which ids ran, how often and where: from the lists of both clusters, and by Describe for what a list lacks. */
import { isGrpcServiceError } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { waitFor } from '../../../scripts/lib/wait.ts';
import type { Side } from '../ledger.ts';

/** Id → the clusters with a run of it, one entry a run. */
export async function executionsOf(sides: Side[], wanted: Set<string>): Promise<Map<string, string[]>> {
  let runs = new Map<string, string[]>();
  // Lists lag: read until nothing is lacking, or what is lacking is not there by Describe either.
  await waitFor({ what: 'the lists to be complete', timeoutMs: 60_000, everyMs: 2_000 }, async () => {
    runs = new Map();
    for (const side of sides) await listed(side, runs);
    const lacking = [...wanted].filter((id) => !runs.has(id));
    for (const id of lacking) {
      for (const side of sides) if (await exists(side, id)) return false;
    }
    return true;
  });
  return runs;
}

async function listed({ name, connection, namespace }: Side, runs: Map<string, string[]>): Promise<void> {
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await connection.workflowService.listWorkflowExecutions({
      namespace,
      query: "WorkflowType IN ('quickOrder', 'heldOrder')",
      pageSize: 1_000,
      nextPageToken,
    });
    for (const { execution } of page.executions ?? []) {
      const id = execution?.workflowId ?? '';
      runs.set(id, [...(runs.get(id) ?? []), name]);
    }
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
}

async function exists({ connection, namespace }: Side, workflowId: string): Promise<boolean> {
  try {
    await connection.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } });
    return true;
  } catch (error) {
    if (isGrpcServiceError(error) && error.code === status.NOT_FOUND) return false;
    throw error;
  }
}
