/** A rollout on real servers: waves by name and by query, a worker killed in between, back in reverse order. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import { rollbackUpdate } from '../../src/workflows/messages.ts';
import type { RolloutTenantsInput } from '../../src/workflows/rollout/input.ts';
import { overviewQuery } from '../../src/workflows/rollout/messages.ts';
import type { Overview } from '../../src/workflows/rollout/overview.ts';
import type { RolloutTenants } from '../../src/workflows/rollout/rollout-tenants.ts';
import { type World, createWorld, expectExactlyOnce, nowSeconds } from '../support/world.ts';

const TENANTS = ['acme', 'globex', 'initech'];

let world: World;
beforeAll(async () => {
  world = await createWorld(TENANTS);
});
afterAll(async () => {
  await world?.stop();
});

type Handle = WorkflowHandle<typeof RolloutTenants>;

const start = (workflowId: string, input: RolloutTenantsInput): Promise<Handle> =>
  world.control.workflow.start<typeof RolloutTenants>('RolloutTenants', {
    workflowId,
    taskQueue: 'ferry',
    args: [{ ...input, defaults: { workflows: 'none', ...input.defaults } }],
  });

async function untilOverview(handle: Handle, what: string, is: (now: Overview) => boolean): Promise<Overview> {
  return await waitFor({ what, timeoutMs: 120_000, everyMs: 300 }, async () => {
    const now = await handle.query(overviewQuery);
    return is(now) ? now : undefined;
  });
}

test(
  'waves move there with a worker killed in the middle, and all go back, and every time runs exactly once',
  { timeout: 600_000 },
  async () => {
    const plans = [];
    for (const tenant of TENANTS) plans.push(await world.load(tenant, 8));
    const plan = plans.flat();
    const first = await world.ferryProcess();
    const from = nowSeconds() + 3;
    await waitFor({ what: 'the load to run' }, async () => nowSeconds() > from + 4);

    const handle = await start('rollout/e2e', {
      waves: [
        { name: 'canary', tenants: ['acme'], bake: '5 seconds' },
        { name: 'rest', tenants: { query: 'TenantId IS NOT NULL' }, concurrency: 2, bake: '30 seconds' },
        { name: 'nobody', tenants: { query: "TenantId = 'nobody'" }, approval: 'manual' },
      ],
    });
    const second = await untilOverview(handle, 'the second wave to be handed over', ({ running }) => {
      return running.length === 2 && running.some(({ phase }) => phase === 'cutting-over' || phase === 'baking');
    });
    expect(second).toMatchObject({ wave: { name: 'rest' }, tenants: { done: 1, running: 2 }, total: 3 });
    expect(second.notes[0]).toContain('wave 3 of 3 (nobody) has no tenant');
    first.kill('SIGKILL');
    await world.ferryProcess();
    // The migrations are this run's children, for the tree in the Web UI.
    const child = await world.control.workflow.getHandle('rollout/e2e/globex').describe();
    expect(child.raw.workflowExecutionInfo?.parentExecution?.workflowId).toBe('rollout/e2e');

    expect(await handle.result()).toMatchObject({ outcome: 'completed', total: 3, tenants: { done: 3 }, except: [] });
    const listed = await waitFor({ what: 'the list to tell', timeoutMs: 30_000 }, async () => {
      const query = `WorkflowType = 'RolloutTenants' AND FerryPhase = 'completed' AND FerryDirection = 'cloud-to-selfhosted'`;
      for await (const { workflowId } of world.control.workflow.list({ query })) return workflowId;
      return undefined;
    });
    expect(listed).toBe('rollout/e2e');

    // The same again finds all of it done, and knows that it was this rollout that did it.
    const again = await start('rollout/e2e', {
      waves: [
        { name: 'rest', tenants: ['globex', 'acme', 'initech'] },
        { name: 'last', tenants: { query: "TenantId = 'acme'" }, approval: 'manual' },
      ],
      defaults: { bake: '0' },
    });
    expect(await again.result()).toMatchObject({ outcome: 'completed', tenants: { done: 3 } });

    const back = await start('rollout/back', {
      from: 'selfhosted',
      to: 'cloud',
      waves: [
        { name: 'one', tenants: ['initech'] },
        { name: 'two', tenants: ['acme'], bake: '10 minutes' },
      ],
      defaults: { bake: '0' },
    });
    await untilOverview(back, 'the bake', ({ running }) => running[0]?.phase === 'baking');
    expect(await back.executeUpdate(rollbackUpdate, { args: [{ scope: 'all', reason: 'a test' }] })).toContain(
      'goes back',
    );
    expect(await back.result()).toMatchObject({
      outcome: 'rolled-back',
      tenants: { back: 2 },
      except: [],
      scope: 'all',
    });

    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const [acme = [], globex = [], initech = []] = plans;
    await expectExactlyOnce(world, globex, { from, path: ['cloud', 'selfhosted'] });
    const thereAndBack = ['cloud', 'selfhosted', 'cloud', 'selfhosted'];
    await expectExactlyOnce(world, [...acme, ...initech], { from, path: thereAndBack });
    expect(plan).toHaveLength(24);
  },
);
