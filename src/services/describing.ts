/** One workflow id on one cluster. */
import proto, { type temporal } from '@temporalio/proto';
import { isGrpcServiceError } from '@temporalio/client';
import { status as code } from '@grpc/grpc-js';
import { toMs } from '../schedules/times.ts';
import type { Side } from './ports.ts';

const { WorkflowExecutionStatus, EventType } = proto.temporal.api.enums.v1;

export interface Seen {
  profile: string;
  workflowId: string;
  runId: string;
  /** Of the chain of runs this one continues; empty: an older server does not say. */
  firstRunId: string;
  open: boolean;
  completed: boolean;
  startedAt: number;
  /** Of the requests that started this run; empty: an older server does not say. */
  startedBy: string[];
}

/** The latest run, or the one asked for; undefined: the cluster knows none. */
export async function describeOn(side: Side, workflowId: string, runId?: string): Promise<Seen | undefined> {
  try {
    const { namespace, profile, service } = side;
    const answer = await service.describeWorkflowExecution({ namespace, execution: { workflowId, runId } });
    const info = answer.workflowExecutionInfo;
    const requests = Object.entries(answer.workflowExtendedInfo?.requestIdInfos ?? {});
    return {
      profile,
      workflowId,
      runId: info?.execution?.runId ?? '',
      firstRunId: info?.firstRunId ?? '',
      open: isOpen(info?.status),
      completed: info?.status === WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_COMPLETED,
      startedAt: toMs(info?.startTime) ?? 0,
      startedBy: requests
        .filter(([, { eventType }]) => eventType === EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED)
        .map(([requestId]) => requestId),
    };
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** The run that went on as this one; undefined: none, or it is not there any more. */
export async function previousRun(side: Side, workflowId: string, runId: string): Promise<string | undefined> {
  try {
    const { namespace, service } = side;
    const execution = { workflowId, runId };
    const { history } = await service.getWorkflowExecutionHistory({ namespace, execution, maximumPageSize: 1 });
    return history?.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export function isOpen(status: temporal.api.enums.v1.WorkflowExecutionStatus | null | undefined): boolean {
  return (
    status === WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING ||
    status === WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_PAUSED
  );
}

/** The workflow is not there, or not open. A namespace that is not there is a mistake, and answers nothing. */
export function isAbsent(error: unknown): boolean {
  if (!isGrpcServiceError(error) || error.code !== code.NOT_FOUND) return false;
  return !error.metadata.get('grpc-status-details-bin').some((details) => details.includes('NamespaceNotFound'));
}
