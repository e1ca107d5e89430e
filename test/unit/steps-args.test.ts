import { ApplicationFailure, type Client, WorkflowFailedError } from '@temporalio/client';
import { expect, test } from 'vitest';
import { readArguments } from '../../src/cli/args.ts';
import { read, singleStep } from '../../src/cli/steps.ts';
import type { CopyReport } from '../../src/workflows/copy-schedules.ts';
import type { PauseReport, UnpauseReport } from '../../src/workflows/pause-schedules.ts';
import { readCrossingStep, readPauseInput, readUnpauseInput } from '../../src/workflows/step-input.ts';
import type { VerifyReport } from '../../src/workflows/verify-schedules.ts';

test.each(['copy', 'verify'] as const)('ferry %s: defaults, the other direction, an id for each', (step) => {
  const plain = readArguments([step, 'acme']);
  expect(plain).toEqual({
    do: 'step',
    step,
    tenant: 'acme',
    input: { tenant: 'acme' },
    workflowId: `${step}/acme/selfhosted`,
    json: false,
  });
  const back = ['acme', '--from', 'selfhosted', '--to', 'cloud', '--prefix', 'a-', '--page-size', '20', '--json'];
  expect(readArguments([step, ...back])).toEqual({
    do: 'step',
    step,
    tenant: 'acme',
    input: { tenant: 'acme', from: 'selfhosted', to: 'cloud', schedules: { prefix: 'a-' }, pageSize: 20 },
    workflowId: `${step}/acme/cloud`,
    json: true,
  });
  expect(readArguments([step, 'acme', '--workflow-id', 'mine'])).toMatchObject({ workflowId: 'mine' });
});

test.each(['pause-schedules', 'unpause-schedules'] as const)('ferry %s names its cluster', (step) => {
  expect(readArguments([step, 'acme', '--cluster', 'cloud'])).toEqual({
    do: 'step',
    step,
    tenant: 'acme',
    input: { tenant: 'acme', cluster: 'cloud' },
    workflowId: `${step}/acme/cloud`,
    json: false,
  });
  expect(() => readArguments([step, 'acme'])).toThrow(/cluster: found nothing.*such as "cloud"/);
  expect(() => readArguments([step, 'acme', '--cluster', 'cloud', '--other', 'cloud'])).toThrow(/name another profile/);
  expect(() => readArguments([step, 'acme', '--cluster', 'cloud', '--to', 'x'])).toThrow(/--to is no option/);
});

test('the other cluster goes without saying beside cloud and selfhosted; beside another it is needed to unpause', () => {
  expect(readPauseInput([{ tenant: 'acme', cluster: 'cloud' }])).toMatchObject({ other: 'selfhosted', pageSize: 100 });
  expect(readUnpauseInput([{ tenant: 'acme', cluster: 'selfhosted' }])).toMatchObject({ other: 'cloud' });
  expect(readUnpauseInput([{ tenant: 'acme', cluster: 'third', other: 'cloud' }])).toMatchObject({ other: 'cloud' });
  expect(readPauseInput([{ tenant: 'acme', cluster: 'third' }])).toMatchObject({ other: null });
  expect(() => readUnpauseInput([{ tenant: 'acme', cluster: 'third' }])).toThrow(
    /The input of UnpauseSchedules has a problem:\n- other: found nothing, beside a `cluster`/,
  );
});

test('every problem of an input is named at once, and what a field takes', () => {
  expect(() => readPauseInput([{ cluster: 'cl oud', pageSize: 0, form: 1 }])).toThrow(
    /has 4 problems:\n- form: [^]*- tenant: found nothing[^]*such as "acme"[^]*- pageSize: found the number 0[^]*- cluster: found "cl oud"/,
  );
  expect(() => readCrossingStep('CopySchedules', [{ tenant: 'acme', from: 'x', to: 'x' }])).toThrow(
    /The input of CopySchedules.*\n- to: .*name two different profiles/,
  );
  expect(() => readCrossingStep('VerifySchedules', ['acme'])).toThrow(/write \{"tenant": "acme"\}/);
  expect(() => readCrossingStep('CopySchedules', [{ tenant: 'acme' }, {}])).toThrow(/found 2 arguments/);
  expect(() => readCrossingStep('CopySchedules', [{ tenant: "'acme'" }])).toThrow(/schedules: found nothing/);
});

const common = { tenant: 'acme', seen: 4, pages: 1, notes: [], startedAt: '', updatedAt: '', done: true };
const none = { refused: 0, byCode: {}, reasons: [] };

