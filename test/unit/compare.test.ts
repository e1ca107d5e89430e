import proto from '@temporalio/proto';
import Long from 'long';
import { describe, expect, test } from 'vitest';
import { createFlags, type DescribedJson } from '../../scripts/lib/compare/cli-copy.ts';
import { differences } from '../../scripts/lib/compare/definition.ts';
import { dueByNominal, gapOf, percentile, spread } from '../../scripts/lib/compare/figures.ts';
import { writesOf } from '../../scripts/lib/compare/journal.ts';
import { later } from '../../scripts/lib/compare/measure.ts';
import type { SeenCall } from '../../scripts/lib/tls-gate.ts';

const { PatchScheduleRequest, UpdateScheduleRequest, CreateScheduleRequest } = proto.temporal.api.workflowservice.v1;

const call = (method: string, answeredMs: number, request: Uint8Array, status = '0'): SeenCall => ({
  method,
  sentMs: answeredMs - 5,
  answeredMs,
  status,
  request,
});
const patch = (change: proto.temporal.api.schedule.v1.ISchedulePatch): Uint8Array =>
  PatchScheduleRequest.encode({ scheduleId: 's', patch: change }).finish();

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const json = (value: unknown) => ({
  metadata: { encoding: base64('json/plain') },
  data: base64(JSON.stringify(value)),
});

describe('figures', () => {
  test('a percentile is a value that was measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([50, 99, 100].map((p) => percentile(hundred, p))).toEqual([50, 99, 100]);
    expect([50, 99].map((p) => percentile([7, 3], p))).toEqual([3, 7]);
    expect(percentile([], 50)).toBeUndefined();
  });

  test('the median of an even number is the mean of the middle two', () => {
    expect(spread([9, 1, 4])).toEqual({ median: 4, min: 1, max: 9 });
    expect(spread([9, 1, 4, 6])).toEqual({ median: 5, min: 1, max: 9 });
    expect(() => spread([])).toThrow('nothing');
  });

  test('a due time belongs to the latest nominal time not after it', () => {
    const dues = [103_000, 119_999, 120_000];
    expect([...dueByNominal([100, 110, 120, 130], dues)]).toEqual([
      [100, 103_000],
      [110, 119_999],
      [120, 120_000],
    ]);
  });

  test('due times before the first nominal time are not matched, two of one are refused', () => {
    expect(dueByNominal([100], [99_999]).size).toBe(0);
    expect(() => dueByNominal([100, 110], [101_000, 109_000])).toThrow('two due times');
  });
});

describe('the time without an owner', () => {
  const copied = { side: 'target', answeredMs: 500, shutFromMs: 500 } as const;

  test('a pause counts from its acknowledgement to that of the unpause', () => {
    const writes = [
      copied,
      { side: 'target', answeredMs: 1_240 },
      { side: 'source', answeredMs: 1_000, shutFromMs: 1_000 },
    ] as const;
    expect(gapOf(writes)).toBe(240);
  });

  test('a bound in time counts from the bound: nothing where the other side was open before', () => {
    const fence = { side: 'source', answeredMs: 1_000, shutFromMs: 9_000 } as const;
    expect(gapOf([copied, fence, { side: 'target', answeredMs: 1_500 }])).toBe(0);
    expect(gapOf([copied, fence, { side: 'target', answeredMs: 9_700 }])).toBe(700);
  });

  test('of several openings the last one counts, and writes to an open side are none', () => {
    const writes = [
      copied,
      { side: 'source', answeredMs: 1_000, shutFromMs: 1_000 },
      { side: 'target', answeredMs: 1_100 },
      { side: 'target', answeredMs: 1_200, shutFromMs: 1_200 },
      { side: 'target', answeredMs: 1_500 },
      { side: 'target', answeredMs: 1_900 },
      { side: 'source', answeredMs: 1_950, shutFromMs: 1_950 },
    ] as const;
    expect(gapOf(writes)).toBe(500);
  });

  test('is not known where the source was not shut before, or the target is not open', () => {
    expect(gapOf([copied, { side: 'target', answeredMs: 1_100 }])).toBeUndefined();
    expect(gapOf([copied, { side: 'source', answeredMs: 1_000, shutFromMs: 1_000 }])).toBeUndefined();
  });
});

const run = (side: string, nominal: number) => ({ side, nominal, workflowId: '', startMs: 0, closeMs: 0 });

test('a lost time counts as later only behind the first run on the target', () => {
  const runs = [run('cloud', 100), run('selfhosted', 130), run('selfhosted', 150)];
  expect(later({ missedTimes: [110, 120, 140, 160] }, runs)).toBe(2);
  expect(later({ missedTimes: [110, 120] }, [run('cloud', 100)])).toBe(0);
});

