/**
 * Two services write a tenant's schedules while it moves there and back, on real servers: both sides end equal, and as
 * the services asked. And with the standby's connection cut: nobody's call fails, and a reconciliation makes it good.
 * FERRY_DUAL_OPERATIONS: how many, of the first.
 */
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Route, announce } from '../../src/routes/route.ts';
import { recordStandbyBehind } from '../../src/services/schedules/record.ts';
import { type ScheduleOptions, tenantSchedules } from '../../src/services/schedules/tenant-schedules.ts';
import type { Side } from '../../src/services/ports.ts';
import type { ReconcileReport, ReconcileSchedules } from '../../src/workflows/reconcile-schedules.ts';
import { recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import { randomFrom } from '../../scripts/lib/payloads.ts';
import type { Engine } from '../../scripts/lib/stack.ts';
import { type Cutter, startCutter } from '../../scripts/lib/tcp-cutter.ts';
import { planTenant } from '../../scripts/lib/tenant-load.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { DualLoad, percentile } from '../support/dual-load.ts';
import { type World, createWorld, resultIsClean, untilPhase } from '../support/world.ts';

const OPERATIONS = Number(process.env['FERRY_DUAL_OPERATIONS'] ?? 1_000);
const TENANT = 'dual';

describe.each<[cloud: Engine, selfhosted: Engine]>([
  ['dev', 'dev'],
  ['dev', 'v2'],
])('from %s to %s', (cloud, selfhosted) => {
  let world: World;
  let cutter: Cutter;
  let cut: Connection;
  let load: DualLoad;
  let sides: Record<'cloud' | 'selfhosted', Side>;
  const counted = new Map<string, number>();

  beforeAll(async () => {
    world = await createWorld([TENANT], { cloud, selfhosted });
    const { namespace } = world.sides.selfhosted;
    cutter = await startCutter(world.stack.servers.selfhosted.address);
    cut = await Connection.connect({ address: cutter.address });
    sides = {
      cloud: {
        profile: 'cloud',
        namespace: world.sides.cloud.namespace,
        service: world.sides.cloud.connection.workflowService,
      },
      selfhosted: { profile: 'selfhosted', namespace, service: cut.workflowService },
    };
  });

  afterAll(async () => {
    await cut?.close();
    await cutter?.close();
    await world?.stop();
  });

  let route: Route = { to: { cluster: 'cloud', split: null }, from: null, at: null, undrained: [] };

  function service(options: ScheduleOptions = {}) {
    const of = {
      tenant: TENANT,
      route: async () => route,
      side: (profile: string) => (profile === 'cloud' ? sides.cloud : sides.selfhosted),
      present: ['cloud', 'selfhosted'],
    };
    const count = (counter: string) => void counted.set(counter, (counted.get(counter) ?? 0) + 1);
    return tenantSchedules(of, { count, ...options });
  }

  async function move(id: string, from: 'cloud' | 'selfhosted', to: 'cloud' | 'selfhosted') {
    const handle = await world.migrate(id, { tenant: TENANT, from, to, bake: '0' });
    await untilPhase(handle, 'cutting-over');
    const change = announce(route, from, { cluster: to, split: null }, Date.now());
    if ('route' in change) ({ route } = change);
    return handle.result();
  }

  test('both sides end equal and as the services wrote them, while the tenant moves there and back', async () => {
    const services = [service(), service()];
    load = new DualLoad(TENANT, services, randomFrom(`dual/${cloud}/${selfhosted}`));
    for (const { id, request } of planTenant({ tenant: TENANT, count: 20 })) {
      await services[0]?.createSchedule({ ...request, requestId: `create-${id}` });
      load.add(id, request.schedule ?? {});
    }
    load.addDays(20);
    const ferry = await world.ferry();
    let operating = true;
    const operations = load.run(OPERATIONS, 12, 1_500).finally(() => (operating = false));
    await waitFor({ what: 'the first operations', timeoutMs: 60_000 }, async () => load.told.operations >= 40);
    const before = load.told.operations;
    const there = await move('there/dual', 'cloud', 'selfhosted');
    const between = load.told.operations;
    const back = await move('back/dual', 'selfhosted', 'cloud');
    const after = load.told.operations;
    const still = operating;
    await operations;
    await ferry.stop();
    const { refused, latencyMs } = load.told;
    const figures = {
      operations: load.told.operations,
      whileMovingThere: between - before,
      whileMovingBack: after - between,
      stillOperatingAtTheEnd: still,
      refused: refused.length,
      p50Ms: percentile(latencyMs, 0.5),
      p95Ms: percentile(latencyMs, 0.95),
      maxMs: percentile(latencyMs, 1),
      ...Object.fromEntries(counted),
    };
    console.log(cloud, selfhosted, JSON.stringify(figures));
    expect(refused).toEqual([]);
    expect(there.schedules.failed + back.schedules.failed).toBe(0);
    expect([there, back].map(({ outcome }) => outcome)).toEqual(['completed', 'completed']);
    expect([there, back].map(resultIsClean)).toEqual([true, true]);
    expect(between - before).toBeGreaterThan(OPERATIONS / 50);
    expect(await load.problems(sides.cloud, sides.selfhosted)).toEqual([]);
    const triggered = await waitFor({ what: 'every trigger to show', timeoutMs: 60_000, everyMs: 2_000 }, async () => {
      const seen = await load.triggered(Object.values(sides));
      return seen.wrong.length === 0 && seen;
    }).catch(() => load.triggered(Object.values(sides)));
    console.log(cloud, selfhosted, JSON.stringify(triggered));
    expect(triggered.wrong).toEqual([]);
    expect(triggered.asked).toBeGreaterThan(0);
  }, 600_000);

  test('with the standby cut off for 20 s no call fails, and ReconcileSchedules makes good what it missed', async () => {
    const ferry = await world.ferry();
    counted.clear();
    const recorded = recordStandbyBehind(world.control);
    const services = [service({ standbyBehind: recorded }), service({ standbyBehind: recorded })];
    const model = load.model;
    load = new DualLoad(TENANT, services, randomFrom(`cut/${cloud}/${selfhosted}`));
    for (const [id, at] of model) load.model.set(id, { ...at });
    route = { to: { cluster: 'cloud', split: null }, from: null, at: null, undrained: [] };
    const refusing = cutter.refuse(20_000);
    let over = false;
    void refusing.then(() => (over = true));
    while (!over) await load.run(12, 6, 200);
    await refusing;
    const { refused, latencyMs, operations } = load.told;
    // Until the connection is up again, and what was given up on has come to its end.
    await waitFor({ what: 'the standby', timeoutMs: 60_000 }, async () => {
      await cut.workflowService.getSystemInfo({});
      return true;
    });
    const missed = await load.problems(sides.cloud, sides.selfhosted);
    const record = () => world.control.workflow.getHandle(tenantWorkflowId(TENANT)).query(recordQuery);
    const told = (await record()).behind;
    console.log(
      cloud,
      selfhosted,
      JSON.stringify({
        operations,
        refused: refused.length,
        missed: missed.length,
        recorded: told?.schedules.length ?? 0,
        p50Ms: percentile(latencyMs, 0.5),
        p95Ms: percentile(latencyMs, 0.95),
        maxMs: percentile(latencyMs, 1),
        ...Object.fromEntries(counted),
      }),
    );
    expect(refused).toEqual([]);
    expect(missed.length).toBeGreaterThan(0);
    expect(told?.schedules.length ?? 0).toBeGreaterThan(0);
    const report = await reconciled();
    console.log(cloud, selfhosted, JSON.stringify(report));
    expect(report).toMatchObject({ done: true, refused: 0, moving: 0 });
    expect(report.created + report.updated + report.removed).toBeGreaterThan(0);
    expect(await load.problems(sides.cloud, sides.selfhosted)).toEqual([]);
    expect(await record()).not.toHaveProperty('behind');
    expect(await reconciled()).toMatchObject({ created: 0, updated: 0, removed: 0, refused: 0 });
    await ferry.stop();
  }, 300_000);

  async function reconciled(): Promise<ReconcileReport> {
    // Both lists are to have caught up with what was just made and deleted.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const args: Parameters<typeof ReconcileSchedules> = [{ tenant: TENANT }];
    return world.control.workflow.execute<typeof ReconcileSchedules>('ReconcileSchedules', {
      workflowId: `reconcile/${TENANT}`,
      taskQueue: 'ferry',
      args,
    });
  }
});
