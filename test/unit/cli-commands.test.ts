import type { TypeCount } from '../../src/activities/types.ts';
import { expect, test } from 'vitest';
import { emptyAudit } from '../../src/schedules/audit.ts';
import type { Migrate, Plan } from '../../src/cli/args.ts';
import { migrate, plan, status, steer, type World } from '../../src/cli/commands.ts';
import type { Control, Ending, Found } from '../../src/cli/control.ts';
import type { Rollouts } from '../../src/cli/rollouts.ts';
import { CliError, EXIT } from '../../src/cli/exit.ts';
import { route } from '../../src/cli/route.ts';
import { readMigrateTenantInput } from '../../src/workflows/input.ts';
import { memoOf, newProgress, type Progress } from '../../src/workflows/progress.ts';
import type { MigrationResult } from '../../src/workflows/result.ts';

const AT = '2026-11-22T16:00:00.000Z';
const started = newProgress(readMigrateTenantInput([{ tenant: 'acme' }]), AT);
const baking: Progress = {
  ...started,
  phase: 'baking',
  owner: 'selfhosted',
  schedules: { total: 44, copied: 44, verified: 44, handedOver: 44, failed: 0 },
  waitingFor: 'the end of the bake at 2026-11-22T17:00:00.000Z: `proceed` ends it now',
  accepts: ['rollback', 'pause', 'proceed'],
};

const result = (more: Partial<MigrationResult> = {}): MigrationResult => ({
  tenant: 'acme',
  outcome: 'completed',
  owner: 'selfhosted',
  from: 'cloud',
  to: 'selfhosted',
  schedules: baking.schedules,
  audit: emptyAudit(),
  breaches: [],
  warnings: [],
  notes: [],
  startedAt: AT,
  finishedAt: '2026-11-22T16:01:10.000Z',
  ...more,
});

const report = (blockers: number): NonNullable<MigrationResult['plan']> => ({
  blockers: Array.from({ length: blockers }, () => ({
    object: 'search attribute Region on selfhosted',
    code: 'search-attribute-missing',
    found: 'not registered; schedule acme-1 uses it',
    remedy: 'register it there as Keyword',
  })),
  warnings: [],
  schedules: { total: 2, paused: 1, active: 1 },
  facts: {
    from: { profile: 'cloud', namespace: 'prod.a1b2c', clusterId: 'c', serverVersion: '1.29.1', engine: 'v1' },
    to: { profile: 'selfhosted', namespace: 'prod', clusterId: 's', serverVersion: '1.32.1', engine: 'v2' },
    clockSkewMs: -3,
    clockSkewErrorMs: 2,
  },
  plan: {
    schedules: ['acme-1', 'acme-2'].map((schedule) => ({
      schedule,
      writes: ['selfhosted: create a paused copy'],
      warnings: ['7 remaining actions'],
    })),
    omitted: 1,
    rpcEstimate: 34,
  },
});

interface Fake {
  world: World;
  out: string[];
  err: string[];
  /** What was sent, in order. */
  sent: string[];
}

interface Script {
  found?: Partial<Record<string, Partial<Found>>>;
  /** What the query answers, look by look; after the last the migration has ended. */
  looks?: (Progress | undefined)[];
  ending?: Ending;
  record?: Awaited<ReturnType<Control['record']>>;
  update?: Awaited<ReturnType<Control['update']>>;
  start?: Awaited<ReturnType<Control['start']>>;
  routed?: Awaited<ReturnType<Control['setRoute']>>;
  /** What the running one was started with. */
  given?: object;
}

