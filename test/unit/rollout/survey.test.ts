/** Which tenants a rollout has: the source and the control namespace in memory. */
import { status } from '@grpc/grpc-js';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { FerryDeps } from '../../../src/activities/deps.ts';
import { surveyTenants, watchMigrations } from '../../../src/activities/rollout.ts';
import type { MigrationSeen, Survey, SurveyInput, Watched } from '../../../src/activities/types.ts';
import { UnknownProfile } from '../../../src/clusters/profiles.ts';

const AT = new Date('2026-11-28T08:00:00.000Z');
const AT_ISO = AT.toISOString();

interface Execution {
  status?: string;
  type?: string;
  memo?: object;
}

/** The control namespace: what Describe says of each workflow id. */
function control(executions: Record<string, Execution>): Client {
  const getHandle = (workflowId: string) => ({
    describe: async () => {
      const found = executions[workflowId];
      if (!found) throw new WorkflowNotFoundError('not found', workflowId, undefined);
      const { status: name = 'RUNNING', type = 'MigrateTenant', memo = {} } = found;
      const closeTime = name === 'RUNNING' ? undefined : AT;
      return { workflowId, runId: 'r', type, status: { name }, memo, startTime: AT, closeTime };
    },
    result: async () => ({ outcome: 'completed' }),
  });
  return { workflow: { getHandle } } as unknown as Client;
}

/** Schedules of these tenants by query, two a page; null: the query is none. */
function source(queries: Record<string, (string | undefined)[] | null>): FerryDeps['clusters'] {
  const service = {
    listSchedules: async ({ query, nextPageToken }: { query: string; nextPageToken?: Uint8Array }) => {
      const found = queries[query];
      if (!found)
        throw Object.assign(new Error('bad query'), { code: status.INVALID_ARGUMENT, details: '', metadata: {} });
      const at = nextPageToken ? Number(Buffer.from(nextPageToken).toString()) : 0;
      const schedules = found.slice(at, at + 2).map((tenant, n) => ({
        scheduleId: `s-${at + n}`,
        searchAttributes: {
          indexedFields: tenant === undefined ? {} : { TenantId: { data: Buffer.from(JSON.stringify(tenant)) } },
        },
      }));
      return { schedules, nextPageToken: at + 2 < found.length ? Buffer.from(String(at + 2)) : undefined };
    },
  };
  const get = (profile: string) => {
    if (profile === 'nowhere') throw new UnknownProfile('no profile "nowhere"');
    return { namespace: 'default', call: async (rpc: (s: typeof service) => unknown) => rpc(service) };
  };
  return { get } as unknown as FerryDeps['clusters'];
}

async function survey(
  waves: SurveyInput['waves'],
  {
    executions = {},
    queries = {},
    to = 'selfhosted',
  }: { executions?: Record<string, Execution>; queries?: Parameters<typeof source>[0]; to?: string },
): Promise<Survey> {
  const deps: FerryDeps = {
    clusters: source(queries),
    control: control(executions),
    taskQueue: 'ferry',
    searchAttributesRegistered: async () => true,
  };
  return await new MockActivityEnvironment().run(surveyTenants, deps, { rollout: 'r', from: 'cloud', to, waves });
}

const names = ({ waves }: Survey): string[][] => waves.map((wave) => wave.map(({ tenant }) => tenant));

test('the tenants of a query are those that its schedules carry, each once, over all pages', async () => {
  const found = await survey([{ query: 'all' }], { queries: { all: ['b', 'a', undefined, 'b', 'a', 'c'] } });
  expect(names(found)).toEqual([['a', 'b', 'c']]);
});

test('a tenant is in one wave: where it is named, else the first whose query finds it', async () => {
  const queries = { vip: ['v', 'a'], all: ['a', 'b', 'v', 'z'] };
  const found = await survey([{ query: 'vip' }, { query: 'all' }, ['z', 'a']], { queries });
  expect(names(found)).toEqual([['v'], ['b'], ['z', 'a']]);
});

test('where each of them is: by its record, and by the migration that this rollout started', async () => {
  const memo = (phase: string, to: string) => ({ progress: { phase, to } });
  const executions = {
    'tenant/there': { memo: { owner: 'selfhosted' } },
    'tenant/moved': { memo: { owner: 'selfhosted' } },
    'r/moved': { status: 'COMPLETED', memo: memo('completed', 'selfhosted') },
    // By a rollout of this name that went the other way.
    'tenant/back': { memo: { owner: 'selfhosted' } },
    'r/back': { status: 'COMPLETED', memo: memo('completed', 'cloud') },
    'tenant/moving': { memo: { owner: 'cloud', lock: { migration: 'r/moving' } } },
    'r/moving': {},
    'tenant/held': { memo: { owner: 'selfhosted', lock: { migration: 'migrate/held' } } },
    'tenant/source': { memo: { owner: 'cloud' } },
    'r/source': { status: 'FAILED', memo: memo('failed', 'selfhosted') },
  };
  const { waves, searchAttributes } = await survey([['there', 'moved', 'back', 'moving', 'held', 'source', 'new']], {
    executions,
  });
  expect(searchAttributes).toBe(true);
  expect(waves[0]).toEqual([
    { tenant: 'there', is: 'there' },
    { tenant: 'moved', is: 'moved', at: AT_ISO },
    { tenant: 'back', is: 'there' },
    { tenant: 'moving', is: 'moving', at: AT_ISO },
    { tenant: 'held', is: 'waiting', holder: 'migrate/held' },
    { tenant: 'source', is: 'waiting' },
    { tenant: 'new', is: 'waiting' },
  ]);
});

