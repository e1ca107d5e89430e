/** The record as the control namespace shows it: one Describe, its memo checked before it is believed. */
import proto, { type temporal } from '@temporalio/proto';
import type { Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import * as v from 'valibot';
import { isNotFound } from '../clusters/calls.ts';
import type { Route } from '../routes/route.ts';
import { tenantWorkflowId } from '../workflows/messages.ts';
import { isAbsent, isOpen } from './describing.ts';
import type { Published } from './route-reader.ts';

/** Of one question. The client below tries again within it. */
const QUESTION_MS = 2_000;

const profile = v.pipe(v.string(), v.nonEmpty());
const destination = v.object({
  cluster: profile,
  split: v.nullable(v.object({ cluster: profile, percent: v.pipe(v.number(), v.gtValue(0), v.ltValue(100)) })),
});
/** Fields that are not known are left out: a newer ferry may publish more. */
const schema = v.pipe(
  v.object({
    to: destination,
    from: v.nullable(destination),
    at: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
    undrained: v.array(profile),
  }),
  v.check(({ from, at }) => (from === null) === (at === null), '`from` and `at` come together'),
);

export function readRoute(published: unknown): { route: Route } | { problem: string } {
  const read = v.safeParse(schema, published);
  if (read.success) return { route: read.output };
  const [issue] = read.issues;
  const path = issue && v.getDotPath(issue);
  return { problem: `${path ? `${path}: ` : ''}${issue.message}` };
}

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
