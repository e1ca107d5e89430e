/** The small pure modules: times, due times and their runs, the choice of a boundary, and what goes over the wire. */
import Long from 'long';
import proto from '@temporalio/proto';
import { describe, expect, test } from 'vitest';
import { describedFrom } from '../../../src/clusters/described.ts';
import { startRequest } from '../../../src/clusters/start-request.ts';
import {
  type Crossing,
  QUIET_MS,
  chooseCrossing,
  mustBeIdle,
  quietBoundary,
  untilQuietMoment,
} from '../../../src/schedules/boundary.ts';
import type { Described } from '../../../src/schedules/ports.ts';
import { durationMs, isoSeconds, nominalOf, runId, toMs, toNumber } from '../../../src/schedules/times.ts';
import { isAhead, ranAs, withBounds } from '../../../src/schedules/verdicts.ts';
import { payload, rich, seconds } from './forms.ts';

const { ScheduleOverlapPolicy, WorkflowIdReusePolicy, WorkflowIdConflictPolicy } = proto.temporal.api.enums.v1;
const NOW = Date.UTC(2026, 0, 1, 12, 0, 0, 250);

const run = (nominalMs: number) => ({ workflowId: runId('s', nominalMs), dueMs: 0, startedMs: 0 });
const ahead = (ms: number) => NOW + ms;
const every = (ms: number) => Array.from({ length: 9 }, (_, i) => ahead(ms * (i + 1)));
const source = (more: Partial<Described> = {}, jitter = 0): Described => ({
  schedule: {
    spec: { jitter: seconds(jitter) },
    policies: { overlapPolicy: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL },
    state: {},
  },
  token: new Uint8Array(),
  engine: 'v1',
  futureMs: [],
  recent: [],
  running: [],
  buffered: 0,
  remaining: 0,
  ...more,
});

describe('times', () => {
  test('numbers and Longs, absent ones included', () => {
    expect([toNumber(Long.fromNumber(7)), toNumber(7), toNumber(null), toNumber(undefined)]).toEqual([7, 7, 0, 0]);
    expect([toMs({ seconds: Long.fromNumber(2), nanos: 337_790_000 }), toMs(null), toMs({})]).toEqual([
      2337,
      undefined,
      0,
    ]);
    expect([durationMs({ seconds: Long.fromNumber(2), nanos: 1_999_999 }), durationMs(null)]).toEqual([2001, 0]);
  });

  test.each<[string, number | undefined]>([
    ['orders-2026-01-01T12:00:00Z', Date.UTC(2026, 0, 1, 12)],
    ['a-2026-01-01T12:00:00Z-2026-01-01T12:00:05Z', Date.UTC(2026, 0, 1, 12, 0, 5)],
    ['orders', undefined],
    ['orders-2026-01-01T12:00:00.5Z', undefined],
    ['orders-2026-13-41T12:00:00Z', undefined],
    ['orders-2026-01-01T12:00:00Z-retry', undefined],
  ])('nominal time of %s', (id, nominal) => {
    expect(nominalOf(id)).toBe(nominal);
  });

  test('ids are the server’s: whole seconds, UTC', () => {
    expect(isoSeconds(NOW)).toBe('2026-01-01T12:00:00Z');
    expect(runId('orders', NOW)).toBe('orders-2026-01-01T12:00:00Z');
    expect(nominalOf(runId('orders', NOW))).toBe(NOW - 250);
  });
});