function fake({
  found = {},
  looks = [],
  ending,
  record,
  update,
  start = { runId: 'r1' },
  given,
  routed = 'silent',
}: Script): Fake {
  const out: string[] = [];
  const err: string[] = [];
  const sent: string[] = [];
  const waiting = [...looks];
  const control: Control = {
    start: async (input, workflowId) => {
      sent.push(`start ${workflowId} ${JSON.stringify(input)}`);
      return start;
    },
    find: async (workflowId) => {
      const known = found[workflowId];
      if (!known) return undefined;
      const running = looks.length === 0 ? 'RUNNING' : waiting.length > 0 ? 'RUNNING' : 'COMPLETED';
      return { workflowId, runId: 'r1', type: 'MigrateTenant', status: running, since: AT, memo: undefined, ...known };
    },
    input: async () => given,
    progress: async () => waiting.shift(),
    ending: async () => ending ?? { kind: 'result', result: result() },
    record: async () => record,
    setRoute: async (tenant, change) => {
      sent.push(`route ${tenant} ${JSON.stringify(change)}`);
      return routed;
    },
    setDrained: async (tenant, cluster) => {
      sent.push(`drained ${tenant} ${cluster}`);
      return routed === 'silent' || 'held' in routed ? routed : { route: 'route' in routed ? routed.route : null };
    },
    update: async (_found, command, argument) => {
      sent.push(`update ${command} ${JSON.stringify(argument)}`);
      return update ?? { answer: 'done' };
    },
    signal: async (_found, command, argument) => void sent.push(`signal ${command} ${JSON.stringify(argument)}`),
  };
  const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
  const none = (): never => {
    throw new Error('No rollout is meant here');
  };
  const rollouts: Rollouts = { start: none, overview: none, ending: none, update: none, signal: none };
  return { world: { control, rollouts, io, pause: async () => undefined }, out, err, sent };
}

const known = { 'migrate/acme': {} };
const asked = (more: Partial<Migrate> = {}): Migrate => ({
  do: 'migrate',
  input: { tenant: 'acme' },
  workflowId: 'migrate/acme',
  wait: true,
  json: false,
  ...more,
});
const planned: Plan = { do: 'plan', input: { tenant: 'acme', dryRun: true }, workflowId: 'plan/acme', json: false };

test('migrate without --wait says how to follow it', async () => {
  const { world, out, sent } = fake({});
  expect(await migrate(world, asked({ wait: false }))).toBe(EXIT.ok);
  expect(sent).toEqual(['start migrate/acme {"tenant":"acme"}']);
  expect(out).toEqual(['Started migrate/acme. Follow it: ferry status acme --watch']);
});

test('migrate --wait tells every change once and ends with the result', async () => {
  const { world, out } = fake({ found: known, looks: [started, started, baking] });
  expect(await migrate(world, asked())).toBe(EXIT.ok);
  expect(out.slice(0, 2)).toEqual([
    'claiming',
    'baking · 44 of 44 handed over · owner selfhosted · waits for the end of the bake at 2026-11-22T17:00:00.000Z: `proceed` ends it now',
  ]);
  expect(out[2]).toMatch(/^acme: completed \(cloud → selfhosted\), owner selfhosted\n.*took +70 s/s);
  expect(out).toHaveLength(3);
});

test('migrate --wait --json prints one document; what happens meanwhile goes to stderr', async () => {
  const { world, out, err } = fake({ found: known, looks: [baking] });
  expect(await migrate(world, asked({ json: true }))).toBe(EXIT.ok);
  expect(out).toHaveLength(1);
  expect(JSON.parse(out[0] ?? '')).toMatchObject({ kind: 'result', result: { outcome: 'completed' } });
  expect(err).toHaveLength(1);
});

const unwished: [string, Ending, RegExp][] = [
  ['rolled back', { kind: 'result', result: result({ outcome: 'rolled-back', reason: 'p95' }) }, /turned back +p95/],
  [
    'failed',
    { kind: 'failed', type: 'TenantLocked', message: 'acme is held by m' },
    /failed \(TenantLocked\):\nacme is held/,
  ],
  ['terminated', { kind: 'stopped', status: 'TERMINATED', message: 'oops' }, /Start a migration of the tenant again/],
  ['cancelled', { kind: 'stopped', status: 'CANCELLED', message: 'bye' }, /took everything back/],
];

test.each(unwished)('migrate --wait of a migration that was %s exits with 1', async (_title, ending, text) => {
  const { world, out } = fake({ found: known, looks: [started], ending });
  expect(await migrate(world, asked())).toBe(EXIT.unwished);
  expect(out.at(-1)).toMatch(text);
});

test('a silent worker is told once, and its return', async () => {
  const { world, err } = fake({ found: known, looks: [undefined, undefined, baking] });
  expect(await migrate(world, asked())).toBe(EXIT.ok);
  expect(err).toEqual(['No worker answers: is `ferry worker` running? Still waiting.', 'A worker answers again.']);
});

