/** What a caller has set for a call of a schedule, on two simulated clusters: it ends the call, and blames no cluster. */
import { status } from '@grpc/grpc-js';
import type { WorkflowService } from '@temporalio/client';
import { expect, test } from 'vitest';
import type { Route } from '../../../../src/routes/route.ts';
import { change } from '../../../../src/schedules/change.ts';
import { fenced } from '../../../../src/schedules/shapes.ts';
import type { Schedule } from '../../../../src/schedules/times.ts';
import { CallScope } from '../../../../src/services/scope.ts';
import type { StandbyBehind } from '../../../../src/services/schedules/hooks.ts';
import { tenantSchedules } from '../../../../src/services/schedules/tenant-schedules.ts';
import { SimCluster } from '../../../simulator/cluster.ts';
import { clockOf, rawService } from '../../../simulator/service.ts';
import { World } from '../../../simulator/world.ts';
import { seconds } from '../../../simulator/written.ts';

const ID = 's';
const KEY = { namespace: 'n', scheduleId: ID };
const schedule: Schedule = {
  spec: { interval: [{ interval: seconds(60), phase: seconds(0) }] },
  action: { startWorkflow: { workflowId: 's-run', workflowType: { name: 'w' }, taskQueue: { name: 'q' } } },
};
const create = { ...KEY, schedule, requestId: 'one' };

function rig() {
  const world = new World(7);
  const a = new SimCluster(world, 'a', { engine: 'v2' });
  const b = new SimCluster(world, 'b', { engine: 'v2' });
  const scope = new CallScope({
    now: () => world.now(),
    monotonic: () => world.now(),
    sleep: (ms) => world.sleep(Math.max(0, ms)),
  });
  /** How long each call of one cluster is under way. */
  const takes = { a: 50, b: 50 };
  let route: Route = { to: { cluster: 'a', split: null }, from: null, at: null, undrained: [] };
  const side = (profile: string) => {
    const methods = Object.entries(rawService(profile === 'a' ? a : b)).map(([name, method]) => {
      const called = async (request: object): Promise<object> => {
        await world.sleep(profile === 'a' ? takes.a : takes.b);
        return method(request);
      };
      // As a connection does: the call ends with the deadline and the signal it is made under.
      return [name, (request: object) => scope.wait('an answer', () => called(request))];
    });
    return { profile, namespace: 'n', service: Object.fromEntries(methods) as WorkflowService };
  };
  const behind: StandbyBehind[] = [];
  const service = tenantSchedules(
    { tenant: 'acme', route: async () => route, side, present: ['a', 'b'] },
    {
      clock: clockOf(world),
      scope,
      limit: (ms, run) => scope.by(world.now() + ms, run),
      apart: (run) => scope.apart(run),
      standbyBehind: async (one) => void behind.push(one),
    },
  );
  const moves = (inMs: number): void => {
    const at = new Date(world.now() + inMs).toISOString();
    route = { to: { cluster: 'b', split: null }, from: { cluster: 'a', split: null }, at, undrained: ['a'] };
  };
  /** How a call ends that is given so long, and after how long. */
  const within = async (ms: number, call: () => Promise<unknown>): Promise<{ how: unknown; took: number }> => {
    const began = world.now();
    const how = await settled(scope.with({ deadline: began + ms }, call));
    return { how, took: world.now() - began };
  };
  const abortedAfter = async (ms: number, call: () => Promise<unknown>): Promise<{ how: unknown; took: number }> => {
    const began = world.now();
    const abort = new AbortController();
    world.at(began + ms, () => abort.abort());
    const how = await settled(scope.with({ abortSignal: abort.signal }, call));
    return { how, took: world.now() - began };
  };
  return { world, a, b, takes, service, behind, moves, ends: { deadline: within, abort: abortedAfter } };
}

const settled = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'answered',
    (error: unknown) => error,
  );

/** In virtual time, with somebody beside for as long as it takes: alone, a sleep would take the time of all others. */
async function play(it: ReturnType<typeof rig>, scene: () => Promise<void>): Promise<void> {
  let over = false;
  let failed: unknown;
  const acted = async (): Promise<void> => {
    try {
      await scene();
    } catch (error) {
      failed = error;
    }
    over = true;
  };
  const beside = async (): Promise<void> => {
    while (!over) await it.world.sleep(1_000);
  };
  await it.world.together([acted, beside]);
  if (failed !== undefined) throw failed;
}