describe('due times and their runs', () => {
  test('each reaches back to the one before, the first to where the range starts', () => {
    expect(withBounds([1000, 2500, 3100], 400)).toEqual([
      { dueMs: 1000, afterMs: 400 },
      { dueMs: 2500, afterMs: 1000 },
      { dueMs: 3100, afterMs: 2500 },
    ]);
    expect(withBounds([1000], 1000)).toEqual([{ dueMs: 1000, afterMs: 999 }]);
    expect(withBounds([], 5)).toEqual([]);
  });

  test.each<[string, number, boolean]>([
    ['its nominal time, jittered ahead', 2000, true],
    ['the one before', 1000, false],
    ['the next', 4000, false],
  ])('%s', (_title, nominalMs, ran) => {
    const action = { ...run(nominalMs), dueMs: 3700 };
    expect(ranAs({ dueMs: 3700, afterMs: 1900 }, [action]) !== undefined).toBe(ran);
  });

  test('without jitter the nominal time is the due time', () => {
    expect(ranAs({ dueMs: 3000, afterMs: 1900 }, [run(3000)])).toBeDefined();
  });

  test('a run triggered by hand in between is another one', () => {
    const byHand = { ...run(3000), dueMs: 3_210 };
    expect(ranAs({ dueMs: 3700, afterMs: 1900 }, [byHand])).toBeUndefined();
  });

  test('runs nobody can place are not taken for it', () => {
    expect(
      ranAs({ dueMs: 3700, afterMs: 0 }, [{ workflowId: 's-by-hand', dueMs: 3700, startedMs: 3700 }]),
    ).toBeUndefined();
  });

  test('ahead is what the scheduler lists', () => {
    expect([isAhead({ dueMs: 5, afterMs: 0 }, [5, 9]), isAhead({ dueMs: 6, afterMs: 0 }, [5, 9])]).toEqual([
      true,
      false,
    ]);
  });
});

describe('when to cross', () => {
  const skip: Partial<Described> = { schedule: { spec: {}, policies: {}, state: {} } };

  const quiet: Crossing = { kind: 'quiet' };
  const openRun: Crossing = { kind: 'open-run' };
  const fence: Crossing = { kind: 'fence', boundary: NOW + 4750 };
  const lull = (ms: number): Crossing => ({ kind: 'lull', fromMs: ahead(ms) });

  test.each<[string, Described, Crossing]>([
    ['nothing due ever again', source(), quiet],
    ['nothing due for long', source({ futureMs: [ahead(QUIET_MS + 1)] }), quiet],
    ['paused, whatever is listed', source({ schedule: { state: { paused: true } }, futureMs: [ahead(10)] }), quiet],
    ['begun, with its jitter far ahead', source({ futureMs: [ahead(QUIET_MS + 1)] }, 3600), quiet],
    ['something buffered', source({ buffered: 1 }), openRun],
    ['an open run that its policy looks at', source({ ...skip, running: ['r'] }), openRun],
    [
      'the same, with the next time near',
      source({ ...skip, running: ['r'], futureMs: [ahead(9_750)] }),
      {
        kind: 'fence',
        boundary: NOW + 9_750,
      },
    ],
    ['an open run that its policy does not look at', source({ running: ['r'] }), quiet],
    [
      'busy: right before the first due time behind the lead',
      source({ futureMs: [ahead(750), ahead(4750), ahead(8750)] }),
      fence,
    ],
    ['a lull too far off is not waited for', source({ futureMs: [ahead(750), ahead(90_750)] }), fence],
    ['with jitter as soon as may be', source({ futureMs: [ahead(1), ahead(9_000)] }, 3), fence],
    ['a long jitter waits for a lull', source({ futureMs: [ahead(1), ahead(9_000), ahead(40_000)] }, 60), lull(11_000)],
    ['or is fenced where there is none soon', source({ futureMs: [ahead(1), ...every(9_000)] }, 60), fence],
  ])('%s', (_title, described, crossing) => {
    expect(chooseCrossing(described, NOW, 4_000)).toEqual(crossing);
  });

  test('a boundary is a whole second', () => {
    const busy = { futureMs: [ahead(1)] };
    for (let ms = 0; ms < 1000; ms += 37) {
      const crossing = chooseCrossing(source(busy), NOW + ms, 4_000);
      expect(crossing.kind === 'fence' && crossing.boundary % 1000).toBe(0);
      expect(quietBoundary(source(), NOW + ms, undefined) % 1000).toBe(0);
    }
  });

  test.each<[string, number, number | undefined, number]>([
    ['nothing can have begun', 0, undefined, 750],
    ['from the jitter on', 60, undefined, -60_250],
    ['after the last that was due', 60, ahead(-10_000), -9_250],
    ['but not longer ago than the jitter', 60, ahead(-100_000), -60_250],
  ])('quiet boundary: %s', (_title, jitter, dueBefore, after) => {
    expect(quietBoundary(source({}, jitter), NOW, dueBefore)).toBe(NOW + after);
  });

  test.each<[string, Described, boolean]>([
    ['may overlap', source(), false],
    ['skips by default', source(skip), true],
    ['counts its actions', source({ schedule: { ...source().schedule, state: { limitedActions: true } } }), true],
  ])('idle first: %s', (_title, described, idle) => {
    expect(mustBeIdle(described)).toBe(idle);
  });

  test.each<[string, Partial<Described>, number]>([
    ['V1 looks at them again', { futureMs: [ahead(1)] }, 0],
    ['nothing ahead', { engine: 'v2' }, 0],
    ['far enough', { engine: 'v2', futureMs: [ahead(251)] }, 0],
    ['just ahead', { engine: 'v2', futureMs: [ahead(100)] }, 350],
    ['overdue', { engine: 'v2', futureMs: [ahead(-5_000)] }, 250],
  ])('quiet moment: %s', (_title, more, wait) => {
    expect(untilQuietMoment(source(more), { earliest: NOW, latest: NOW })).toBe(wait);
  });
});