test('what a person reads, and whether it is as wished', () => {
  const copy: CopyReport = {
    ...common,
    ...none,
    from: 'cloud',
    to: 'selfhosted',
    created: 2,
    updated: 1,
    unchanged: 1,
    elsewhere: 0,
  };
  expect(read('copy', copy)).toMatchObject({
    asWished: true,
    text: 'acme: 4 schedules on cloud, their paused copies on selfhosted\n  made 2, updated 1, in line 1',
  });
  expect(read('copy', { ...copy, elsewhere: 1 })).toMatchObject({
    asWished: false,
    text: expect.stringMatching(/in line 0\n {2}not cloud's to copy 1/),
  });

  const verify: VerifyReport = {
    ...common,
    from: 'cloud',
    to: 'selfhosted',
    counts: { matching: 1, different: 1, missing: 2, extra: 0 },
    different: [{ schedule: 'a', fields: ['spec.jitter'] }],
    missing: ['b'],
    extra: [],
  };
  expect(read('verify', verify).asWished).toBe(false);
  expect(read('verify', verify).text.split('\n').slice(1)).toEqual([
    '  matching 1, different 1, missing 2, extra 0',
    '    a differs: spec.jitter',
    '    b is not on selfhosted',
    '    and 1 more',
  ]);
  const equal = { matching: 4, different: 0, missing: 0, extra: 0 };
  expect(read('verify', { ...verify, counts: equal, different: [], missing: [] }).asWished).toBe(true);
  for (const wrong of ['different', 'missing', 'extra']) {
    expect(read('verify', { ...verify, counts: { ...equal, [wrong]: 1 } }).asWished).toBe(false);
  }

  const pause: PauseReport = {
    ...common,
    ...none,
    cluster: 'cloud',
    paused: 2,
    already: 1,
    userPaused: 1,
    standby: 0,
    gone: 0,
  };
  expect(read('pause-schedules', pause)).toMatchObject({
    asWished: true,
    text: expect.stringMatching(/paused 2, paused by ferry before 1\n {2}paused by their users 1: left so/),
  });
  const refused = {
    refused: 2,
    byCode: { 'user-paused': 2 } as const,
    reasons: [{ object: 'schedule x', code: 'user-paused' as const, found: 'it is', remedy: 'do' }],
  };
  const unpause: UnpauseReport = {
    ...common,
    ...refused,
    cluster: 'cloud',
    other: 'selfhosted',
    unpaused: 1,
    running: 1,
    gone: 0,
  };
  expect(read('unpause-schedules', unpause)).toMatchObject({
    asWished: false,
    text: expect.stringMatching(
      /left for you 2 \(2 user-paused\):\n {4}schedule x, user-paused: it is; do\n {4}and 1 more$/,
    ),
  });
  expect(read('unpause-schedules', { ...unpause, ...none, seen: 0 }).text).toMatch(/No schedule was found/);
});

test('the command starts its workflow, waits for it, and says by its exit code whether it is as wished', async () => {
  const asked = readArguments(['pause-schedules', 'acme', '--cluster', 'cloud']);
  if (asked.do !== 'step') throw new Error(asked.do);
  const report: PauseReport = {
    ...common,
    ...none,
    cluster: 'cloud',
    paused: 4,
    already: 0,
    userPaused: 0,
    standby: 0,
    gone: 0,
  };
  const run = async (result: () => Promise<PauseReport>, json = false) => {
    const [out, err, started]: [string[], string[], unknown[]] = [[], [], []];
    const start = async (...args: unknown[]) => {
      started.push(...args);
      return { result };
    };
    const client = { workflow: { start } } as unknown as Client;
    const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
    const code = await singleStep(client, 'ferry', { ...asked, json }, io);
    return { code, out, err, started };
  };
  const done = await run(async () => report);
  expect(done).toMatchObject({ code: 0, err: ['pause-schedules/acme/cloud runs; waiting for what it does.'] });
  expect(done.out[0]).toMatch(/^acme: 4 schedules on cloud/);
  expect(done.started).toEqual([
    'PauseSchedules',
    expect.objectContaining({
      workflowId: 'pause-schedules/acme/cloud',
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: 'ferry',
      args: [{ tenant: 'acme', cluster: 'cloud' }],
    }),
  ]);
  const json = await run(async () => ({ ...report, refused: 1 }), true);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out[0] ?? '')).toMatchObject({ paused: 4, refused: 1 });
  // A misspelt tenant.
  expect((await run(async () => ({ ...report, seen: 0 }))).code).toBe(1);
  const cause = ApplicationFailure.nonRetryable('acme is held by migration m', 'TenantLocked');
  const failed = run(async () => {
    throw new WorkflowFailedError('failed', cause, 'NON_RETRYABLE_FAILURE');
  });
  await expect(failed).rejects.toMatchObject({ code: 1, message: 'acme is held by migration m' });
});
