import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, readArguments, type Steer } from '../../../src/cli/args.ts';
import { status, steer, type World } from '../../../src/cli/commands.ts';
import type { Control, Found } from '../../../src/cli/control.ts';
import { CliError, EXIT } from '../../../src/cli/exit.ts';
import { rollout } from '../../../src/cli/rollout.ts';
import type { RolloutEnding, Rollouts } from '../../../src/cli/rollouts.ts';
import { readRolloutInput } from '../../../src/workflows/rollout/input.ts';
import { memoOf, type Overview, overviewOf, type RolloutResult } from '../../../src/workflows/rollout/overview.ts';
import { began, newState, seen, started, surveyed } from '../../../src/workflows/rollout/state.ts';

const AT = '2026-11-28T08:00:00.000Z';
const LATER = '2026-11-28T08:10:00.000Z';
const settings = readRolloutInput([{ waves: [{ name: 'eu', tenants: ['acme', 'globex'] }] }]);
const waves = [
  [
    { tenant: 'acme', is: 'waiting' as const },
    { tenant: 'globex', is: 'waiting' as const },
  ],
];
const running = started(began(surveyed(newState(AT), { waves, searchAttributes: false })), ['acme'], AT);
const baking = seen(running, [{ tenant: 'acme', phase: 'baking', waits: null }]);
const stopped = seen(running, [{ tenant: 'acme', end: { outcome: 'rolled-back', why: 'p95 doubled', at: LATER } }]);
const shown = (state: typeof running): Overview => overviewOf(state, settings, LATER);

const result = (more: Partial<RolloutResult> = {}): RolloutResult => ({
  outcome: 'completed',
  from: 'cloud',
  to: 'selfhosted',
  total: 2,
  tenants: { done: 2 },
  waves: [{ name: 'eu', total: 2, tenants: { done: 2 } }],
  except: [],
  accepted: [],
  notes: [],
  startedAt: AT,
  finishedAt: LATER,
  ...more,
});

interface Script {
  found?: Partial<Found>;
  looks?: (Overview | undefined)[];
  ending?: RolloutEnding;
  start?: Awaited<ReturnType<Rollouts['start']>>;
  update?: Awaited<ReturnType<Rollouts['update']>>;
}

const ID = 'rollout/2026-11';

function fake({ found, looks = [], ending, start = { runId: 'r1' }, update = { answer: 'done' } }: Script) {
  const [out, err, sent]: [string[], string[], string[]] = [[], [], []];
  const waiting = [...looks];
  const none = (): never => {
    throw new Error('No migration is meant here');
  };
  const control: Control = {
    find: async (workflowId) => {
      if (workflowId !== ID) return undefined;
      const state = looks.length > 0 && waiting.length === 0 ? 'COMPLETED' : 'RUNNING';
      return { workflowId, runId: 'r1', type: 'RolloutTenants', status: state, since: AT, memo: undefined, ...found };
    },
    record: async () => undefined,
    start: none,
    input: none,
    progress: none,
    ending: none,
    setRoute: none,
    setDrained: none,
    update: none,
    signal: none,
  };
  const rollouts: Rollouts = {
    start: async (input, workflowId) => {
      sent.push(`start ${workflowId} ${JSON.stringify(input)}`);
      return start;
    },
    overview: async () => waiting.shift(),
    ending: async () => ending ?? { kind: 'result', result: result() },
    update: async (_id, command, argument) => {
      sent.push(`update ${command} ${JSON.stringify(argument)}`);
      return update;
    },
    signal: async (_id, command, argument) => void sent.push(`signal ${command} ${JSON.stringify(argument)}`),
  };
  const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
  const world: World = { control, rollouts, io, pause: async () => undefined };
  return { world, out, err, sent };
}

