/**
 * Two services write a tenant's schedules while it moves there and back, on real servers: both sides end equal, and as
 * the services asked. And with the standby's connection cut: nobody's call fails, and a reconciliation makes it good.
 * FERRY_DUAL_OPERATIONS: how many, of the first.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import { SearchAttributeType, defineSearchAttributeKey } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Side } from '../../src/services/ports.ts';
import type { ScheduleMethods } from '../../src/services/schedules/methods.ts';
import { TenantClients } from '../../src/services/tenant-clients.ts';
import { recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { ReconcileReport, ReconcileSchedules } from '../../src/workflows/reconcile-schedules.ts';
import { randomFrom } from '../../scripts/lib/payloads.ts';
import type { Engine } from '../../scripts/lib/stack.ts';
import { type Cutter, startCutter } from '../../scripts/lib/tcp-cutter.ts';
import { planTenant } from '../../scripts/lib/tenant-load.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { DualLoad, percentile } from '../support/dual-load.ts';
import { type World, createWorld, resultIsClean } from '../support/world.ts';

const OPERATIONS = Number(process.env['FERRY_DUAL_OPERATIONS'] ?? 1_000);
const TENANT = 'dual';

/** The schedule whose copy a problem is about; what is wrong with an owner is nobody's to make good. */
function copyOf(problem: string): string {
  const id = /^the copy of (\S+) differs|^(\S+) has (?:no copy|left a copy)/.exec(problem)?.slice(1).find(Boolean);
  return `copy of schedule ${id ?? problem} `;
}

