/** Workflows on demand on real servers: the route changes with the schedules, and the source is drained. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type WorkflowHandle } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import { main } from '../../src/cli/main.ts';
import { HOLD_AFTER_MS, type Route, startAt } from '../../src/routes/route.ts';
import { tenantWorkflowId } from '../../src/workflows/messages.ts';
import {
  type RunningFerry,
  type World,
  createWorld,
  expectExactlyOnce,
  nowSeconds,
  progressOf,
  resultIsClean,
  untilPhase,
} from '../support/world.ts';

const TenantId = defineSearchAttributeKey('TenantId', SearchAttributeType.KEYWORD);
type SideName = 'cloud' | 'selfhosted';

let world: World;
let worker: RunningFerry;
beforeAll(async () => {
  world = await createWorld(['both', 'only', 'limit', 'stray', 'away']);
  worker = await world.ferry();
});
afterAll(async () => {
  await world?.stop();
});

function clientOf(side: SideName): Client {
  const { connection, namespace } = world.sides[side];
  return new Client({ connection, namespace });
}

function start(
  side: SideName,
  tenant: string,
  type: string,
  id: string,
  args: unknown[] = [],
): Promise<WorkflowHandle> {
  return clientOf(side).workflow.start(type, {
    workflowId: id,
    taskQueue: `${tenant}-work`,
    args,
    typedSearchAttributes: new TypedSearchAttributes([{ key: TenantId, value: tenant }]),
  });
}

async function routeOf(tenant: string): Promise<Route | null> {
  const { memo } = await world.control.workflow.getHandle(tenantWorkflowId(tenant)).describe();
  return (memo as { route?: Route }).route ?? null;
}

/** A service that reads the route before each start, as the client library does with a lease. */
function service(tenant: string): { stop: () => Promise<Map<string, SideName>> } {
  const started = new Map<string, SideName>();
  let going = true;
  const loop = async (): Promise<void> => {
    for (let n = 0; going; n++) {
      const id = `${tenant}-order-${n}`;
      for (;;) {
        const route = await routeOf(tenant);
        const next = route && startAt(route, id, Date.now());
        if (next?.kind === 'hold') {
          await delay(next.forMs);
          continue;
        }
        const side = (next?.cluster ?? 'cloud') as SideName;
        await start(side, tenant, 'quick', id);
        started.set(id, side);
        break;
      }
      await delay(200);
    }
  };
  const ended = loop();
  // Told by `stop`, should it fail before.
  ended.catch(() => undefined);
  return {
    stop: async () => {
      going = false;
      await ended;
      return started;
    },
  };
}

async function ferry(...args: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const io = { out: (text: string) => void lines.push(text), err: (text: string) => void lines.push(text) };
  const code = await main(args, { TEMPORAL_CONFIG_FILE: world.stack.configFile }, io);
  return { code, text: lines.join('\n') };
}

