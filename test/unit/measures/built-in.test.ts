import { status } from '@grpc/grpc-js';
import Long from 'long';
import { describe, expect, test } from 'vitest';
import type { SettingsOf } from '../../../src/gates/measure-input.ts';
import { judge, type Judged } from '../../../src/gates/measurement.ts';
import { timestamp } from '../../../src/clusters/proto-times.ts';
import { ledger } from '../../../src/measures/ledger.ts';
import { workflowDuration, workflowFailures } from '../../../src/measures/runs.ts';
import { ScheduleHealth } from '../../../src/measures/schedule-health.ts';
import { taskQueues } from '../../../src/measures/task-queues.ts';
import { emptyAudit } from '../../../src/schedules/audit.ts';
import { clustersOf, context, HOUR, SINCE } from './context.ts';

describe('schedule health', () => {
  const settings: SettingsOf<'schedule-health'> = {
    kind: 'schedule-health',
    relative: 0.02,
    later: 5000,
    atLeast: 10,
    sample: 200,
  };

  interface Told {
    actions?: number;
    missed?: number;
    skipped?: number;
    dropped?: number;
    buffered?: number;
    /** Of each recent start: due this many ms after the cut-over, and late by so many. */
    starts?: [dueMs: number, lateMs: number][];
  }

  /** A side with these schedules; what it was asked for is kept. */
  function side(schedules: Record<string, Told>) {
    const described: string[] = [];
    return {
      described,
      listSchedules: async () => ({ schedules: Object.keys(schedules).map((scheduleId) => ({ scheduleId })) }),
      describeSchedule: async ({ scheduleId }: { scheduleId: string }) => {
        described.push(scheduleId);
        const told = schedules[scheduleId];
        if (!told) throw notFound();
        const { actions = 0, missed = 0, skipped = 0, dropped = 0, buffered = 0, starts = [] } = told;
        return {
          info: {
            actionCount: Long.fromNumber(actions),
            missedCatchupWindow: Long.fromNumber(missed),
            overlapSkipped: Long.fromNumber(skipped),
            bufferDropped: Long.fromNumber(dropped),
            bufferSize: Long.fromNumber(buffered),
            recentActions: starts.map(([due, late]) => ({
              scheduleTime: timestamp(SINCE + due),
              actualTime: timestamp(SINCE + due + late),
            })),
          },
        };
      },
    };
  }

  const starts = (n: number, firstMs: number, lateMs: number): [number, number][] =>
    Array.from({ length: n }, (_, i) => [firstMs + i * 1000, lateMs]);
  const before = side({ a: { actions: 500, skipped: 5, starts: starts(10, -HOUR, 40) }, b: { actions: 500 } });

  async function verdict(target: object, change: Partial<typeof settings> = {}, more = {}, source: object = before) {
    const clusters = clustersOf({ cloud: source, selfhosted: target });
    return judge(await new ScheduleHealth().measure({ ...settings, ...change }, context({ clusters, ...more })), {});
  }

  const after = (told: Told): object => side({ a: { actions: 100, starts: starts(10, 1000, 50), ...told }, b: {} });

  const table: [what: string, told: Told, phase: string, message: RegExp][] = [
    ['as before', {}, 'successful', /./],
    ['a miss in a hundred is borne', { missed: 1 }, 'successful', /./],
    ['misses', { missed: 25 }, 'failed', /^0.2 > 0.02 \(figure missed\): 0 before the cut-over, up to 0.02 is borne$/],
    ['skips for overlap', { skipped: 25 }, 'failed', /^0.2 > 0.02498 \(figure overlap-skipped\): 0.004975 before/],
    ['buffer drops', { dropped: 25 }, 'failed', /^0.2 > 0.02 \(figure buffer-dropped\)/],
    [
      'starts as late as is borne',
      { starts: starts(10, 1000, 5040) },
      'successful',
      /^5040 ms <= 5040 \(figure lateness, of p95\)/,
    ],
    [
      'starts later',
      { starts: starts(10, 1000, 5041) },
      'failed',
      /^5041 ms > 5040 \(figure lateness, of p95\): 40 ms before the cut-over, up to 5040 ms/,
    ],
    ['what is buffered is no fault by itself', { buffered: 900 }, 'successful', /./],
    [
      'too few starts',
      { starts: starts(9, 1000, 50) },
      'waiting',
      /^too early to say: 9 actions of 2 schedules since the cut-over, 10 needed$/,
    ],
    [
      'starts from before the cut-over do not count',
      { starts: starts(10, -HOUR, 50) },
      'waiting',
      /0 actions of 2 schedules/,
    ],
    [
      'none was started, and all were missed',
      { actions: 0, starts: [], missed: 12 },
      'failed',
      /^1 > 0.02 \(figure missed\)/,
    ],
  ];

  test.each(table)('%s', async (_what, told, phase, message) => {
    const judged = await verdict(after(told));
    expect(judged).toMatchObject({ phase, message: expect.stringMatching(message) as string });
  });

  test('a source that has hardly run is nothing to compare with', async () => {
    const fresh = side({ a: { actions: 4 } });
    expect(await verdict(after({}), {}, {}, fresh)).toMatchObject({
      phase: 'waiting',
      message: 'too early to say: 4 actions to compare with on cloud, 10 needed',
    });
  });

  test('with conditions of the check the source is not asked', async () => {
    const source = side({});
    const clusters = clustersOf({ cloud: source, selfhosted: after({ buffered: 7 }) });
    const figure = 'buffered';
    const measured = await new ScheduleHealth().measure({ ...settings, figure }, context({ clusters, absolute: true }));
    expect(judge(measured, { success: { op: '<=', limit: 5 } })).toMatchObject({ phase: 'failed', value: 7 });
    expect(source.described).toEqual([]);
  });

  test('the source, which does nothing more, is described once', async () => {
    const source = side({ a: { actions: 500, starts: starts(10, -HOUR, 40) }, b: {} });
    const target = side({ a: { actions: 100, starts: starts(10, 1000, 50) }, b: {} });
    const clusters = clustersOf({ cloud: source, selfhosted: target });
    const health = new ScheduleHealth();
    for (let n = 0; n < 3; n++) await health.measure(settings, context({ clusters }));
    expect([source.described, target.described]).toEqual([
      ['a', 'b'],
      ['a', 'b', 'a', 'b', 'a', 'b'],
    ]);
    await health.measure(settings, context({ clusters, beforeMs: SINCE - 1 }));
    expect(source.described).toHaveLength(4);
  });

  test('schedules deleted meanwhile are left out, none at all is no value', async () => {
    const target = {
      ...side({ a: { actions: 100, starts: starts(10, 1000, 50) } }),
      listSchedules: async () => ({ schedules: [{ scheduleId: 'a' }, { scheduleId: 'gone' }] }),
    };
    expect(await verdict(target)).toMatchObject({ phase: 'successful' });
    expect(await verdict(side({}))).toMatchObject({
      phase: 'inconclusive',
      message: 'no value: the answer is empty; no schedules of it are listed on selfhosted',
    });
  });

  test('of very many some are looked at, and it says so', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`s${i}`, { actions: 10, starts: starts(5, 1000, 50) }]),
    );
    const target = side(many);
    const { message } = await verdict(target, { sample: 25 }, {}, side(many));
    expect([target.described.length, message]).toEqual([
      25,
      expect.stringMatching(/; 25 of its schedules were looked at$/),
    ]);
  });

  test('a cluster that does not answer is an error', async () => {
    const target = { ...side({ a: {} }), describeSchedule: async () => Promise.reject(new Error('connection lost')) };
    await expect(verdict(target)).rejects.toThrow('connection lost');
  });
});