describe('the command line', () => {
  const accepted: [string, Asked][] = [
    [
      'rollout 2026-11 --wave canary=acme --wave eu=globex,initech',
      {
        do: 'rollout',
        input: {
          waves: [
            { name: 'canary', tenants: ['acme'] },
            { name: 'eu', tenants: ['globex', 'initech'] },
          ],
        },
        workflowId: ID,
        wait: false,
        json: false,
      },
    ],
    [
      'rollout x --file w.json --wait --json --workflow-id y',
      { do: 'rollout', input: { file: 'w.json' }, workflowId: 'y', wait: true, json: true },
    ],
    [
      'rollback 2026-11 --scope all --reason p95',
      { do: 'steer', command: 'rollback', subject: '2026-11', reason: 'p95', scope: 'all' },
    ],
    ['proceed 2026-11 --retry', { do: 'steer', command: 'proceed', subject: '2026-11', retry: true }],
    ['skip 2026-11 acme', { do: 'steer', command: 'skip', subject: '2026-11', tenant: 'acme' }],
    ['skip --help', { do: 'help', topic: 'skip' }],
  ];
  test.each(accepted)('ferry %s', (line, asked) => {
    expect(readArguments(line.split(' '))).toEqual(asked);
  });

  test('a query, settings of every migration, and how many at a time', () => {
    const words = [
      'rollout',
      'x',
      '--wave',
      'rest=query: TenantId IS NOT NULL',
      '--bake',
      '2h',
      '--concurrency',
      '5',
      '--prefix',
      '{tenant}-',
    ];
    expect(readArguments([...words, '--approval', 'manual', '--from', 'a', '--to', 'b'])).toMatchObject({
      input: {
        waves: [{ name: 'rest', tenants: { query: 'TenantId IS NOT NULL' }, concurrency: 5 }],
        defaults: { bake: '2h', schedules: { prefix: '{tenant}-' } },
        approval: 'manual',
        from: 'a',
        to: 'b',
      },
    });
  });

  const bad: [string, RegExp][] = [
    ['rollout', /came without a name/],
    ['rollout x', /came without waves; name them: --wave canary=acme/],
    ['rollout x --wave acme', /--wave is "acme"; it takes a name and tenants/],
    ['rollout x --wave eu=acme --file f', /--file came with --wave; write that into the file/],
    ['rollout x --wave eu=acme,acme', /waves\[0\]\.tenants\[1\]: found "acme", as in/],
    ['rollout x --wave eu=acme --concurrency many', /waves\[0\]\.concurrency: found "many"/],
    ['rollback x --scope some', /--scope is "some"; it takes wave or all/],
    ['skip x', /takes two names: a rollout and a tenant/],
    ['migrate acme --bake 1h --bake 2h', /--bake is given twice/],
  ];
  test.each(bad)('ferry %s is refused', (line, message) => {
    expect(() => readArguments(line.split(' '))).toThrow(message);
  });
});

describe('ferry rollout', () => {
  const asked = (more: object = {}) => ({
    do: 'rollout' as const,
    input: { waves: [{ name: 'eu', tenants: ['acme', 'globex'] }] },
    workflowId: ID,
    wait: true,
    json: false,
    ...more,
  });
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'rollout-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  test('starts it and says how to follow it', async () => {
    const { world, out, sent } = fake({});
    expect(await rollout(world, asked({ wait: false }))).toBe(EXIT.ok);
    expect(sent).toEqual([`start ${ID} {"waves":[{"name":"eu","tenants":["acme","globex"]}]}`]);
    expect(out).toEqual([`Started ${ID}. Follow it: ferry status ${ID} --watch`]);
  });

  test('follows it to its end, a line a change', async () => {
    const { world, out, err } = fake({
      looks: [shown(running), shown(running), undefined, shown(baking), shown(stopped)],
    });
    expect(await rollout(world, asked())).toBe(EXIT.ok);
    expect(out.slice(0, 2)).toEqual([
      'rolling-out · wave 1 of 1 (eu) · 1 running, 1 waiting · acme starting',
      'rolling-out · wave 1 of 1 (eu) · 1 running, 1 waiting · acme baking',
    ]);
    expect(out[2]).toMatch(/^stopped · .* · waits for acme is turned-back \(p95 doubled\): `proceed` goes on/);
    expect(out[3]).toMatch(/^rollout\/2026-11: completed \(cloud → selfhosted\)\n {2}tenants +2: 2 done\n/);
    expect(err).toEqual(['No worker answers: is `ferry worker` running? Still waiting.', 'A worker answers again.']);
  });

  test.each([
    ['with one that failed', { except: [{ tenant: 'acme', status: 'failed' as const }] }, EXIT.unwished],
    ['with one that was skipped', { except: [{ tenant: 'acme', status: 'skipped' as const }] }, EXIT.ok],
    ['rolled back', { outcome: 'rolled-back' as const, scope: 'all' as const, reason: 'p95' }, EXIT.unwished],
  ])('ends %s', async (_what, more, code) => {
    const { world } = fake({ looks: [shown(running)], ending: { kind: 'result', result: result(more) } });
    expect(await rollout(world, asked())).toBe(code);
  });

  test('takes its input from a file; one that cannot be had, read or accepted is a usage error', async () => {
    const file = join(dir, 'waves.json');
    await writeFile(file, JSON.stringify({ waves: [{ name: 'eu', tenants: ['acme'] }] }));
    const { world, sent } = fake({});
    expect(await rollout(world, asked({ input: { file }, wait: false }))).toBe(EXIT.ok);
    expect(sent).toHaveLength(1);
    await expect(rollout(world, asked({ input: { file: `${file}x` } }))).rejects.toThrow(/cannot be read/);
    await writeFile(file, '{ waves');
    await expect(rollout(world, asked({ input: { file } }))).rejects.toThrow(/is no JSON/);
    await writeFile(file, '{"waves": []}');
    await expect(rollout(world, asked({ input: { file } }))).rejects.toThrow(/waves: found an empty list/);
    expect(sent).toHaveLength(1);
  });

  test('is refused while one of this id runs, with what to do', async () => {
    const { world } = fake({ start: 'running' });
    await expect(rollout(world, asked())).rejects.toThrow(
      /is running already, since .*ferry pause, resume, proceed, skip or rollback/s,
    );
    const other = fake({ start: 'running', found: { type: 'Billing' } });
    await expect(rollout(other.world, asked())).rejects.toThrow(/another type, Billing.*--workflow-id/);
  });
});

