/** The record as the control namespace shows it: one Describe. */
import proto, { type temporal } from '@temporalio/proto';
import type { Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { isNotFound } from '../clusters/calls.ts';
import { tenantWorkflowId } from '../workflows/messages.ts';
import { isAbsent, isOpen } from './describing.ts';
import type { Published } from './route-reader.ts';

/** Of one question. The client below tries again within it. */
const QUESTION_MS = 2_000;

export function askRecord({
  connection,
  namespace,
}: {
  connection: Connection;
  namespace: string;
}): (tenant: string) => Promise<Published | undefined> {
  return async (tenant) => {
    try {
      const { workflowExecutionInfo: info } = await connection.withDeadline(Date.now() + QUESTION_MS, () =>
        connection.workflowService.describeWorkflowExecution({
          namespace,
          execution: { workflowId: tenantWorkflowId(tenant) },
        }),
      );
      const payload = info?.memo?.fields?.['route'];
      return {
        route: payload ? defaultPayloadConverter.fromPayload<unknown>(payload) : undefined,
        ...(isOpen(info?.status) ? {} : { ended: statusName(info?.status) }),
      };
    } catch (error) {
      if (isNotFound(error) && isAbsent(error)) return undefined;
      throw error;
    }
  };
}

function statusName(status: temporal.api.enums.v1.WorkflowExecutionStatus | null | undefined): string {
  return (proto.temporal.api.enums.v1.WorkflowExecutionStatus[status ?? 0] ?? 'closed').replace(
    'WORKFLOW_EXECUTION_STATUS_',
    '',
  );
}
