import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerKeywords } from '../../scripts/lib/ready.ts';
import { WorkflowFailedError } from '@temporalio/client';
import { type World, createWorld } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(['picky']);
  // A second profile for the same cluster and namespace, one nobody answers at, and one with a wrong key.
  const toml = await readFile(world.stack.configFile, 'utf8');
  const cloud = toml.slice(toml.indexOf('[profile.cloud]'), toml.indexOf('[profile.selfhosted]'));
  const extra = [
    cloud.replaceAll('profile.cloud', 'profile.twin'),
    cloud.replaceAll('profile.cloud', 'profile.locked').replace(/api_key = .*/, 'api_key = "not-the-key"'),
    '[profile.silent]\naddress = "127.0.0.1:1"\nnamespace = "prod"\n',
    '[profile.nowhere]\n' + `address = "${world.stack.servers.selfhosted.address}"\nnamespace = "missing"\n`,
  ];
  await writeFile(world.stack.configFile, [toml, ...extra].join('\n'), { mode: 0o600 });
  await world.load('picky', 6);
  await world.ferry();
});

afterAll(async () => {
  await world?.stop();
});

async function refused(id: string, input: Record<string, unknown>): Promise<string> {
  const handle = await world.migrate(id, { tenant: 'picky', bake: '0', ...input });
  const error: unknown = await handle.result().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(WorkflowFailedError);
  return (error as WorkflowFailedError).cause?.message ?? '';
}

test('all reasons against a migration are told at once, each with its object and what to do', async () => {
  const { cloud, selfhosted } = world.sides;
  await registerKeywords(cloud.connection, cloud.namespace, ['Region']);
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"eu"') };
  const tenantId = { ...payload, data: Buffer.from('"picky"') };
  const action = {
    startWorkflow: { workflowId: 'odd', workflowType: { name: 'quick' }, taskQueue: { name: 'unpolled' } },
  };
  const odd = { namespace: cloud.namespace, scheduleId: 'picky-odd', requestId: 'odd' };
  await cloud.connection.workflowService.createSchedule({
    ...odd,
    schedule: { action, state: { paused: true, notes: 'x'.repeat(900) } },
    searchAttributes: { indexedFields: { TenantId: tenantId, Region: payload } },
  });
  await selfhosted.connection.workflowService.createSchedule({
    namespace: selfhosted.namespace,
    scheduleId: 'picky-odd',
    requestId: 'taken',
    schedule: { action, state: { paused: true, notes: "another team's" } },
  });
  const message = await refused('refused/odd', { schedules: { prefix: 'picky-' } });
  expect(message).toMatch(/search attribute Region on selfhosted.*not registered.*register it there as Keyword/);
  expect(message).toMatch(/task queue unpolled on selfhosted.*no worker polls it/);
  expect(message).toMatch(/schedule picky-odd on selfhosted.*neither is marked/);
  expect(message).toMatch(/schedule picky-odd on cloud.*note of 900 bytes/);
  const copy = selfhosted.connection.workflowService.describeSchedule({
    namespace: selfhosted.namespace,
    scheduleId: 'picky-001-pulse',
  });
  await expect(copy).rejects.toThrow(/not found/i);
  await cloud.connection.workflowService.deleteSchedule({ namespace: cloud.namespace, scheduleId: 'picky-odd' });
});

test.each([
  ['same cluster under two names', { to: 'twin' }, /profiles cloud and twin.*both reach cluster/],
  ['a profile that is not there', { to: 'moon' }, /profile moon.*"cloud", "control", "locked"/],
  ['a key the cluster refuses', { to: 'locked' }, /on locked.*refuses these credentials.*renew api_key/],
  ['a cluster that does not answer', { to: 'silent' }, /on silent.*does not answer/],
  ['a namespace that does not exist', { to: 'nowhere' }, /namespace missing on nowhere.*no such namespace/],
  ['a query that matches nothing', { schedules: "TenantId = 'nobody'" }, /no schedule on cloud matches/],
  [
    'a query the server cannot read',
    { schedules: 'TenantId = = 1' },
    /schedules query TenantId = = 1.*correct `schedules`/s,
  ],
  [
    'workflows the server cannot read',
    { workflows: "Nowhere = 'x'" },
    /workflows query Nowhere = 'x' on cloud.*register the search attribute.*workflows query Nowhere = 'x' on selfhosted/s,
  ],
])('preflight names %s', async (name, input, expected) => {
  expect(await refused(`refused/${name}`, input)).toMatch(expected);
});

test('a dry run changes nothing and lists every write per schedule', async () => {
  const handle = await world.migrate('plan/picky', { tenant: 'picky', dryRun: true });
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'planned', owner: 'cloud' });
  expect(result.plan?.blockers).toEqual([]);
  expect(result.plan?.warnings.map(({ code }) => code)).toContain('no-workflows');
  expect(result.plan?.workflows).toMatchObject({ open: 0, ever: 0, route: null });
  expect(result.plan?.plan.schedules).toHaveLength(6);
  expect(result.plan?.plan.schedules[0]?.writes[0]).toBe('selfhosted: create a paused copy');
  expect(result.plan?.facts.clockSkewMs).not.toBeNull();
  const { connection, namespace } = world.sides.selfhosted;
  for (const { schedule } of result.plan?.plan.schedules ?? []) {
    await expect(connection.workflowService.describeSchedule({ namespace, scheduleId: schedule })).rejects.toThrow();
  }
});