describe('a rollout as the subject of the other commands, by its name or its workflow id', () => {
  const asking = (more: Partial<Steer>): Steer => ({ do: 'steer', command: 'pause', subject: '2026-11', ...more });

  test('status: what there is to know, and what to send it', async () => {
    const { world, out } = fake({ looks: [shown(stopped), shown(stopped)] });
    expect(await status(world, { do: 'status', subject: '2026-11', watch: false, json: false })).toBe(EXIT.ok);
    expect(out[0]).toMatch(/^rollout\/2026-11: stopped \(cloud → selfhosted\), wave 1 of 1, eu\n/);
    expect(out[0]).toContain('  went wrong  acme turned-back: p95 doubled\n');
    expect(out[0]).toContain(
      `ferry proceed ${ID} · ferry skip ${ID} <tenant> · ferry rollback ${ID} · ferry pause ${ID}`,
    );
  });

  test('status: from the memo where no worker answers, from the result after the end', async () => {
    const silent = fake({ found: { overview: memoOf(shown(stopped)) } });
    await status(silent.world, { do: 'status', subject: ID, watch: false, json: false });
    expect(silent.out[0]).toMatch(/no worker answered within 5 s[^]*waits for +acme is turned-back/);
    const over = fake({ found: { status: 'COMPLETED' } });
    await status(over.world, { do: 'status', subject: ID, watch: false, json: true });
    expect(JSON.parse(over.out[0] ?? '')).toMatchObject({
      answeredBy: 'result',
      kind: 'result',
      result: { outcome: 'completed' },
    });
  });

  test.each([
    [asking({}), 'update pause undefined'],
    [asking({ command: 'proceed' }), 'update proceed undefined'],
    [asking({ command: 'proceed', retry: true }), 'update proceed {"retry":true}'],
    [asking({ command: 'rollback' }), 'update rollback undefined'],
    [asking({ command: 'rollback', scope: 'all', reason: 'x' }), 'update rollback {"scope":"all","reason":"x"}'],
    [asking({ command: 'skip', tenant: 'acme' }), 'update skip {"tenant":"acme"}'],
  ])('%j sends %s', async (order, line) => {
    const { world, sent, out } = fake({ looks: [shown(running), shown(running)] });
    expect(await steer(world, order)).toBe(EXIT.ok);
    expect(sent).toEqual([line]);
    expect(out).toEqual(['done']);
  });

  test('a refusal, a silent worker, and one that has ended', async () => {
    const refused = fake({ looks: [shown(running), shown(running)], update: { refused: 'It is paused already.' } });
    expect(await steer(refused.world, asking({}))).toBe(EXIT.unwished);
    expect(refused.err).toEqual(['It is paused already.']);
    const silent = fake({});
    expect(await steer(silent.world, asking({ command: 'skip', tenant: 'acme' }))).toBe(EXIT.ok);
    expect(silent.sent).toEqual(['signal skip {"tenant":"acme"}']);
    const over = fake({ found: { status: 'COMPLETED', overview: { ...memoOf(shown(stopped)), phase: 'completed' } } });
    await expect(steer(over.world, asking({}))).rejects.toThrow(
      `${ID} has ended (completed): there is nothing to pause.`,
    );
  });

  test('a migration takes no skip, no scope and no retry', async () => {
    const { world } = fake({ found: { type: 'MigrateTenant' } });
    for (const order of [
      asking({ command: 'skip', tenant: 'a' }),
      asking({ command: 'rollback', scope: 'all' }),
      asking({ command: 'proceed', retry: true }),
    ]) {
      const error: unknown = await steer(world, order).catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(CliError);
      expect(error).toMatchObject({ code: EXIT.usage, message: expect.stringContaining('is for rollouts') });
    }
  });
});