test('a workflow id in use is refused with what to do', async () => {
  const found = { 'migrate/acme': { memo: memoOf(baking) } };
  const { world } = fake({ start: 'running', found, given: { tenant: 'acme' } });
  const refused = migrate(world, asked());
  await expect(refused).rejects.toThrow(/since 2026-11-22 16:00:00 UTC, cloud → selfhosted, baking, with the input/);
  await expect(refused).rejects.toThrow(/ferry status acme --watch.*rollback acme/s);
  const other = fake({ start: 'running', found: { 'migrate/acme': { type: 'Billing' } } });
  await expect(migrate(other.world, asked())).rejects.toThrow(/another type, Billing.*--workflow-id/);
  const ended = fake({ start: 'running' });
  await expect(migrate(ended.world, asked())).rejects.toThrow(/has ended. Give the command again/);
});

test('a plan that was interrupted is gone on with, and not taken for another', async () => {
  const ending: Ending = { kind: 'result', result: result({ outcome: 'planned', plan: report(0) }) };
  const script: Script = { start: 'running', found: { 'plan/acme': {} }, looks: [started, started], ending };
  const same = fake({ ...script, given: { tenant: 'acme', dryRun: true, from: 'cloud' } });
  expect(await plan(same.world, planned)).toBe(EXIT.ok);
  expect(same.err[0]).toBe(
    'plan/acme runs already, since 2026-11-22 16:00:00 UTC, and was asked the same: this is its plan.',
  );
  expect(same.out[0]).toMatch(/^Plan for acme/);
  const other = fake({ ...script, given: { tenant: 'acme', dryRun: true, from: 'selfhosted', to: 'cloud' } });
  await expect(plan(other.world, planned)).rejects.toThrow(/"from":"selfhosted".*ferry status plan\/acme --watch/s);
});

test('plan: readable, with 0 without blockers and 1 with', async () => {
  const found = { 'plan/acme': {} };
  const clean = fake({
    found,
    looks: [started],
    ending: { kind: 'result', result: result({ outcome: 'planned', plan: report(0) }) },
  });
  expect(await plan(clean.world, planned)).toBe(EXIT.ok);
  expect(clean.out).toEqual([
    [
      'Plan for acme: cloud → selfhosted. Nothing was changed.',
      '  2 schedules, 1 active and 1 paused by their users; about 34 calls to the clusters',
      '  cloud       namespace prod.a1b2c, server 1.29.1, scheduler v1',
      '  selfhosted  namespace prod, server 1.32.1, scheduler v2',
      '  clocks      selfhosted is 3 ms behind cloud, give or take 2 ms',
      '',
      'Blockers: none',
      'Warnings: none',
      '',
      'Writes',
      '  acme-1, acme-2',
      '    1. selfhosted: create a paused copy',
      '    note: 7 remaining actions',
      '  and 1 schedule more',
    ].join('\n'),
  ]);
  const blocked = fake({
    found,
    looks: [started],
    ending: { kind: 'result', result: result({ outcome: 'planned', plan: report(1) }) },
  });
  expect(await plan(blocked.world, planned)).toBe(EXIT.unwished);
  expect(blocked.out[0]).toMatch(/Blockers \(1\).*Region on selfhosted: not registered.*\n {4}do: register it/s);
  const json = fake({
    found,
    looks: [started],
    ending: { kind: 'result', result: result({ outcome: 'planned', plan: report(1) }) },
  });
  expect(await plan(json.world, { ...planned, json: true })).toBe(EXIT.unwished);
  expect(JSON.parse(json.out[0] ?? '')).toEqual(report(1));
});

