/** Cases that were wrong once, as small as they shrank; and what users do that the generated cases leave out. */
import { describe, expect, test } from 'vitest';
import { chooseCrossing } from '../../../src/schedules/boundary.ts';
import { editedBy } from '../../../src/schedules/carry.ts';
import { fingerprint } from '../../../src/schedules/canonical.ts';
import type { Described, ScheduleCluster } from '../../../src/schedules/ports.ts';
import type { Case } from '../../simulator/case.ts';
import { judge } from '../../simulator/judge.ts';
import { ID, Play, type Sides } from '../../simulator/play.ts';
import { payload, plain, seconds } from './forms.ts';

const CASES: [what: string, it: Case][] = [
  [
    'a fence in front of a lull, called off and turned round at once: the lull is not waited out by nobody',
    {
      seed: 364592264,
      engines: ['v1', 'v1'],
      spec: {
        intervals: [
          {
            every: 20,
            phase: 1,
          },
        ],
        jitterMs: 0,
      },
      policy: 'ALLOW_ALL',
      runMs: 0,
      failsOneIn: 0,
      pauseOnFailure: true,
      cancelMs: 1000,
      skewMs: [1759, -1332],
      applyMs: 50,
      startMs: 30,
      consistentReads: true,
      attempts: [
        {
          forward: false,
          faults: [],
          thenWaitMs: 6687,
        },
        {
          forward: true,
          faults: [
            {
              call: 8,
              kind: 'crash-before',
              ms: 0,
            },
          ],
          thenWaitMs: 0,
        },
        {
          forward: false,
          faults: [],
          thenWaitMs: 0,
        },
        {
          forward: true,
          faults: [],
          thenWaitMs: 0,
        },
      ],
    },
  ],
  [
    'the same, with excluded times',
    {
      seed: 1976972768,
      engines: ['v1', 'v1'],
      spec: {
        intervals: [
          {
            every: 12,
            phase: 1,
          },
        ],
        exclude: [38, 53],
        jitterMs: 0,
      },
      policy: 'ALLOW_ALL',
      runMs: 0,
      failsOneIn: 0,
      pauseOnFailure: true,
      cancelMs: 6000,
      skewMs: [175, -1019],
      applyMs: 50,
      startMs: 30,
      consistentReads: true,
      attempts: [
        {
          forward: true,
          faults: [],
          thenWaitMs: 10999,
        },
        {
          forward: false,
          faults: [
            {
              call: 7,
              kind: 'crash-after',
              ms: 0,
            },
          ],
          thenWaitMs: 0,
        },
        {
          forward: true,
          faults: [],
          thenWaitMs: 0,
        },
        {
          forward: false,
          faults: [],
          thenWaitMs: 0,
        },
      ],
    },
  ],
  [
    'a limited schedule started ahead of its time by a clock that is behind',
    {
      seed: 2084279502,
      engines: ['v1', 'v2'],
      spec: {
        intervals: [
          {
            every: 11,
            phase: 1,
          },
        ],
        jitterMs: 7699,
      },
      policy: 'ALLOW_ALL',
      runMs: 0,
      failsOneIn: 0,
      pauseOnFailure: false,
      cancelMs: 6000,
      limit: 18,
      skewMs: [1093, -1447],
      applyMs: 50,
      startMs: 30,
      consistentReads: true,
      attempts: [
        {
          forward: true,
          faults: [],
          thenWaitMs: 0,
        },
        {
          forward: false,
          faults: [],
          thenWaitMs: 0,
        },
      ],
    },
  ],
];

test.each(CASES)('%s', async (_what, it) => {
  expect((await judge(it)).wrong).toEqual([]);
});

/** A cluster on which something else happens right after an update. */
function after(cluster: ScheduleCluster, then: (paused: boolean) => Promise<void>): ScheduleCluster {
  const update: ScheduleCluster['update'] = async (id, schedule, ...rest) => {
    const answer = await cluster.update(id, schedule, ...rest);
    await then(Boolean(schedule.state?.paused));
    return answer;
  };
  return new Proxy(cluster, {
    get: (of, name) => {
      const value: unknown = name === 'update' ? update : Reflect.get(of, name);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}

describe('users', () => {
  test('who delete the schedule on the source behind the opening of the target have deleted it', async () => {
    let deleted = false;
    const mutant = ({ source, target }: Sides): Sides => ({
      source,
      target: after(target, async (paused) => {
        if (paused || deleted) return;
        deleted = true;
        await source.delete(ID);
      }),
    });
    const play = new Play(plain, { mutant: () => mutant });
    await play.run();
    expect(deleted).toBe(true);
    expect([play.a.schedule(ID), play.b.schedule(ID)]).toEqual([undefined, undefined]);
  });
});

test('search attributes that a user edits on the fenced source are carried over', () => {
  const attributes = (region: string) => ({ indexedFields: { Region: payload(region) } });
  const described = (region: string, notes: string): Described =>
    ({
      schedule: { spec: {}, state: { notes } },
      searchAttributes: attributes(region),
      updatedMs: 1,
    }) as unknown as Described;
  const is = fingerprint({ spec: {} }, attributes('eu'));
  const note = `[ferry fence to=b b=2026-01-01T00:00:27Z is=${is} migration=m] Runs here until b, then on b.`;
  const [fenced, open] = [described('us', note), described('eu', 'nightly')];
  expect(editedBy(fenced, open, open)).toMatchObject({ by: 'source', searchAttributes: attributes('us') });
  expect(editedBy(described('eu', note), described('us', 'nightly'), open)).toEqual({ by: 'target' });
  expect(editedBy(described('eu', note), open, open)).toEqual({ by: 'nobody' });
  expect(editedBy(fenced, described('asia', 'nightly'), open)).toMatchObject({ by: 'both' });
});

test.each([
  ['behind the tenth of ten nobody knows of a lull', 10, 'fence'],
  ['a list that ends early is the whole of it', 4, 'lull'],
])('%s', (_what, length, kind) => {
  const now = Date.UTC(2026, 0, 1);
  const schedule = { spec: { jitter: seconds(30) } };
  const futureMs = Array.from({ length }, (_, i) => now + 3_000 * (i + 1));
  const source = { schedule, futureMs, engine: 'v1', buffered: 0, running: [] } as unknown as Described;
  expect(chooseCrossing(source, now, 4_000).kind).toBe(kind);
});
