/** A tenant's workflows on one cluster that no schedule has started, as visibility lists them: eventually consistent. */
import type { temporal } from '@temporalio/proto';
import { toMs, toNumber } from '../schedules/times.ts';
import type { Cluster } from './cluster.ts';
import { isNotFound } from './calls.ts';

export interface OnDemandRun {
  workflowId: string;
  runId: string;
  type: string;
  taskQueue: string;
  startedMs: number;
  /** As far as the list tells. */
  child: boolean;
}

const PAGE = 500;

/** In brackets: what a person wrote may have an OR in it. */
export const onDemand = (query: string): string => `(${query}) AND TemporalScheduledById IS NULL`;

/** Paused ones are open too, and older servers refuse to be asked for that status. */
export const openOnDemand = (query: string): string => `${onDemand(query)} AND CloseTime IS NULL`;

export async function countRuns(cluster: Cluster, query: string): Promise<number> {
  const { namespace } = cluster;
  const { count } = await cluster.call((s) => s.countWorkflowExecutions({ namespace, query }));
  return toNumber(count);
}

/** At most `limit`, the newest first; `complete`: there are no more. */
export async function listRuns(
  cluster: Cluster,
  query: string,
  limit: number,
): Promise<{ runs: OnDemandRun[]; complete: boolean }> {
  const runs: OnDemandRun[] = [];
  let nextPageToken: Uint8Array | undefined;
  do {
    const { namespace } = cluster;
    const asked = { namespace, query, pageSize: Math.min(PAGE, limit), nextPageToken };
    const answer = await cluster.call((s) => s.listWorkflowExecutions(asked));
    runs.push(...(answer.executions ?? []).map(runOf));
    nextPageToken = answer.nextPageToken && answer.nextPageToken.length > 0 ? answer.nextPageToken : undefined;
  } while (nextPageToken && runs.length < limit);
  return { runs: runs.slice(0, limit), complete: nextPageToken === undefined && runs.length <= limit };
}

/** Whether somebody started it, where lists show no difference: a child or a later run of a chain was not. */
export async function wasStarted(cluster: Cluster, { workflowId, runId }: OnDemandRun): Promise<boolean> {
  const asked = { namespace: cluster.namespace, execution: { workflowId, runId } };
  try {
    const { workflowExecutionInfo: info } = await cluster.call((s) => s.describeWorkflowExecution(asked));
    // Older servers do not tell the first run: then it counts, for a person to look at.
    return !info?.parentExecution?.workflowId && (!info?.firstRunId || info.firstRunId === runId);
  } catch (error) {
    // Deleted meanwhile.
    if (isNotFound(error)) return false;
    throw error;
  }
}

function runOf({
  execution,
  type,
  taskQueue,
  startTime,
  parentExecution,
}: temporal.api.workflow.v1.IWorkflowExecutionInfo): OnDemandRun {
  return {
    workflowId: execution?.workflowId ?? '',
    runId: execution?.runId ?? '',
    type: type?.name ?? '',
    taskQueue: taskQueue ?? '',
    startedMs: toMs(startTime) ?? 0,
    child: Boolean(parentExecution?.workflowId),
  };
}