test('status shows the query, else the memo, else the result, and says which', async () => {
  const queried = fake({ found: known, looks: [baking] });
  expect(await status(queried.world, { do: 'status', subject: 'acme', watch: false, json: false })).toBe(EXIT.ok);
  expect(queried.out[0]).toMatch(/^acme: baking \(cloud → selfhosted\), owner selfhosted/);
  expect(queried.out[0]).toContain('next        ferry proceed acme · ferry rollback acme · ferry pause acme');

  const silent = fake({ found: { 'migrate/acme': { memo: memoOf(baking), status: 'RUNNING' } }, looks: [undefined] });
  await status(silent.world, { do: 'status', subject: 'acme', watch: false, json: true });
  expect(JSON.parse(silent.out[0] ?? '')).toMatchObject({ answeredBy: 'memo', progress: { phase: 'baking' } });

  const ended = fake({ found: { 'migrate/acme': { status: 'COMPLETED' } } });
  await status(ended.world, { do: 'status', subject: 'acme', watch: false, json: true });
  expect(JSON.parse(ended.out[0] ?? '')).toMatchObject({ answeredBy: 'result', result: { outcome: 'completed' } });
});

test('the migration that holds the tenant is found whatever its workflow id', async () => {
  const lock = { migration: 'friday', runId: 'r', from: 'cloud', to: 'selfhosted', since: AT, tookOverFrom: null };
  const { world, out } = fake({ found: { ...known, friday: {} }, looks: [baking], record: { lock } });
  await status(world, { do: 'status', subject: 'acme', watch: false, json: true });
  expect(JSON.parse(out[0] ?? '')).toMatchObject({ workflowId: 'friday' });
});

test('what does not exist is said with what was looked for', async () => {
  const nothing = status(fake({}).world, { do: 'status', subject: 'acme', watch: false, json: false });
  await expect(nothing).rejects.toThrow(/no migration of "acme".*ferry migrate acme/s);
  const planOnly = fake({ record: {}, found: { 'plan/acme': {} } });
  const never = status(planOnly.world, { do: 'status', subject: 'acme', watch: false, json: false });
  await expect(never).rejects.toThrow(/^"acme" was never migrated.*`ferry status plan\/acme`.*`ferry migrate acme`\.$/);
  const owned = status(fake({ record: { owner: 'cloud', updatedAt: AT } }).world, {
    do: 'status',
    subject: 'acme',
    watch: false,
    json: false,
  });
  await expect(owned).rejects.toThrow(/acme: owner cloud, as of 2026-11-22 16:00:00 UTC\n {2}no migration holds it/);
});

test('a command is sent as an update, which answers or refuses', async () => {
  const answered = fake({ found: known, looks: [baking, baking], update: { answer: 'acme goes back to cloud.' } });
  const back = { do: 'steer', command: 'rollback', subject: 'acme', reason: 'p95' } as const;
  expect(await steer(answered.world, back)).toBe(EXIT.ok);
  expect(answered.sent).toEqual(['update rollback {"reason":"p95"}']);
  expect(answered.out).toEqual(['acme goes back to cloud.']);

  const refused = fake({ found: known, looks: [baking, baking], update: { refused: 'acme is paused already' } });
  expect(await steer(refused.world, { do: 'steer', command: 'pause', subject: 'acme' })).toBe(EXIT.unwished);
  expect(refused.err).toEqual(['acme is paused already']);
});

test('without a worker it is sent as a signal, and never as an update that would be delivered too', async () => {
  const { world, sent, out } = fake({ found: known, looks: [undefined, undefined] });
  expect(await steer(world, { do: 'steer', command: 'pause', subject: 'acme' })).toBe(EXIT.ok);
  expect(sent).toEqual(['signal pause undefined']);
  expect(out[0]).toMatch(/No worker answered within 5 s.*as a signal/s);
});

const onDemand: NonNullable<Progress['workflows']> = {
  route: { from: 'cloud', to: 'selfhosted', at: AT },
  open: 7,
  byType: [
    { type: 'Order', open: 5, oldestStartedAt: AT },
    { type: 'Cart', open: 2, oldestStartedAt: AT },
  ],
  early: { count: 0, first: [], unexamined: 0 },
  wrongSide: { count: 1, first: [{ workflowId: 'order-9', type: 'Order', startedAt: AT }], unexamined: 0 },
  drained: false,
  checkedAt: AT,
};