describe('the start of one nominal time', () => {
  const request = startRequest('ns', 'sched', rich(), NOW, 1_250);

  test('is the one the scheduler would have made, refused where it has run', () => {
    const action = rich().action?.startWorkflow;
    expect(request).toMatchObject({
      namespace: 'ns',
      workflowId: 'orders-2026-01-01T12:00:00Z',
      workflowType: action?.workflowType,
      taskQueue: action?.taskQueue,
      workflowRunTimeout: action?.workflowRunTimeout,
      retryPolicy: action?.retryPolicy,
      priority: action?.priority,
      workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
      workflowStartDelay: { seconds: Long.fromNumber(1), nanos: 250_000_000 },
    });
  });

  test('payloads are carried as bytes', () => {
    expect(request.input).toEqual(rich().action?.startWorkflow?.input);
    expect(request.header).toEqual(rich().action?.startWorkflow?.header);
    expect(request.memo).toEqual(rich().action?.startWorkflow?.memo);
    expect(request.userMetadata).toEqual(rich().action?.startWorkflow?.userMetadata);
  });

  test('it is found as the schedule’s, next to the user’s attributes', () => {
    const fields = request.searchAttributes?.indexedFields ?? {};
    expect(fields['Region']).toEqual(payload('eu'));
    expect(String(fields['TemporalScheduledStartTime']?.data)).toBe('"2026-01-01T12:00:00Z"');
    expect(String(fields['TemporalScheduledById']?.data)).toBe('"sched"');
  });

  test('due now, it is not delayed; without an action it is refused', () => {
    expect(startRequest('ns', 'sched', rich(), NOW, 0).workflowStartDelay).toBeUndefined();
    expect(() => startRequest('ns', 'sched', {}, NOW, 0)).toThrow('sched starts no workflow');
  });
});

describe('what a cluster says of a schedule', () => {
  test.each<[string, number[], 'v1' | 'v2']>([
    ['V1, first token', new Long(1).toBytesBE(), 'v1'],
    ['V1, a busy one', new Long(70_000).toBytesBE(), 'v1'],
    ['V2, first token', new Long(1).toBytesLE(), 'v2'],
    ['V2, a busy one', new Long(70_001).toBytesLE(), 'v2'],
    ['none', [], 'v1'],
  ])('%s', (_title, token, engine) => {
    expect(describedFrom({ conflictToken: Uint8Array.from(token) }).engine).toBe(engine);
  });

  test('times in milliseconds, counts as numbers, nothing where there is nothing', () => {
    const described = describedFrom({
      schedule: { state: { remainingActions: Long.fromNumber(3) } },
      info: {
        updateTime: { seconds: Long.fromNumber(9), nanos: 5_000_000 },
        futureActionTimes: [seconds(10), seconds(20)],
        recentActions: [{ scheduleTime: seconds(1), actualTime: seconds(2), startWorkflowResult: { workflowId: 'w' } }],
        runningWorkflows: [{ workflowId: 'w' }],
        bufferSize: Long.fromNumber(-1),
      },
    });
    expect(described).toMatchObject({
      updatedMs: 9005,
      futureMs: [10_000, 20_000],
      recent: [{ workflowId: 'w', dueMs: 1000, startedMs: 2000 }],
      running: ['w'],
      buffered: 0,
      remaining: 3,
    });
    expect(describedFrom({})).toMatchObject({ schedule: {}, futureMs: [], recent: [], running: [], remaining: 0 });
    expect(describedFrom({}).updatedMs).toBeUndefined();
  });
});
