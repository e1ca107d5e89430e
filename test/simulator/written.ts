/** The schedule a case's user wrote. */
import Long from 'long';
import type { Schedule } from '../../src/schedules/times.ts';
import { Policy } from './buffer.ts';
import type { Case } from './case.ts';

export const NOTE = 'nightly, ask Ada';
export const ACTION_ID = 's-run';

export function written(it: Case, startMs: number): Schedule {
  const { intervals, calendar, exclude, jitterMs, endsInMs, startsInMs } = it.spec;
  const everyMinute = [{ start: 0, end: 59, step: 1 }];
  const rest = {
    minute: everyMinute,
    hour: [{ start: 0, end: 23, step: 1 }],
    dayOfMonth: [{ start: 1, end: 31, step: 1 }],
    month: [{ start: 1, end: 12, step: 1 }],
    dayOfWeek: [{ start: 0, end: 6, step: 1 }],
  };
  const spec = {
    interval: intervals.map(({ every, phase }) => ({ interval: seconds(every), phase: seconds(phase) })),
    structuredCalendar: calendar && [{ second: calendar.map((start) => ({ start, end: start, step: 1 })), ...rest }],
    excludeStructuredCalendar: exclude && [{ second: [{ start: exclude[0], end: exclude[1], step: 1 }], ...rest }],
    jitter: millis(jitterMs),
    startTime: startsInMs === undefined ? undefined : millis(startMs + Math.floor(startsInMs / 1000) * 1000),
    endTime: endsInMs === undefined ? undefined : millis(startMs + Math.floor(endsInMs / 1000) * 1000),
  };
  const action = { startWorkflow: { workflowId: ACTION_ID, workflowType: { name: 'w' }, taskQueue: { name: 'q' } } };
  const policies = {
    overlapPolicy: Policy[`SCHEDULE_OVERLAP_POLICY_${it.policy}`],
    catchupWindow: seconds(365 * 86_400),
    pauseOnFailure: it.pauseOnFailure,
  };
  const limited = it.limit === undefined ? {} : { limitedActions: true, remainingActions: Long.fromNumber(it.limit) };
  return { spec, action, policies, state: { notes: NOTE, ...limited } };
}

export function seconds(n: number) {
  return { seconds: Long.fromNumber(n), nanos: 0 };
}

export function millis(ms: number) {
  return { seconds: Long.fromNumber(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}
