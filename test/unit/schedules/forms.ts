/** A schedule with something in every corner, and short ways to write its times. */
import Long from 'long';
import proto from '@temporalio/proto';
import type { Schedule, Timestamp } from '../../../src/schedules/times.ts';
import type { Case } from '../../simulator/case.ts';

export function seconds(n: number): Timestamp {
  return { seconds: Long.fromNumber(n), nanos: 0 };
}

export function payload(text: string) {
  return { metadata: { encoding: Buffer.from('binary/encrypted') }, data: Buffer.from(text) };
}

export function rich(): Schedule {
  const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;
  return {
    spec: {
      interval: [{ interval: seconds(60), phase: seconds(5) }],
      jitter: { seconds: Long.fromNumber(2), nanos: 500_000_000 },
      timezoneName: 'Europe/Oslo',
      timezoneData: Buffer.from([1, 2, 3]),
      excludeStructuredCalendar: [{ hour: [{ start: 3, end: 4, step: 1 }] }],
    },
    action: {
      startWorkflow: {
        workflowId: 'orders',
        workflowType: { name: 'Orders' },
        taskQueue: { name: 'q' },
        input: { payloads: [payload('secret one')] },
        header: { fields: { trace: payload('abc') } },
        memo: { fields: { m: payload('m') } },
        searchAttributes: { indexedFields: { Region: payload('eu') } },
        retryPolicy: { maximumAttempts: 3 },
        workflowRunTimeout: seconds(30),
        userMetadata: { summary: payload('what it does') },
        priority: { priorityKey: 2 },
      },
    },
    policies: {
      overlapPolicy: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
      catchupWindow: { seconds: Long.fromNumber(3600), nanos: 1 },
      pauseOnFailure: true,
    },
    state: { notes: 'ask Ada\nbefore noon', limitedActions: true, remainingActions: Long.fromNumber(7) },
  };
}

/** Nothing befalls it. */
export const plain: Case = {
  seed: 7,
  engines: ['v1', 'v2'],
  spec: { intervals: [{ every: 3, phase: 1 }], jitterMs: 0 },
  policy: 'ALLOW_ALL',
  runMs: 0,
  failsOneIn: 0,
  pauseOnFailure: false,
  cancelMs: 50,
  skewMs: [0, 0],
  applyMs: 50,
  startMs: 30,
  consistentReads: true,
  attempts: [{ forward: true, faults: [], thenWaitMs: 0 }],
};
