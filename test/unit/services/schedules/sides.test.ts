/** Single calls on two simulated clusters: what is shown, what is refused, and what is left alone. */
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { change } from '../../../../src/schedules/change.ts';
import { readNote } from '../../../../src/schedules/note.ts';
import type { Described, Engine } from '../../../../src/schedules/ports.ts';
import { fenced, opened, standby } from '../../../../src/schedules/shapes.ts';
import type { Schedule } from '../../../../src/schedules/times.ts';
import type { StandbyBehind } from '../../../../src/services/schedules/hooks.ts';
import { reconcile } from '../../../../src/services/schedules/reconcile.ts';
import { SideStore } from '../../../../src/services/schedules/side.ts';
import { drift } from '../../../../src/services/schedules/standby.ts';
import { tenantSchedules } from '../../../../src/services/schedules/tenant-schedules.ts';
import { Policy } from '../../../simulator/buffer.ts';
import { SimCluster } from '../../../simulator/cluster.ts';
import type { Call } from '../../../simulator/network.ts';
import { clockOf, rawService } from '../../../simulator/service.ts';
import { World } from '../../../simulator/world.ts';
import { millis, seconds } from '../../../simulator/written.ts';

const ID = 's';
const KEY = { namespace: 'n', scheduleId: ID };

const user: Schedule = {
  spec: { interval: [{ interval: seconds(60), phase: seconds(0) }] },
  action: { startWorkflow: { workflowId: 's-run', workflowType: { name: 'w' }, taskQueue: { name: 'q' } } },
  policies: { overlapPolicy: Policy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, catchupWindow: seconds(3_600) },
  state: { notes: 'ask Ada' },
};

function rig(engines: [Engine, Engine] = ['v1', 'v1']) {
  const world = new World(7);
  const down = new Set<string>();
  const losing = new Set<string>();
  const before = ({ cluster, method }: Call) => {
    if (losing.has(method)) return { kind: 'lost', answerMs: 200 } as const;
    return down.has(cluster) ? ({ kind: 'undelivered', answerMs: 200 } as const) : undefined;
  };
  const cluster = (profile: string, engine: Engine) => new SimCluster(world, profile, { engine, network: { before } });
  const [a, b] = [cluster('a', engines[0]), cluster('b', engines[1])];
  const side = (profile: string) => ({
    profile,
    namespace: 'n',
    service: rawService(profile === 'a' ? a : b),
  });
  const behind: StandbyBehind[] = [];
  const route = { to: { cluster: 'a', split: null }, from: null, at: null, undrained: [] };
  const sides = { tenant: 'acme', route: async () => route, side, present: ['a', 'b'] };
  const standbyBehind = async (one: StandbyBehind): Promise<void> => void behind.push(one);
  const service = tenantSchedules(sides, { clock: clockOf(world), waitMs: 12_000, standbyBehind });
  const stores: [SideStore, SideStore] = [new SideStore(side('a')), new SideStore(side('b'))];
  const reconciled = () => reconcile(stores, ID, { time: world, migration: 'r' });
  return { world, a, b, down, losing, service, behind, reconciled };
}

/** In virtual time, with somebody beside so that time passes for nobody alone. */
async function play(it: ReturnType<typeof rig>, scene: () => Promise<void>): Promise<void> {
  let failed: unknown;
  const acted = async (): Promise<void> => {
    try {
      await scene();
    } catch (error) {
      failed = error;
    }
  };
  await it.world.together([acted, () => it.world.sleep(1)]);
  if (failed !== undefined) throw failed;
}

async function there(cluster: SimCluster): Promise<Described> {
  const described = await cluster.describe(ID);
  if (!described) throw new Error(`${cluster.profile} does not have it`);
  return described;
}

const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'accepted',
    (error: unknown) => error,
  );

test.each<[Engine, Engine]>([
  ['v1', 'v1'],
  ['v2', 'v1'],
  ['v1', 'v2'],
])('what is created is on both sides, runs on one, and is shown as it was written (%s, %s)', async (...engines) => {
  const it = rig(engines);
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    const [own, copy] = [await there(it.a), await there(it.b)];
    expect(own.schedule.state?.paused ?? false).toBe(false);
    expect(copy.schedule.state?.paused).toBe(true);
    expect(readNote(copy.schedule.state?.notes).mark).toMatchObject({ kind: 'standby', owner: 'a' });
    expect(drift(own, copy)).toEqual([]);
    const { schedule } = await it.service.describeSchedule(KEY);
    expect(schedule?.state?.notes).toBe('ask Ada');
    expect(await refusal(it.service.createSchedule({ ...KEY, schedule: user, requestId: 'two' }))).toMatchObject({
      code: status.ALREADY_EXISTS,
    });
    await it.service.deleteSchedule(KEY);
    expect(await it.a.describe(ID)).toBeUndefined();
    expect(await it.b.describe(ID)).toBeUndefined();
    expect(await refusal(it.service.deleteSchedule(KEY))).toMatchObject({ code: status.NOT_FOUND });
    expect(await refusal(it.service.describeSchedule(KEY))).toMatchObject({ code: status.NOT_FOUND });
  });
});