test('status shows workflows on demand: where they start, what is open, what started on the wrong side', async () => {
  const draining: Progress = { ...baking, phase: 'draining', workflows: onDemand };
  const { world, out } = fake({ found: known, looks: [draining] });
  await status(world, { do: 'status', subject: 'acme', watch: false, json: false });
  expect(out[0]).toContain(
    'on demand   start on selfhosted from 2026-11-22 16:00:00 UTC on, 7 open (5 Order since 2026-11-22 16:00:00 UTC, 2 Cart since 2026-11-22 16:00:00 UTC) on cloud as of',
  );
  expect(out[0]).toContain('wrong side  1 workflow started on cloud after the route had changed: order-9, a Order');

  const silent = fake({ found: { 'migrate/acme': { memo: memoOf(draining) } }, looks: [undefined] });
  await status(silent.world, { do: 'status', subject: 'acme', watch: false, json: false });
  expect(silent.out[0]).toContain('from 2026-11-22 16:00:00 UTC on, 7 open, 1 on the wrong side');

  const ended = fake({
    found: { 'migrate/acme': { status: 'COMPLETED' } },
    ending: { kind: 'result', result: result({ workflows: { ...onDemand, open: 0, byType: [], drained: true } }) },
  });
  await status(ended.world, { do: 'status', subject: 'acme', watch: false, json: false });
  expect(ended.out[0]).toContain('0 open on cloud as of 2026-11-22 16:00:00 UTC, drained');
});

test('status of a migration that failed says where the tenant stands all the same', async () => {
  const { world, out } = fake({
    found: { 'migrate/acme': { status: 'FAILED' } },
    ending: { kind: 'failed', type: 'PreflightFailed', message: 'no profile "mars"' },
    record: { owner: 'selfhosted', route: there, updatedAt: AT },
  });
  await status(world, { do: 'status', subject: 'acme', watch: false, json: false });
  expect(out[0]).toContain('no profile "mars"');
  expect(out[0]).toContain('acme: owner selfhosted, as of 2026-11-22 16:00:00 UTC');
  expect(out[0]).toContain('its workflows start on selfhosted');
});

test('a plan says what is open on demand and where it starts now', async () => {
  const found = { 'plan/acme': {} };
  const { open, byType } = onDemand;
  const withWorkflows = { ...report(0), workflows: { open, byType, ever: 90, route: null } };
  const ending: Ending = { kind: 'result', result: result({ outcome: 'planned', plan: withWorkflows }) };
  const { world, out } = fake({ found, looks: [started], ending });
  expect(await plan(world, planned)).toBe(EXIT.ok);
  expect(out[0]).toContain(
    'on demand: its workflows have no route; 7 open (5 Order since 2026-11-22 16:00:00 UTC, 2 Cart since 2026-11-22 16:00:00 UTC) on cloud, which end there',
  );
});

const there = { to: { cluster: 'selfhosted', split: null }, from: null, at: null, undrained: [] };
const show = { do: 'route', tenant: 'acme', change: null, json: false } as const;
const unasked = () => () => Promise.reject(new Error('nobody looks at a cluster'));

test('route shows what services read, without a worker, or how to set it', async () => {
  const changed = { ...there, from: { cluster: 'cloud', split: null }, at: AT, undrained: ['cloud'] };
  const set = fake({ record: { owner: 'selfhosted', route: changed } });
  expect(await route(set.world, show, unasked)).toBe(EXIT.ok);
  expect(set.out).toEqual([
    `acme: its workflows start on selfhosted from ${AT} on, before on cloud; cloud may hold open ones`,
  ]);
  expect(set.sent).toEqual([]);
  const json = fake({ record: { route: there } });
  await route(json.world, { ...show, json: true }, unasked);
  expect(JSON.parse(json.out[0] ?? '')).toEqual({ tenant: 'acme', route: there });
  await expect(route(fake({}).world, show, unasked)).rejects.toThrow(/no route. Set.*ferry route acme --to <profile>/);
  await expect(route(fake({ record: { owner: 'cloud' } }).world, show, unasked)).rejects.toThrow(
    /ferry route acme --to cloud/,
  );
});