function notFound(): Error {
  return Object.assign(new Error('5 NOT_FOUND'), { code: status.NOT_FOUND, details: '', metadata: {} });
}

describe('workflows', () => {
  type Counts = Partial<Record<'Completed' | 'Failed' | 'TimedOut' | 'Terminated' | 'Running', number>>;

  /** A side that has run these; what it was asked is kept. */
  function side(types: Record<string, Counts>, durationMs = 100) {
    const queries: string[] = [];
    const namesOf = (query: string): string[] => {
      const named = /WorkflowType = '([^']*)'/.exec(query)?.[1];
      return named === undefined ? Object.keys(types) : [named];
    };
    return {
      queries,
      listWorkflowExecutions: async ({ query }: { query: string }) => {
        queries.push(query);
        const executions = namesOf(query).flatMap((name) =>
          Object.entries(types[name] ?? {}).flatMap(([state, n]) =>
            Array.from({ length: n }, (_, i) => ({
              type: { name },
              status: state === 'Completed' ? 2 : 3,
              startTime: timestamp(SINCE + i),
              closeTime: state === 'Running' ? undefined : timestamp(SINCE + i + durationMs),
            })),
          ),
        );
        return { executions };
      },
      countWorkflowExecutions: async ({ query }: { query: string }) => {
        queries.push(query);
        const [name = ''] = namesOf(query);
        const groups = Object.entries(types[name] ?? {}).map(([state, n]) => ({
          groupValues: [{ data: new TextEncoder().encode(JSON.stringify(state)) }],
          count: Long.fromNumber(n),
        }));
        return { groups };
      },
    };
  }

  const failures: SettingsOf<'workflow-failures'> = { kind: 'workflow-failures', relative: 0.05, atLeast: 10 };

  async function failing(
    now: Record<string, Counts>,
    before: Record<string, Counts>,
    change: Partial<typeof failures> = {},
    more = {},
  ): Promise<Judged> {
    const clusters = clustersOf({ cloud: side(before), selfhosted: side(now) });
    const given = 'absolute' in more ? { failure: { op: '>', limit: 0.5 } as const } : {};
    return judge(await workflowFailures.measure({ ...failures, ...change }, context({ clusters, ...more })), given);
  }

  const table: [
    what: string,
    now: Record<string, Counts>,
    before: Record<string, Counts>,
    phase: string,
    message: RegExp,
  ][] = [
    [
      'as before',
      { A: { Completed: 95, Failed: 5 } },
      { A: { Completed: 95, Failed: 5 } },
      'successful',
      /^0.05 <= 0.1 \(type A\)/,
    ],
    [
      'as much worse as is borne',
      { A: { Completed: 90, Failed: 10 } },
      { A: { Completed: 95, Failed: 5 } },
      'successful',
      /^0.1 <= 0.1/,
    ],
    [
      'worse',
      { A: { Completed: 89, Failed: 11 } },
      { A: { Completed: 95, Failed: 5 } },
      'failed',
      /^0.11 > 0.1 \(type A\): 0.05 before the cut-over, up to 0.1 is borne$/,
    ],
    ['timeouts are failures', { A: { Completed: 8, TimedOut: 2 } }, { A: { Completed: 10 } }, 'failed', /^0.2 > 0.05/],
    [
      'what people ended or is open is none',
      { A: { Completed: 10, Terminated: 50, Running: 50 } },
      { A: { Completed: 10 } },
      'successful',
      /^0 <= 0.05/,
    ],
    [
      'one type of several',
      { A: { Completed: 10 }, B: { Failed: 10 } },
      { A: { Completed: 10 }, B: { Completed: 10 } },
      'failed',
      /^1 > 0.05 \(type B\)/,
    ],
    [
      'too few',
      { A: { Completed: 3 } },
      { A: { Completed: 100 } },
      'waiting',
      /^too early to say: 3 runs have ended, 10 needed$/,
    ],
    [
      'too few before',
      { A: { Completed: 50 } },
      { A: { Completed: 3 } },
      'waiting',
      /^too early to say: 3 runs to compare with before the cut-over, 10 needed$/,
    ],
    ['none', {}, { A: { Completed: 100 } }, 'waiting', /^too early to say: 0 runs have ended, 10 needed$/],
    ['a type that is new on the target', { New: { Failed: 50 } }, {}, 'waiting', /0 runs to compare with/],
    [
      'a rare type beside another',
      { A: { Completed: 10 }, B: { Failed: 2 } },
      { A: { Completed: 10 }, B: { Completed: 99 } },
      'successful',
      /^0 <= 0.05 \(type A\).*; not judged: B \(2 runs have ended, 10 needed\)$/,
    ],
    [
      'rare types are judged together',
      { A: { Completed: 10 }, B: { Failed: 5 }, C: { Failed: 5 } },
      { A: { Completed: 10 }, B: { Completed: 9 }, C: { Completed: 9 } },
      'failed',
      /^1 > 0.05 \(type 2 rare ones together\)/,
    ],
  ];

  test.each(table)('%s', async (_what, now, before, phase, message) => {
    expect(await failing(now, before)).toMatchObject({ phase, message: expect.stringMatching(message) as string });
  });

  test('conditions of the check need no baseline', async () => {
    const judged = await failing({ New: { Failed: 6, Completed: 4 } }, {}, {}, { absolute: true });
    expect(judged).toMatchObject({ phase: 'failed', message: '0.6 > 0.5 (type New)' });
  });

  test('asks for the tenant’s runs since the cut-over there, and for as long before it here', async () => {
    const [cloud, selfhosted] = [side({ A: { Completed: 10 } }), side({ A: { Completed: 10 } })];
    const clusters = clustersOf({ cloud, selfhosted });
    await workflowFailures.measure({ ...failures, type: 'A' }, context({ clusters }));
    const range = (from: string, until: string) =>
      `(TenantId = 'acme') AND StartTime >= '2026-11-28T${from}:00.000Z' AND StartTime < '2026-11-28T${until}:00.000Z' AND WorkflowType = 'A'`;
    expect(selfhosted.queries).toEqual([
      range('12:00', '12:15'),
      `${range('12:00', '12:15')} GROUP BY ExecutionStatus`,
    ]);
    expect(cloud.queries[0]).toBe(range('11:44', '11:59'));
    const own = side({});
    await workflowFailures.measure(
      { ...failures, query: 'X = 1' },
      context({ clusters: clustersOf({ selfhosted: own }), absolute: true }),
    );
    expect(own.queries[0]).toMatch(/^\(X = 1\) AND StartTime/);
    const schedulesOnly = side({});
    await workflowFailures.measure(
      failures,
      context({ clusters: clustersOf({ selfhosted: schedulesOnly }), absolute: true, workflows: null }),
    );
    expect(schedulesOnly.queries[0]).toMatch(/^\(TenantId = 'acme'\) AND StartTime/);
  });

  const duration: SettingsOf<'workflow-duration'> = {
    kind: 'workflow-duration',
    percentile: 'p95',
    relative: 0.5,
    atLeast: 10,
  };

  test.each([
    ['as long as before', 2000, 2000, 'successful', /^2000 ms <= 4000 \(type A, of p95\)/],
    ['half as long again and a second', 4000, 2000, 'successful', /^4000 ms <= 4000/],
    [
      'longer',
      4001,
      2000,
      'failed',
      /^4001 ms > 4000 \(type A, of p95\): 2000 ms before the cut-over, up to 4000 ms is borne;/,
    ],
    ['much longer, but by less than a second', 900, 10, 'successful', /./],
  ])('%s', async (_what, now, before, phase, message) => {
    const clusters = clustersOf({
      cloud: side({ A: { Completed: 10 } }, before),
      selfhosted: side({ A: { Completed: 10 }, Rare: { Completed: 2 } }, now),
    });
    const judged = judge(await workflowDuration.measure(duration, context({ clusters })), {});
    expect(judged).toMatchObject({ phase, message: expect.stringMatching(message) as string });
    expect(judged.message).toContain('not judged: Rare (2 runs have ended, 10 needed)');
  });

  test('too few completed runs are no duration', async () => {
    const clusters = clustersOf({ cloud: side({}), selfhosted: side({ A: { Completed: 9, Failed: 90 } }) });
    expect(judge(await workflowDuration.measure(duration, context({ clusters })), {})).toMatchObject({
      phase: 'waiting',
      message: 'too early to say: A (9 runs have ended, 10 needed)',
    });
  });
});