test('a token holds while nothing that was shown has changed, also on the other side, and not a moment longer', async () => {
  const it = rig(['v1', 'v2']);
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    const shown = await it.service.describeSchedule(KEY);
    // By hand what a hand-over ends with: the other side owns it.
    const [own, copy] = [await there(it.a), await there(it.b)];
    const mark = { kind: 'standby', owner: 'b', migration: 'm', boundary: it.world.now(), userPaused: false } as const;
    await change(it.a, it.world, ID, own, standby(own.schedule, mark));
    await change(it.b, it.world, ID, copy, own.schedule);
    const edited = { ...shown.schedule, policies: { ...shown.schedule?.policies, pauseOnFailure: true } };
    const { conflictToken } = shown;
    await it.service.updateSchedule({ ...KEY, schedule: edited, conflictToken, requestId: 'u1' });
    expect((await there(it.b)).schedule.policies?.pauseOnFailure).toBe(true);
    expect(drift(await there(it.b), await there(it.a))).toEqual([]);
    // The boundary of the last hand-over is still told by the side that rests.
    expect(readNote((await there(it.a)).schedule.state?.notes).mark).toMatchObject({ boundary: expect.any(Number) });
    const again = { ...edited, policies: { ...edited.policies, pauseOnFailure: false } };
    expect(await refusal(it.service.updateSchedule({ ...KEY, schedule: again, conflictToken }))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: expect.stringContaining('nothing was written'),
    });
    expect((await there(it.b)).schedule.policies?.pauseOnFailure).toBe(true);
  });
});

test('behind a fence it is shown without it, and a write waits, then says that nothing was written', async () => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    const own = await there(it.a);
    const boundary = Math.floor(it.world.now() / 1000) * 1000 + 60_000;
    const fence = { kind: 'fence', to: 'b', migration: 'm', boundary } as const;
    await change(it.a, it.world, ID, own, fenced(own.schedule, fence));
    const { schedule } = await it.service.describeSchedule(KEY);
    expect(schedule?.state?.notes).toBe('ask Ada');
    expect(schedule?.spec?.endTime ?? null).toBeNull();
    const before = await there(it.a);
    for (const call of [
      it.service.patchSchedule({ ...KEY, patch: { pause: 'now' } }),
      it.service.patchSchedule({ ...KEY, patch: { triggerImmediately: {} } }),
      it.service.updateSchedule({ ...KEY, schedule: user }),
      it.service.deleteSchedule(KEY),
    ]) {
      expect(await refusal(call)).toMatchObject({
        code: status.UNAVAILABLE,
        message: expect.stringMatching(/changing clusters.*nothing was written/),
      });
    }
    expect((await there(it.a)).token).toEqual(before.token);
  });
});

test('an edit of a schedule that has just been opened keeps the bound that holds back the other side', async () => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    const [own, copy] = [await there(it.a), await there(it.b)];
    const boundary = Math.floor(it.world.now() / 1000) * 1000 + 3_000;
    const mark = { kind: 'standby', owner: 'b', migration: 'm', boundary, userPaused: false } as const;
    await change(it.a, it.world, ID, own, standby(own.schedule, mark));
    await change(it.b, it.world, ID, copy, opened(own.schedule, boundary, null));
    const shown = await it.service.describeSchedule(KEY);
    expect(shown.schedule?.spec?.startTime ?? null).toBeNull();
    const edited = { ...shown.schedule, policies: { ...shown.schedule?.policies, pauseOnFailure: true } };
    await it.service.updateSchedule({ ...KEY, schedule: edited, conflictToken: shown.conflictToken });
    const now = await there(it.b);
    expect(now.schedule.policies?.pauseOnFailure).toBe(true);
    expect(now.schedule.spec?.startTime).toEqual((await there(it.b)).schedule.spec?.startTime);
    expect(Math.floor((now.schedule.spec?.startTime?.nanos ?? 0) / 1e6)).toBe(337);
    // A start of the user's own that comes before it waits until the bound may go, and is then written.
    const start = millis(it.world.now() - 3_600_000);
    const started = { ...edited, spec: { ...edited.spec, startTime: start } };
    await it.service.updateSchedule({ ...KEY, schedule: started });
    expect(it.world.now()).toBeGreaterThan(boundary + 4_000);
    expect((await there(it.b)).schedule.spec?.startTime).toEqual(start);
    expect(drift(await there(it.b), await there(it.a))).toEqual([]);
  });
});