describe('the journal', () => {
  test('reads pauses, unpauses, bounds and copies off the requests', () => {
    const copy = CreateScheduleRequest.encode({ scheduleId: 's', schedule: { state: { paused: true } } }).finish();
    const bounded = { spec: { endTime: { seconds: Long.fromNumber(41), nanos: 337_790_000 } } };
    const fence = UpdateScheduleRequest.encode({ scheduleId: 's', schedule: bounded }).finish();
    // With its user's own end: open all the same.
    const ending = { spec: { endTime: { seconds: Long.fromNumber(90) } } };
    const opened = UpdateScheduleRequest.encode({ scheduleId: 's', schedule: ending }).finish();
    const source = [call('PatchSchedule', 20, patch({ pause: 'p' })), call('UpdateSchedule', 30, fence)];
    const target = [
      call('CreateSchedule', 10, copy),
      call('PatchSchedule', 40, patch({ unpause: 'u' })),
      call('UpdateSchedule', 50, opened),
    ];
    expect(writesOf(source, target).get('s')).toEqual([
      { side: 'source', answeredMs: 20, shutFromMs: 20 },
      { side: 'source', answeredMs: 30, shutFromMs: 42_000 },
      { side: 'target', answeredMs: 10, shutFromMs: 10 },
      { side: 'target', answeredMs: 40, shutFromMs: undefined },
      { side: 'target', answeredMs: 50, shutFromMs: undefined },
    ]);
  });

  test('leaves out what was refused or only read', () => {
    const refused = call('PatchSchedule', 20, patch({ pause: 'p' }), '9');
    const trigger = call('PatchSchedule', 30, patch({ triggerImmediately: {} }));
    expect(writesOf([refused, trigger, call('DescribeSchedule', 40, new Uint8Array())], []).size).toBe(0);
  });
});

describe('the definitions', () => {
  test('what was lost, added and changed is named; the count of actions left is the scheduler’s', () => {
    const wanted = new Map([
      ['schedule.spec.jitter', '"1"'],
      ['schedule.action.startWorkflow.header', '{}'],
      ['schedule.state.remainingActions', '"9"'],
    ]);
    const found = new Map([
      ['schedule.spec.jitter', '"2"'],
      ['schedule.state.notes', '"moved"'],
      ['schedule.state.remainingActions', '"3"'],
    ]);
    expect(differences(wanted, found)).toEqual(['action.header', 'spec.jitter', 'state.notes']);
    expect(differences(wanted, wanted)).toEqual([]);
  });
});

describe('the copy by command line', () => {
  test('carries what has a flag, and leaves out what cannot be an argument', () => {
    const nonce = Buffer.from([0, 255, 1]).toString('base64');
    const cipher = { metadata: { encoding: base64('binary/encrypted'), nonce }, data: 'AAE=' };
    const described: DescribedJson = {
      schedule: {
        spec: {
          interval: [{ interval: '7s', phase: '3s' }],
          structuredCalendar: [
            { second: [{ end: 59, step: 5 }], dayOfMonth: [{ start: 1, end: 31 }], hour: [{ start: 9 }] },
          ],
          timezoneName: 'Europe/Lisbon',
          jitter: '1s',
        },
        action: {
          startWorkflow: {
            workflowId: 'w',
            workflowType: { name: 't' },
            taskQueue: { name: 'q' },
            input: { payloads: [cipher] },
            memo: { fields: { open: json({ a: 1 }), secret: cipher } },
            userMetadata: { summary: json('a run') },
          },
        },
        policies: { overlapPolicy: 'SCHEDULE_OVERLAP_POLICY_BUFFER_ALL', pauseOnFailure: true },
        state: { notes: 'by ops', limitedActions: true, remainingActions: '4' },
      },
    };
    const flags = createFlags(described);
    const value = (name: string): string | undefined => flags[flags.indexOf(`--${name}`) + 1];
    expect(value('interval')).toBe('7s/3s');
    expect(JSON.parse(value('calendar') ?? '')).toEqual({ second: '0-59/5', dayOfMonth: '1-31/1', hour: '9-9/1' });
    expect(value('overlap-policy')).toBe('BufferAll');
    expect(value('input')).toBe('AAE=');
    expect(flags.filter((text) => text.startsWith('nonce'))).toEqual([]);
    expect(value('input-meta')).toBe('encoding=binary/encrypted');
    expect(value('memo')).toBe('open={"a":1}');
    expect(flags.filter((text) => text === '--memo')).toHaveLength(1);
    expect(value('static-summary')).toBe('a run');
    expect(value('remaining-actions')).toBe('4');
    expect(flags).toContain('--pause-on-failure');
    expect(flags).toContain('--paused');
  });
});