describe('task queues', () => {
  const settings: SettingsOf<'task-queues'> = { kind: 'task-queues', queues: ['orders'], older: 60_000 };

  interface Queue {
    pollers?: number;
    /** Undefined where the server does not tell. */
    backlog?: [count: number, ageSeconds: number];
  }

  function queues(workflow: Queue, activity: Queue = { backlog: [0, 0] }) {
    return {
      describeTaskQueue: async ({ taskQueueType }: { taskQueueType: number }) => {
        const { pollers = 0, backlog } = taskQueueType === 2 ? activity : workflow;
        return {
          pollers: Array.from({ length: pollers }, () => ({})),
          stats: backlog && {
            approximateBacklogCount: Long.fromNumber(backlog[0]),
            approximateBacklogAge: { seconds: Long.fromNumber(backlog[1]) },
          },
        };
      },
    };
  }

  const table: [what: string, Queue, Queue | undefined, phase: string, message: RegExp][] = [
    ['polled, and nothing waits', { pollers: 2, backlog: [0, 0] }, undefined, 'successful', /./],
    ['nobody polls', { backlog: [0, 0] }, undefined, 'failed', /^0 < 1 \(queue orders, figure pollers\)$/],
    ['as old as is borne', { pollers: 1, backlog: [5, 60] }, undefined, 'successful', /./],
    [
      'older',
      { pollers: 1, backlog: [5, 61] },
      undefined,
      'failed',
      /^61000 ms > 60000 \(queue orders, figure backlog-age, tasks workflow\)$/,
    ],
    [
      'activities that wait',
      { pollers: 1, backlog: [0, 0] },
      { backlog: [3, 300] },
      'failed',
      /^300000 ms > 60000 \(queue orders, figure backlog-age, tasks activity\)$/,
    ],
    [
      'a server that does not tell',
      { pollers: 1 },
      {},
      'successful',
      /; selfhosted does not tell the backlog of orders$/,
    ],
  ];

  test.each(table)('%s', async (_what, workflow, activity, phase, message) => {
    const clusters = clustersOf({ selfhosted: queues(workflow, activity) });
    const judged = judge(await taskQueues.measure(settings, context({ clusters })), {});
    expect(judged).toMatchObject({ phase, message: expect.stringMatching(message) as string });
  });

  test('the backlog alone, of both kinds of tasks', async () => {
    const clusters = clustersOf({ selfhosted: queues({ backlog: [7, 1] }, { backlog: [9, 1] }) });
    const { values } = await taskQueues.measure({ ...settings, figure: 'backlog' }, context({ clusters }));
    expect(values.map(({ value }) => value)).toEqual([7, 9]);
  });
});

describe('the ledger', () => {
  const said = async (audit: object, figure?: SettingsOf<'ledger'>['figure']) =>
    ledger.measure({ kind: 'ledger', figure }, context({ audit: { ...emptyAudit(), ...audit } }));

  test.each([
    ['clean', { runs: 900, explained: 3, filled: 2, maxLatenessMs: 900 }, 'successful', /^0 == 0/],
    ['a duplicate', { duplicates: 1 }, 'failed', /^1 != 0 \(figure duplicates\)$/],
    ['missed', { missed: 2 }, 'failed', /^2 != 0 \(figure missed\)$/],
    ['on the wrong side', { wrongSide: 1 }, 'failed', /^1 != 0 \(figure wrong-side\)$/],
  ])('%s', async (_what, audit, phase, message) => {
    const judged = judge(await said(audit), {});
    expect(judged).toMatchObject({ phase, message: expect.stringMatching(message) as string });
  });

  test('lateness is only told where it is asked for', async () => {
    const { values } = await said({ maxLatenessMs: 900 }, 'lateness');
    expect(values).toEqual([{ labels: { figure: 'lateness' }, value: 900, unit: 'ms' }]);
  });
});