test('a tenant with schedules and on-demand workflows moves there and back; no start is on the wrong side', async () => {
  const plan = await world.load('both', 6);
  expect(await ferry('route', 'both')).toMatchObject({ code: 1, text: expect.stringContaining('both has no route') });
  const registered = await ferry('route', 'both', '--to', 'cloud');
  expect(registered).toMatchObject({ code: 0, text: expect.stringContaining('both: its workflows start on cloud\n') });
  expect(registered.text).toContain('This is its first route, in force at once.');
  const orders = service('both');
  const from = nowSeconds() + 3;
  await delay(4_000);
  const slow = await start('cloud', 'both', 'slow', 'both-slow');

  const there = await (await world.migrate('migrate/both', { tenant: 'both', bake: '0' })).result();
  expect(there).toMatchObject({
    outcome: 'completed',
    owner: 'selfhosted',
    schedules: { handedOver: 6, failed: 0 },
    workflows: { open: 0, drained: true, wrongSide: { count: 0, unexamined: 0 }, route: { to: 'selfhosted' } },
  });
  expect(there).not.toHaveProperty('accepted');
  expect(resultIsClean(there)).toBe(true);
  // It ended where it was.
  expect((await slow.describe()).status.name).toBe('COMPLETED');
  const route = await routeOf('both');
  expect(route).toMatchObject({ to: { cluster: 'selfhosted' }, from: { cluster: 'cloud' }, undrained: [] });
  expect((await ferry('route', 'both')).text).toBe(
    `both: its workflows start on selfhosted from ${route?.at} on, before on cloud`,
  );

  await delay(3_000);
  const back = await (
    await world.migrate('migrate/both', { tenant: 'both', from: 'selfhosted', to: 'cloud', bake: '0' })
  ).result();
  expect(back).toMatchObject({
    outcome: 'completed',
    owner: 'cloud',
    workflows: { drained: true, wrongSide: { count: 0 }, route: { to: 'cloud' } },
  });
  expect(resultIsClean(back)).toBe(true);
  await delay(5_000);
  const started = await orders.stop();
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
  const sides = [...started.values()];
  expect(sides.filter((side) => side === 'selfhosted').length).toBeGreaterThan(10);
  expect(sides.at(-1)).toBe('cloud');
  // Each ran, and on one side alone.
  for (const side of ['cloud', 'selfhosted'] as const) {
    const ids: string[] = [];
    await waitFor({ what: `the orders of ${side}`, timeoutMs: 30_000, everyMs: 500 }, async () => {
      ids.length = 0;
      const query = "TenantId = 'both' AND TemporalScheduledById IS NULL AND ExecutionStatus = 'Completed'";
      for await (const { workflowId } of clientOf(side).workflow.list({ query })) {
        if (workflowId.startsWith('both-order-')) ids.push(workflowId);
      }
      return ids.length >= sides.filter((each) => each === side).length;
    });
    expect(ids.toSorted()).toEqual(
      [...started]
        .filter(([, on]) => on === side)
        .map(([id]) => id)
        .toSorted(),
    );
  }
});