test('with the standby out of reach calls are answered, what it misses is told, and reconciling makes it good', async () => {
  const it = rig(['v2', 'v1']);
  await play(it, async () => {
    it.down.add('b');
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    await it.service.patchSchedule({ ...KEY, patch: { pause: 'holiday' } });
    expect(it.behind).toMatchObject([{ tenant: 'acme', schedule: ID, cluster: 'b' }]);
    it.down.clear();
    expect(await it.reconciled()).toEqual({ did: 'created' });
    expect(await it.reconciled()).toEqual({ did: 'nothing' });
    it.down.add('b');
    await it.service.deleteSchedule(KEY);
    expect(it.behind).toHaveLength(2);
    it.down.clear();
    expect(await it.reconciled()).toEqual({ did: 'removed' });
    expect(await it.b.describe(ID)).toBeUndefined();
  });
});

test('with the owner out of reach nothing is written, and the error says so', async () => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    it.down.add('a');
    const copy = (await there(it.b)).token;
    for (const call of [it.service.deleteSchedule(KEY), it.service.updateSchedule({ ...KEY, schedule: user })]) {
      expect(await refusal(call)).toMatchObject({ message: expect.stringContaining('nothing was written') });
    }
    expect((await there(it.b)).token).toEqual(copy);
  });
});

test('a copy that somebody edited is reported and left; one that is no copy of ours is never removed', async () => {
  const it = rig(['v1', 'v2']);
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    it.b.edit(ID, (s) => ({ ...s, policies: { ...s.policies, pauseOnFailure: true } }));
    await it.world.sleep(2_000);
    expect(await it.reconciled()).toMatchObject({
      did: 'refused',
      code: 'copy-edited',
      found: expect.stringContaining('policies'),
    });
    await it.service.patchSchedule({ ...KEY, patch: { pause: 'x' } });
    const { schedule, conflictToken } = await it.service.describeSchedule(KEY);
    await it.service.updateSchedule({ ...KEY, schedule: { ...schedule, state: { notes: 'y' } }, conflictToken });
    expect(it.behind).toMatchObject([{ found: expect.stringContaining('was edited there') }]);
    expect((await there(it.b)).schedule.policies?.pauseOnFailure).toBe(true);
    // Opened by hand, its note gone: nobody can tell whose it is.
    it.b.patch(ID, { unpause: 'by hand' });
    await it.world.sleep(2_000);
    expect(await it.reconciled()).toMatchObject({ did: 'refused', code: 'not-ours' });
    it.a.remove(ID);
    expect(await it.reconciled()).toMatchObject({ did: 'created' });
    expect(await it.b.describe(ID)).toBeDefined();
  });
});

test('a copy whose note stands but that somebody let run is shut', async () => {
  const it = rig();
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    it.b.edit(ID, (s) => ({ ...s, state: { ...s.state, paused: false } }));
    await it.world.sleep(2_000);
    expect(await it.reconciled()).toEqual({ did: 'updated' });
    expect((await there(it.b)).schedule.state?.paused).toBe(true);
  });
});

test('a trigger runs once on the owner; with its answer lost it is not sent again, and the caller is told', async () => {
  const it = rig(['v2', 'v2']);
  const ran = () =>
    [it.a, it.b].map(({ runs }) => [...runs.byId.values()].flat().filter(({ by }) => by === 'user').length);
  await play(it, async () => {
    await it.service.createSchedule({ ...KEY, schedule: user, requestId: 'one' });
    await it.service.patchSchedule({ ...KEY, patch: { triggerImmediately: {} } });
    await it.world.sleep(1_500);
    expect(ran()).toEqual([1, 0]);
    it.losing.add('patch');
    expect(await refusal(it.service.patchSchedule({ ...KEY, patch: { triggerImmediately: {} } }))).toMatchObject({
      code: status.UNAVAILABLE,
    });
    await it.world.sleep(1_500);
    expect(ran()).toEqual([2, 0]);
  });
});