const refusals: [string, Parameters<typeof survey>, RegExp][] = [
  [
    'a query the source cannot read',
    [[['x'], { query: 'TenantId =' }], { queries: { 'TenantId =': null } }],
    /waves\[1\]\.tenants\.query: found "TenantId =", which cloud cannot read/,
  ],
  [
    'too many tenants',
    [[{ query: 'all' }], { queries: { all: Array.from({ length: 1001 }, (_, n) => `t${n}`) } }],
    /more than 1000 tenants/,
  ],
  [
    'a profile that is none',
    [[['x']], { to: 'nowhere' }],
    /cannot roll out from cloud to nowhere: no profile "nowhere"/,
  ],
];
test.each(refusals)('%s is refused, and not tried again', async (_what, args, message) => {
  const failed: unknown = await survey(...args).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(ApplicationFailure);
  expect(failed).toMatchObject({ type: 'InvalidInput', nonRetryable: true, message: expect.stringMatching(message) });
});

const watching = { holdMs: 0, settleMs: 0, pollMs: 0 };
async function watched(execution: Execution | undefined, known: Partial<Watched> = {}): Promise<MigrationSeen[]> {
  const executions: Record<string, Execution> = execution ? { 'r/acme': execution } : {};
  const migrations = [{ tenant: 'acme', migration: 'r/acme', phase: null, waits: null, ...known }];
  return await new MockActivityEnvironment().run(
    watchMigrations,
    { control: control(executions) },
    { migrations },
    watching,
  );
}

test('a migration is told when it has news, and how it has ended', async () => {
  const memo = { progress: { phase: 'settling', waitingFor: 'x'.repeat(500) } };
  const [news] = await watched({ memo });
  expect(news).toMatchObject({ tenant: 'acme', phase: 'settling' });
  // What is told is what is kept: else it would be news again with every look.
  expect(news && 'waits' in news && (await watched({ memo }, { phase: 'settling', waits: news.waits }))).toEqual([]);
  expect(await watched({})).toEqual([]);
  const ends: [Execution | undefined, object][] = [
    [{ status: 'COMPLETED' }, { outcome: 'completed', why: null, at: AT_ISO }],
    [{ status: 'CANCELLED' }, { outcome: 'rolled-back', why: 'cancelled' }],
    [{ status: 'TERMINATED' }, { outcome: 'cut-off', why: 'terminated' }],
    [undefined, { outcome: 'cut-off', why: 'its history is gone' }],
    [{ type: 'Billing' }, { outcome: 'failed', why: 'r/acme is the id of another workflow, Billing' }],
  ];
  for (const [execution, end] of ends) expect(await watched(execution)).toMatchObject([{ tenant: 'acme', end }]);
});

test('news of no weight are kept back for a while, and a look ends when it has held long enough', async () => {
  const looking = async (
    known: Partial<Watched>,
    memo: object,
    times: typeof watching,
  ): Promise<[MigrationSeen[], number]> => {
    const migrations = [{ tenant: 'acme', migration: 'r/acme', phase: 'copying', waits: null, ...known }];
    const started = Date.now();
    const deps = { control: control({ 'r/acme': { memo: { progress: memo } } }) };
    const seen: MigrationSeen[] = await new MockActivityEnvironment().run(watchMigrations, deps, { migrations }, times);
    return [seen, Date.now() - started];
  };
  const times = { holdMs: 600, settleMs: 300, pollMs: 20 };
  const [phase, settled] = await looking({}, { phase: 'verifying' }, times);
  expect(phase).toMatchObject([{ phase: 'verifying' }]);
  expect(settled).toBeGreaterThanOrEqual(290);
  const [nothing, held] = await looking({}, { phase: 'copying' }, times);
  expect(nothing).toEqual([]);
  expect(held).toBeGreaterThanOrEqual(590);
  const [waits] = await looking(
    {},
    { phase: 'copying', waitingFor: '`proceed`' },
    { ...times, settleMs: 60_000, holdMs: 60_000 },
  );
  expect(waits).toMatchObject([{ waits: '`proceed`' }]);
});

test('a look does not keep a worker that is to stop', async () => {
  const deps = { control: control({ 'r/acme': {} }), stopping: () => true };
  const migrations = [{ tenant: 'acme', migration: 'r/acme', phase: null, waits: null }];
  expect(await new MockActivityEnvironment().run(watchMigrations, deps, { migrations })).toEqual([]);
});