describe.concurrent('the drain', () => {
  test('of a tenant with workflows on demand alone waits for the last to end', async () => {
    const open = await start('cloud', 'only', 'endless', 'only-endless');
    const handle = await world.migrate('migrate/only', { tenant: 'only', schedules: 'none', bake: '0' });
    const draining = await untilPhase(handle, 'draining');
    expect(draining).toMatchObject({ owner: 'selfhosted', schedules: { total: 0 } });
    const waiting = await waitFor({ what: 'the wait', timeoutMs: 30_000 }, async () => {
      const progress = await progressOf(handle);
      return progress.waitingFor !== null && progress;
    });
    expect(waiting.waitingFor).toBe(
      '1 workflow still open on cloud (1 endless), to end: `proceed` goes on without waiting',
    );
    expect(waiting.workflows).toMatchObject({
      open: 1,
      byType: [{ type: 'endless', open: 1, oldestStartedAt: expect.any(String) }],
      drained: false,
    });
    const { startTime } = await open.describe();
    const oldest = Date.parse(waiting.workflows?.byType[0]?.oldestStartedAt ?? '');
    expect(Math.abs(oldest - startTime.getTime())).toBeLessThan(10);
    expect((await ferry('status', 'only')).text).toMatch(
      /on demand +start on selfhosted .* 1 open \(1 endless since [^)]+ UTC\) on cloud/,
    );
    await delay(5_000);
    expect((await progressOf(handle)).phase).toBe('draining');
    expect((await open.describe()).status.name).toBe('RUNNING');
    await open.cancel();
    expect(await handle.result()).toMatchObject({ outcome: 'completed', workflows: { open: 0, drained: true } });
    expect(await routeOf('only')).toMatchObject({ to: { cluster: 'selfhosted' }, undrained: [] });
  });

  test('goes on after its limit, and terminates nothing', async () => {
    const open = await start('cloud', 'limit', 'endless', 'limit-endless');
    const input = { tenant: 'limit', schedules: 'none', bake: '0', drainLimit: '5 seconds' };
    const result = await (await world.migrate('migrate/limit', input)).result();
    expect(result).toMatchObject({ outcome: 'completed', workflows: { open: 1, drained: false } });
    expect(result.notes.join()).toContain('1 workflow still open on cloud after 5 s, so it goes on');
    expect((await open.describe()).status.name).toBe('RUNNING');
    expect(await routeOf('limit')).toMatchObject({ to: { cluster: 'selfhosted' }, undrained: ['cloud'] });
    const refused = await ferry('route', 'limit', '--drained', 'cloud');
    expect(refused).toMatchObject({
      code: 1,
      text: expect.stringMatching(/1 workflow of limit open on cloud \(1 \w+, /),
    });
    expect(await routeOf('limit')).toMatchObject({ undrained: ['cloud'] });
    await open.cancel();
    // Lists are eventually consistent.
    await waitFor({ what: 'cloud to be seen empty', everyMs: 500 }, async () => {
      return (await ferry('route', 'limit', '--drained', 'cloud')).code === 0;
    });
    expect(await routeOf('limit')).toMatchObject({ undrained: [] });
  });

  test('lists starts that bypassed the route around T, and not what old work does by itself', async () => {
    await start('cloud', 'stray', 'family', 'stray-family', [20]);
    await start('cloud', 'stray', 'chain', 'stray-chain', [10]);
    const handle = await world.migrate('migrate/stray', { tenant: 'stray', schedules: 'none', bake: '0' });
    const { workflows } = await untilPhase(handle, 'settling');
    const at = Date.parse(workflows?.route?.at ?? '');
    await start('selfhosted', 'stray', 'quick', 'hasty-order');
    await delay(at + HOLD_AFTER_MS - Date.now());
    await start('selfhosted', 'stray', 'quick', 'good-order');
    await start('cloud', 'stray', 'quick', 'stray-order');
    const held = await waitFor({ what: 'the hold', timeoutMs: 120_000, everyMs: 500 }, async () => {
      const progress = await progressOf(handle);
      return progress.waitingFor?.startsWith('1 workflow started on cloud after') && progress;
    });
    expect(held.workflows).toMatchObject({
      wrongSide: { count: 1, first: [{ workflowId: 'stray-order', type: 'quick' }], unexamined: 0 },
      early: { count: 1, first: [{ workflowId: 'hasty-order', type: 'quick' }], unexamined: 0 },
    });
    expect((await ferry('status', 'stray')).text).toMatch(/wrong side +1 workflow started on cloud after.*stray-order/);
    await handle.executeUpdate('proceed', { args: [undefined] });
    const result = await handle.result();
    expect(result).toMatchObject({
      outcome: 'completed',
      accepted: {
        what: '1 workflow started on cloud after the route had changed, and 1 workflow started on selfhosted before it did',
      },
      workflows: { wrongSide: { count: 1 }, early: { count: 1 }, drained: true },
    });
    // The children and the later runs were there, with the tenant's name.
    const later = `TenantId = 'stray' AND StartTime > '${new Date(at + HOLD_AFTER_MS).toISOString()}'`;
    const types: string[] = [];
    for await (const { type } of clientOf('cloud').workflow.list({ query: later })) types.push(type);
    expect(types.filter((type) => type === 'quick').length).toBeGreaterThan(1);
    expect(types).toContain('chain');
  });
});

test('T passes while no worker is up, and services read the route meanwhile', async () => {
  const handle = await world.migrate('migrate/away', { tenant: 'away', schedules: 'none', bake: '0' });
  await untilPhase(handle, 'settling');
  await worker.stop();
  const route = await routeOf('away');
  expect(route).toMatchObject({ to: { cluster: 'selfhosted' }, from: { cluster: 'cloud' } });
  expect((await ferry('route', 'away')).code).toBe(0);
  expect((await ferry('status', 'away')).text).toContain(`start on selfhosted from`);
  await delay(Date.parse(route?.at ?? '') + 12_000 - Date.now());
  worker = await world.ferry();
  expect(await handle.result()).toMatchObject({
    outcome: 'completed',
    workflows: { drained: true, route: { at: route?.at }, wrongSide: { count: 0 } },
  });
});

test('an operator hears at once of a profile that is not there', async () => {
  const missing = await ferry('route', 'fresh', '--to', 'moon');
  expect(missing).toMatchObject({ code: 3, text: expect.stringContaining('no profile "moon"') });
  expect((await ferry('route', 'fresh')).code).toBe(1);
});
