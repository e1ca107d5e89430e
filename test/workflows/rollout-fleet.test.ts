/** A rollout of hundreds: its history, its state, and what continue-as-new carries over. */
import { randomUUID } from 'node:crypto';
import { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchMigrations } from '../../src/activities/rollout.ts';
import type { Survey, SurveyInput, Watched } from '../../src/activities/types.ts';
import type { RolloutTenantsInput } from '../../src/workflows/rollout/input.ts';
import type { Overview, RolloutResult } from '../../src/workflows/rollout/overview.ts';
import type { RolloutTenants } from '../../src/workflows/rollout/rollout-tenants.ts';
import { type RolloutHandle, runsOf, untilOverview } from './fleet.ts';
import { type Harness, startHarness, until } from './harness.ts';

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
    expect(runs.length).toBeGreaterThan(1);
    // The limit, and what one turn of the loop may add to it: 50 starts at a time are 100 events.
    expect(Math.max(...events)).toBeLessThan(1500);
    expect(Math.max(...carried)).toBeLessThan(80_000);
    for (const { history } of runs) await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
  });
});

test('it continues as new while migrations run, knows them afterwards, and a rollback reaches them', async () => {
  const waves = [{ name: 'slow', tenants: ['slow-1', 'slow-2', 'slow-3'], concurrency: 2, bake: '90 days' }];
  await play({ waves }, async (handle) => {
    const control = new Client({ connection: harness.env.connection });
    const latest = control.workflow.getHandle<typeof RolloutTenants>(handle.workflowId);
    const isBaking = ({ running }: Overview): boolean => running.filter(({ phase }) => phase === 'baking').length === 2;
    await untilOverview(handle, 'both to bake', isBaking);
    const before = (await latest.describe()).runId;
    // Its history grows with what people send, too.
    await until('the next run', async () => {
      for (let n = 0; n < 60; n++) await latest.signal(n % 2 === 0 ? 'pause' : 'resume');
      // A run can only end in a moment in which nobody sends it anything.
      await new Promise((resolve) => setTimeout(resolve, 400));
      return (await latest.describe()).runId !== before;
    });
    const known = await untilOverview(handle, 'the next run to look', isBaking);
    expect(known).toMatchObject({ phase: 'rolling-out', tenants: { running: 2, waiting: 1 }, notes: [] });
    await latest.signal('rollback', { scope: 'wave' });
    expect(await latest.result()).toMatchObject({
      outcome: 'rolled-back',
      tenants: { back: 2, waiting: 1 },
      except: [],
    });
    for (const { history } of await runsOf(control, handle)) {
      await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
    }
  });
});