test('route sets it, and says why it could not', async () => {
  const change = { to: there.to };
  const set = fake({ routed: { changed: true, route: there } });
  expect(await route(set.world, { ...show, change }, unasked)).toBe(EXIT.ok);
  expect(set.sent).toEqual(['route acme {"to":{"cluster":"selfhosted","split":null}}']);
  expect(set.out).toEqual(['acme: its workflows start on selfhosted']);
  await expect(route(fake({}).world, { ...show, change }, unasked)).rejects.toThrow(/No worker answered within 10 s/);
  const lock = { migration: 'm', runId: 'r', from: 'cloud', to: 'selfhosted', since: AT, tookOverFrom: null };
  const held = fake({ routed: { held: lock } });
  await expect(route(held.world, { ...show, change }, unasked)).rejects.toThrow(
    /held by migration m.*Nothing was changed/,
  );
  const early = fake({ routed: { notBefore: AT } });
  await expect(route(early.world, { ...show, change }, unasked)).rejects.toThrow(`again after ${AT}`);
});

test('a cluster is recorded as drained only where nothing is found open there, or it is insisted upon', async () => {
  const left = { ...there, from: { cluster: 'cloud', split: null }, at: AT, undrained: ['cloud'] };
  const asked = { drained: 'cloud', query: "TenantId = 'acme'", force: false };
  const ask = async (look: () => Promise<{ open: number; byType: TypeCount[] }>, change = asked) => {
    const { world, sent } = fake({ record: { route: left }, routed: { changed: true, route: there } });
    const looked: string[] = [];
    const lookOn = (query: string) => async (profile: string) => {
      looked.push(`${profile}: ${query}`);
      return look();
    };
    const ended = await route(world, { ...show, change }, lookOn).catch((error: unknown) => error);
    return { ended, sent, looked };
  };
  const none = await ask(async () => ({ open: 0, byType: [] }));
  expect(none).toEqual({ ended: EXIT.ok, sent: ['drained acme cloud'], looked: ["cloud: TenantId = 'acme'"] });

  const byType = [{ type: 'cart', open: 1, oldestStartedAt: AT }];
  const open = await ask(async () => ({ open: 1, byType }));
  expect(open).toMatchObject({ ended: { code: EXIT.unwished }, sent: [] });
  expect(String(open.ended)).toMatch(
    /1 workflow of acme open on cloud \(1 cart, the oldest since .*--drained cloud --force/s,
  );

  const away = await ask(() => Promise.reject(new Error('connection refused')));
  expect(away).toMatchObject({ ended: { code: EXIT.unreachable }, sent: [] });
  expect(String(away.ended)).toMatch(/cloud cannot be asked .*connection refused.*gone for good.*--force/s);

  const forced = await ask(() => Promise.reject(new Error('not to be asked')), { ...asked, force: true });
  expect(forced).toEqual({ ended: EXIT.ok, sent: ['drained acme cloud'], looked: [] });

  const wrong = await ask(() => Promise.reject(new Error('not to be asked')), { ...asked, drained: 'bogus' });
  expect(String(wrong.ended)).toContain('"bogus" is not on the route of acme, which names selfhosted, cloud');
  expect(wrong.sent).toEqual([]);
});

test('route says what a first route without --from rests on', async () => {
  const change = { to: there.to };
  const routed = { changed: true as const, route: there };
  const told = async (script: Script, current?: string): Promise<string[]> => {
    const { world, err } = fake({ routed, ...script });
    await route(
      world,
      { ...show, change: { ...change, ...(current === undefined ? {} : { current }) }, json: true },
      unasked,
    );
    return err;
  };
  expect(await told({})).toEqual([expect.stringMatching(/first route.*`assume`.*--from/)]);
  expect(await told({}, 'cloud')).toEqual([]);
  expect(await told({ record: { owner: 'cloud' } })).toEqual([]);
  expect(await told({ record: { route: there } })).toEqual([]);
});

test('a migration that has ended takes no command; after completion the way back is named', async () => {
  const memo = memoOf({ ...baking, phase: 'completed' });
  const { world } = fake({ found: { 'migrate/acme': { status: 'COMPLETED', memo } } });
  const sending = steer(world, { do: 'steer', command: 'rollback', subject: 'acme' });
  await expect(sending).rejects.toThrow(CliError);
  await expect(sending).rejects.toThrow(/has ended \(completed\).*ferry migrate acme --from selfhosted --to cloud/s);
});