describe.each<[cloud: Engine, selfhosted: Engine]>([
  ['dev', 'dev'],
  ['dev', 'v2'],
])('from %s to %s', (cloud, selfhosted) => {
  let world: World;
  let cutter: Cutter;
  let load: DualLoad;
  let clients: TenantClients[];
  let sides: Side[];
  const counted = new Map<string, number>();
  const warned: string[] = [];

  beforeAll(async () => {
    world = await createWorld([TENANT], { cloud, selfhosted });
    const { servers, configFile, dir } = world.stack;
    cutter = await startCutter(servers.selfhosted.address);
    // The services alone reach `selfhosted` through the cutter.
    const theirs = join(dir, 'services.toml');
    const config = await readFile(configFile, 'utf8');
    await writeFile(theirs, config.replaceAll(servers.selfhosted.address, cutter.address), { mode: 0o600 });
    const count = (counter: string) => void counted.set(counter, (counted.get(counter) ?? 0) + 1);
    const warn = (message: string) => void warned.push(message);
    // Two processes, as far as they know.
    clients = [0, 1].map(() => new TenantClients({ configFile: theirs, assume: 'cloud', schedules: { count, warn } }));
    sides = (['cloud', 'selfhosted'] as const).map((profile) => ({
      profile,
      namespace: world.sides[profile].namespace,
      service: world.sides[profile].connection.workflowService,
    }));
  });

  afterAll(async () => {
    for (const each of clients ?? []) await each.close();
    await cutter?.close();
    await world?.stop();
  });

  const services = (): ScheduleMethods[] =>
    clients.map((each) => each.tenant(TENANT).workflowService as unknown as ScheduleMethods);

  async function move(id: string, from: 'cloud' | 'selfhosted', to: 'cloud' | 'selfhosted') {
    return (await world.migrate(id, { tenant: TENANT, from, to, bake: '0' })).result();
  }

  test('both sides end equal and as the services wrote them, while the tenant moves there and back', async () => {
    const [first] = services();
    load = new DualLoad(TENANT, services(), randomFrom(`dual/${cloud}/${selfhosted}`));
    for (const { id, request } of planTenant({ tenant: TENANT, count: 20 })) {
      await first?.createSchedule({ ...request, requestId: `create-${id}` });
      load.add(id, request.schedule ?? {});
    }
    load.addDays(20);
    const ferry = await world.ferry();
    let operating = true;
    const operations = load.run(OPERATIONS, 12, 3_000).finally(() => (operating = false));
    await waitFor({ what: 'the first operations', timeoutMs: 60_000 }, async () => load.told.operations >= 40);
    const before = load.told.operations;
    const moving = async () => {
      const there = await move('there/dual', 'cloud', 'selfhosted');
      const between = load.told.operations;
      const back = await move('back/dual', 'selfhosted', 'cloud');
      return { there, between, back, after: load.told.operations, still: operating };
    };
    // Whatever becomes of it, the next test has the schedules to itself.
    const [moved] = await Promise.allSettled([moving(), operations]);
    const unequal = await load.problems(sides);
    // A copy that could not be written in time was told, and is made good; any other difference is a fault.
    if (warned.length > 0) await reconciled();
    await ferry.stop();
    console.log(cloud, selfhosted, JSON.stringify({ warned: warned.length, first: warned.slice(0, 12) }));
    console.log(JSON.stringify(load.told.refused.slice(0, 10)));
    if (moved.status === 'rejected') throw moved.reason;
    const { there, between, back, after, still } = moved.value;
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
    expect(unequal.filter((problem) => !warned.some((told) => told.includes(copyOf(problem))))).toEqual([]);
    expect(await load.problems(sides)).toEqual([]);
    const triggered = await waitFor({ what: 'every trigger to show', timeoutMs: 60_000, everyMs: 2_000 }, async () => {
      const seen = await load.triggered(sides);
      return seen.wrong.length === 0 && seen;
    }).catch(() => load.triggered(sides));
    console.log(cloud, selfhosted, JSON.stringify(triggered));
    expect(triggered.wrong).toEqual([]);
    expect(triggered.asked).toBeGreaterThan(0);
  }, 600_000);

  test("the SDK's own schedule client is none the wiser", async () => {
    const [mine, theirs] = clients.map((each) => each.tenant(TENANT).schedule);
    if (!mine || !theirs) throw new Error('two clients are compared');
    const hour = 3_600_000;
    const offset = (Date.now() % (24 * hour)) + 12 * hour;
    const options = {
      scheduleId: 'sdk',
      spec: { intervals: [{ every: 24 * hour, offset: offset % (24 * hour) }] },
      action: { type: 'startWorkflow' as const, workflowType: 'quick', taskQueue: `${TENANT}-work`, args: ['one'] },
      memo: { team: 'billing' },
      // The others' memos are encrypted: this client cannot read them.
      typedSearchAttributes: [{ key: defineSearchAttributeKey('TenantId', SearchAttributeType.KEYWORD), value: 'sdk' }],
      state: { note: 'made by the SDK' },
    };
    const handle = await mine.create(options);
    await expect(theirs.create(options)).rejects.toBeInstanceOf(ScheduleAlreadyRunning);
    await handle.update((before) => ({ ...before, state: { ...before.state, note: 'updated' } }));
    expect(await theirs.getHandle('sdk').describe()).toMatchObject({
      state: { note: 'updated', paused: false },
      memo: { team: 'billing' },
      spec: { intervals: [{ every: 24 * hour }] },
    });
    await theirs.getHandle('sdk').pause('for now');
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'for now' });
    await handle.unpause('on again');
    await handle.trigger();
    await waitFor({ what: 'the run' }, async () => (await handle.describe()).info.recentActions.length === 1);
    const listed = await waitFor({ what: 'it to be listed' }, async () => {
      const ids: string[] = [];
      for await (const { scheduleId, state } of mine.list({ query: "TenantId = 'sdk'" })) {
        if (state.note?.includes('[ferry')) throw new Error(`${scheduleId} shows a note of ours`);
        ids.push(scheduleId);
      }
      return ids.includes('sdk') && ids;
    });
    expect(listed.filter((id) => id === 'sdk')).toHaveLength(1);
    expect(new Set(listed).size).toBe(listed.length);
    await handle.delete();
    await expect(handle.describe()).rejects.toBeInstanceOf(ScheduleNotFoundError);
    for (const { service, namespace } of sides) {
      await expect(service.describeSchedule({ namespace, scheduleId: 'sdk' })).rejects.toMatchObject({ code: 5 });
    }
  }, 120_000);

  test('with the standby cut off for 20 s no call fails, and ReconcileSchedules makes good what it missed', async () => {
    const ferry = await world.ferry();
    counted.clear();
    const { model } = load;
    load = new DualLoad(TENANT, services(), randomFrom(`cut/${cloud}/${selfhosted}`));
    for (const [id, at] of model) load.model.set(id, { ...at });
    const refusing = cutter.refuse(20_000);
    let over = false;
    void refusing.then(() => (over = true));
    while (!over) await load.run(12, 6, 200);
    await refusing;
    const { refused, latencyMs, operations } = load.told;
    // What was given up on comes to its end.
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const missed = await load.problems(sides);
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
    expect(await load.problems(sides)).toEqual([]);
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
