/** The start of one nominal time, as the scheduler itself would have made it. */
import { randomUUID } from 'node:crypto';
import Long from 'long';
import proto, { type temporal } from '@temporalio/proto';
import { userAttributes } from '../schedules/canonical.ts';
import { type Schedule, isoSeconds, runId } from '../schedules/times.ts';

const { WorkflowIdReusePolicy, WorkflowIdConflictPolicy } = proto.temporal.api.enums.v1;

export function startRequest(
  namespace: string,
  scheduleId: string,
  schedule: Schedule,
  nominalMs: number,
  delayMs: number,
): temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest {
  const action = schedule.action?.startWorkflow;
  if (!action?.workflowId) throw new Error(`schedule ${scheduleId} starts no workflow`);
  return {
    namespace,
    workflowId: runId(action.workflowId, nominalMs),
    workflowType: action.workflowType,
    taskQueue: action.taskQueue,
    input: action.input,
    workflowExecutionTimeout: action.workflowExecutionTimeout,
    workflowRunTimeout: action.workflowRunTimeout,
    workflowTaskTimeout: action.workflowTaskTimeout,
    retryPolicy: action.retryPolicy,
    memo: action.memo,
    header: action.header,
    userMetadata: action.userMetadata,
    priority: action.priority,
    versioningOverride: action.versioningOverride,
    identity: 'temporal-ferry',
    requestId: randomUUID(),
    // The scheduler's own rule: a nominal time runs at most once within retention, whoever starts it.
    workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
    searchAttributes: {
      indexedFields: {
        ...userAttributes(action.searchAttributes)?.indexedFields,
        TemporalScheduledStartTime: payload(isoSeconds(nominalMs), 'Datetime'),
        TemporalScheduledById: payload(scheduleId, 'Keyword'),
      },
    },
    workflowStartDelay:
      delayMs > 0
        ? { seconds: Long.fromNumber(Math.floor(delayMs / 1000)), nanos: Math.floor((delayMs % 1000) * 1e6) }
        : undefined,
  };
}

function payload(value: string, type: string): temporal.api.common.v1.IPayload {
  return {
    metadata: { encoding: Buffer.from('json/plain'), type: Buffer.from(type) },
    data: Buffer.from(JSON.stringify(value)),
  };
}
