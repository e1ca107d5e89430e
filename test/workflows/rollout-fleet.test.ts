/** A rollout of hundreds: its history, its state, and what continue-as-new carries over. */
import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchMigrations } from '../../src/activities/rollout.ts';
import type { Survey, SurveyInput, Watched } from '../../src/activities/types.ts';
import type { RolloutTenantsInput } from '../../src/workflows/rollout/input.ts';
import type { RolloutResult } from '../../src/workflows/rollout/overview.ts';
import type { RolloutTenants } from '../../src/workflows/rollout/rollout-tenants.ts';
import { overview, type RolloutHandle, runsOf, tenants } from './fleet.ts';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;
let workflowBundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  harness = await startHarness();
  const workflowsPath = new URL('./rollout-stubs.ts', import.meta.url).pathname;
  workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
});
afterAll(() => harness?.stop());

/** Every tenant waits; nobody has seen it before. */
const survey = ({ waves }: SurveyInput): Promise<Survey> =>
  Promise.resolve({
    waves: waves.map((wave) => (Array.isArray(wave) ? wave : []).map((tenant) => ({ tenant, is: 'waiting' as const }))),
    searchAttributes: true,
  });

async function play(input: RolloutTenantsInput, scene: (handle: RolloutHandle) => Promise<void>): Promise<void> {
  const { client, connection, nativeConnection } = harness.env;
  const taskQueue = `ferry-${randomUUID()}`;
  const control = new Client({ connection });
  const worker = await Worker.create({
    connection: nativeConnection,
    taskQueue,
    workflowBundle,
    activities: {
      surveyTenants: survey,
      watchMigrations: (asked: { migrations: Watched[] }) =>
        watchMigrations({ control }, asked, { holdMs: 100, settleMs: 100, pollMs: 10 }),
    },
  });
  const workflowId = `rollout/${randomUUID().slice(0, 8)}`;
  await worker.runUntil(async () => {
    const options = { workflowId, taskQueue, args: [input] as [RolloutTenantsInput] };
    await scene(await client.workflow.start<typeof RolloutTenants>('RolloutTenants', options));
  });
}

test('500 tenants: every run of its history is short, and what it carries is small', { timeout: 600_000 }, async () => {
  const names = Array.from({ length: 500 }, (_, n) => `tenant-${String(n).padStart(4, '0')}`);
  const waves = [
    { name: 'canary', tenants: names.slice(0, 5) },
    { name: 'half', tenants: names.slice(5, 250), concurrency: 20 },
    { name: 'rest', tenants: names.slice(250), concurrency: 50 },
  ];
  await play({ waves, defaults: { bake: '0' } }, async (handle) => {
    const control = new Client({ connection: harness.env.connection });
    const latest = control.workflow.getHandle<typeof RolloutTenants>(handle.workflowId);
    let result: RolloutResult | undefined;
    const ended = latest.result().then((value) => (result = value));
    ended.catch(() => undefined);
    while (!result) await Promise.race([harness.env.sleep('1 minute'), ended]);
    expect(result).toMatchObject({ outcome: 'completed', total: 500, tenants: { done: 500 }, except: [] });

    const runs = await runsOf(control, handle);
    const events = runs.map(({ history }) => history.events?.length ?? 0);
    const carried = runs.map(({ history }) => {
      const payloads = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      return payloads[1]?.data?.length ?? 0;
    });
    console.log(`500 tenants: ${runs.length} runs of ${events.join(', ')} events; carried ${carried.join(', ')} bytes`);
    expect(runs.length).toBeGreaterThan(2);
    // The limit, and what one turn of the loop may add to it: 50 starts at a time are 100 events.
    expect(Math.max(...events)).toBeLessThan(1500);
    expect(Math.max(...carried)).toBeLessThan(80_000);
    for (const { history } of runs) await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
  });
});

test(
  'it continues as new while migrations run, knows them afterwards, and a rollback reaches them',
  { timeout: 240_000 },
  async () => {
    const names = Array.from({ length: 300 }, (_, n) => `t-${n}`);
    const waves = [
      { name: 'quick', tenants: names, concurrency: 30 },
      { name: 'slow', tenants: ['slow-1', 'slow-2', 'slow-3'], concurrency: 2, bake: '90 days' },
    ];
    await play({ waves, defaults: { bake: '0' } }, async (handle) => {
      const { client, env } = { client: handle.client, env: harness.env };
      const slow = await soon(async () => {
        const now = await overview(handle);
        return now.running.some(({ tenant }) => tenant === 'slow-2') && now;
      });
      expect(slow).toMatchObject({ tenants: { done: 300, running: 2, waiting: 1 } });
      // Nothing but looks and rests from here on: until its history is long enough.
      const before = (await client.getHandle(handle.workflowId).describe()).runId;
      await soon(async () => {
        await env.sleep('6 hours');
        return (await client.getHandle(handle.workflowId).describe()).runId !== before;
      });
      expect(await overview(handle)).toMatchObject({
        phase: 'rolling-out',
        tenants: { done: 300, running: 2, waiting: 1 },
      });
      expect(await tenants(handle, { wave: 'slow' })).toMatchObject({
        total: 3,
        tenants: [{ phase: 'baking' }, {}, {}],
      });
      await client.getHandle(handle.workflowId).signal('rollback', { scope: 'wave' });
      const result: RolloutResult = await new Client({ connection: env.connection }).workflow
        .getHandle(handle.workflowId)
        .result();
      expect(result).toMatchObject({ outcome: 'rolled-back', tenants: { done: 300, back: 2, waiting: 1 }, except: [] });
    });
  },
);

async function soon<T>(look: () => Promise<T | false>): Promise<T> {
  const deadline = Date.now() + 100_000;
  for (;;) {
    const found = await look();
    if (found !== false) return found;
    if (Date.now() > deadline) throw new Error('Waited 100 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