const CODES = { deadline: status.DEADLINE_EXCEEDED, abort: status.CANCELLED };
const each = test.each(['deadline', 'abort'] as const);

test('deadlines of callers that run out say nothing about a cluster', async () => {
  const it = rig();
  await play(it, async () => {
    for (let i = 0; i < 5; i++) {
      const { how } = await it.ends.deadline(10, () => it.service.describeSchedule(KEY));
      expect(how).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    }
    await it.service.createSchedule(create);
    expect(it.behind).toEqual([]);
    expect(await it.b.describe(ID)).toBeDefined();
  });
});

test('a cluster that is silent for longer than we wait is left alone, also where the caller would have waited on', async () => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule(create);
    it.takes.b = 60_000;
    for (let i = 0; i < 3; i++) await it.ends.deadline(120_000, () => it.service.describeSchedule(KEY));
    const { how, took } = await it.ends.deadline(120_000, () => it.service.describeSchedule(KEY));
    expect(how).toBe('answered');
    expect(took).toBeLessThan(200);
  });
});

each('a create that is held around T ends with the caller’s %s, with nothing written', async (by) => {
  const it = rig();
  await play(it, async () => {
    it.moves(500);
    const { how, took } = await it.ends[by](1_000, () => it.service.createSchedule(create));
    expect(how).toMatchObject({ code: CODES[by], message: expect.stringContaining('nothing was written') });
    expect(took).toBe(1_000);
    expect([await it.a.describe(ID), await it.b.describe(ID)]).toEqual([undefined, undefined]);
  });
});

each('a write that waits for a hand-over ends with the caller’s %s, with nothing written', async (by) => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule(create);
    const own = await it.a.describe(ID);
    if (!own) throw new Error('it is not there');
    const boundary = Math.floor(it.world.now() / 1000) * 1000 + 60_000;
    const fence = { kind: 'fence', to: 'b', migration: 'm', boundary } as const;
    const { token } = await change(it.a, it.world, ID, own, fenced(own.schedule, fence));
    for (const call of [
      () => it.service.patchSchedule({ ...KEY, patch: { pause: 'x' } }),
      () => it.service.updateSchedule({ ...KEY, schedule }),
      () => it.service.deleteSchedule(KEY),
    ]) {
      const { how, took } = await it.ends[by](1_000, call);
      expect(how).toMatchObject({ code: CODES[by], message: expect.stringContaining('nothing was written') });
      expect(took).toBe(1_000);
    }
    expect((await it.a.describe(ID))?.token).toEqual(token);
  });
});

each(
  'what is written is not failed by the caller’s %s while its copy follows; the copy follows all the same',
  async (by) => {
    const it = rig();
    await play(it, async () => {
      it.takes.b = 1_000;
      // Looked at for 1 s, written at once, and followed in 3 s.
      const { how, took } = await it.ends[by](2_000, () => it.service.createSchedule(create));
      expect(how).toBe('answered');
      expect(took).toBe(2_000);
      expect(await it.a.describe(ID)).toBeDefined();
      expect(await it.b.describe(ID)).toBeUndefined();
      await it.world.sleep(3_000);
      expect(await it.b.describe(ID)).toBeDefined();
      expect(it.behind).toEqual([]);
    });
  },
);

each('a copy that does not follow is told of, also when the caller’s %s has ended their wait', async (by) => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule(create);
    it.takes.b = 60_000;
    // The other side is looked for over 4 s, and the copy is waited for from then on.
    const edited = { ...schedule, state: { notes: 'x' } };
    const { how, took } = await it.ends[by](6_000, () => it.service.updateSchedule({ ...KEY, schedule: edited }));
    expect(how).toBe('answered');
    expect(took).toBe(6_000);
    expect(it.behind).toEqual([]);
    await it.world.sleep(6_000);
    expect(it.behind).toMatchObject([{ schedule: ID, cluster: 'b' }]);
  });
});
