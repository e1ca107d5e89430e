/** Pausing and letting run again on two simulated clusters: what is done, what is left, and that no copy is ever opened. */
import { expect, test } from 'vitest';
import { change } from '../../../../src/schedules/change.ts';
import { createStandby } from '../../../../src/schedules/copying.ts';
import { readPause } from '../../../../src/schedules/pause-note.ts';
import type { Described, Engine } from '../../../../src/schedules/ports.ts';
import { fenced, opened, standby } from '../../../../src/schedules/shapes.ts';
import type { Schedule } from '../../../../src/schedules/times.ts';
import {
  type Pausing,
  pauseSchedule,
  type Refused,
  unpauseSchedule,
} from '../../../../src/services/schedules/pausing.ts';
import { Policy } from '../../../simulator/buffer.ts';
import { SimCluster } from '../../../simulator/cluster.ts';
import { World } from '../../../simulator/world.ts';
import { seconds } from '../../../simulator/written.ts';

const ID = 's';
const NOTE = 'ask Ada\nbefore noon';
const user: Schedule = {
  spec: { interval: [{ interval: seconds(60), phase: seconds(0) }] },
  action: { startWorkflow: { workflowId: 's-run', workflowType: { name: 'w' }, taskQueue: { name: 'q' } } },
  policies: { overlapPolicy: Policy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, catchupWindow: seconds(3_600) },
  state: { notes: NOTE },
};
const ENGINES: [Engine, Engine][] = [
  ['v1', 'v1'],
  ['v2', 'v1'],
  ['v1', 'v2'],
  ['v2', 'v2'],
];

interface Rig {
  world: World;
  a: SimCluster;
  b: SimCluster;
  /** On `a`; the other side is `b`. */
  here: Pausing;
  /** The other way round. */
  there: Pausing;
  /** Profiles that do not answer. */
  down: Set<string>;
  asked: string[];
}

function rig(engines: [Engine, Engine] = ['v1', 'v2']): Rig {
  const world = new World(11);
  const [a, b] = [
    new SimCluster(world, 'a', { engine: engines[0] }),
    new SimCluster(world, 'b', { engine: engines[1] }),
  ];
  const down = new Set<string>();
  const asked: string[] = [];
  const pausing = (cluster: SimCluster, other: SimCluster): Pausing => ({
    cluster,
    other: {
      profile: other.profile,
      ask: async (id) => {
        asked.push(other.profile);
        return down.has(other.profile) ? { silent: 'no route' } : { seen: await other.describe(id) };
      },
    },
    time: world,
    by: 'pause/acme 1',
  });
  return { world, a, b, here: pausing(a, b), there: pausing(b, a), down, asked };
}

async function play(it: Rig, scene: () => Promise<void>): Promise<void> {
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

async function on(cluster: SimCluster): Promise<Described> {
  const described = await cluster.describe(ID);
  if (!described) throw new Error(`${cluster.profile} does not have it`);
  return described;
}

/** Owned by `a`, with its copy on `b`. */
async function owned(it: Rig, schedule = user): Promise<void> {
  await it.a.create(ID, { schedule });
  const copying = { source: it.a, target: it.b, time: it.world, migration: 'copy/acme' };
  await createStandby(copying, ID, await on(it.a));
}

async function write(it: Rig, cluster: SimCluster, schedule: Schedule): Promise<void> {
  await change(cluster, it.world, ID, await on(cluster), schedule);
}

const codeOf = (done: { did: string } | Refused): string => ('code' in done ? done.code : done.did);

test.each(ENGINES)('what is paused says so, and is as its user wrote it when it runs again (%s, %s)', async (...of) => {
  const it = rig(of);
  await play(it, async () => {
    await owned(it);
    const before = await on(it.a);
    expect(await pauseSchedule(it.here, ID)).toEqual({ did: 'paused' });
    const paused = await on(it.a);
    expect(paused.schedule.state?.paused).toBe(true);
    const { pause, user: note } = readPause(paused.schedule.state?.notes);
    expect(pause?.by).toBe('pause/acme 1');
    expect(note).toBe(NOTE);
    expect(paused.schedule.state?.notes).toContain('UnpauseSchedules lets it run again');
    // The other side is not needed for it, and is not written.
    expect(it.asked).toEqual([]);
    expect((await on(it.b)).schedule.state?.paused).toBe(true);

    // Nothing more is written by asking again.
    expect(await pauseSchedule(it.here, ID)).toEqual({ did: 'already' });
    expect((await on(it.a)).token).toEqual(paused.token);

    expect(await unpauseSchedule(it.here, ID)).toEqual({ did: 'unpaused' });
    const after = await on(it.a);
    expect({ ...after.schedule.state, paused: false }).toEqual({ ...before.schedule.state, paused: false });
    expect(after.schedule.spec).toEqual(before.schedule.spec);
    expect(await unpauseSchedule(it.here, ID)).toEqual({ did: 'running' });
    expect((await on(it.a)).token).toEqual(after.token);
  });
});

test('a schedule without a copy and without a note', async () => {
  const it = rig();
  await play(it, async () => {
    await it.a.create(ID, { schedule: { ...user, state: {} } });
    expect(await pauseSchedule(it.here, ID)).toEqual({ did: 'paused' });
    expect(await unpauseSchedule(it.here, ID)).toEqual({ did: 'unpaused' });
    expect((await on(it.a)).schedule.state?.notes ?? '').toBe('');
    await it.a.delete(ID);
    expect(await pauseSchedule(it.here, ID)).toEqual({ did: 'gone' });
    expect(await unpauseSchedule(it.here, ID)).toEqual({ did: 'gone' });
  });
});

test('what its user paused is left alone by both', async () => {
  const it = rig();
  await play(it, async () => {
    await owned(it, { ...user, state: { notes: NOTE, paused: true } });
    const { token } = await on(it.a);
    expect(await pauseSchedule(it.here, ID)).toEqual({ did: 'userPaused' });
    expect(codeOf(await unpauseSchedule(it.here, ID))).toBe('user-paused');
    expect((await on(it.a)).token).toEqual(token);
  });
});

test('a pause of ours whose note somebody has replaced is theirs', async () => {
  const it = rig();
  await play(it, async () => {
    await owned(it);
    await pauseSchedule(it.here, ID);
    await write(it, it.a, { ...user, state: { paused: true, notes: 'wait for Bob' } });
    expect(codeOf(await unpauseSchedule(it.here, ID))).toBe('user-paused');
    expect((await on(it.a)).schedule.state).toMatchObject({ paused: true, notes: 'wait for Bob' });
  });
});

test('a paused copy is never opened, and an open one is told and left', async () => {
  const it = rig();
  await play(it, async () => {
    await owned(it);
    const copy = await on(it.b);
    expect(await pauseSchedule(it.there, ID)).toEqual({ did: 'standby' });
    expect(codeOf(await unpauseSchedule(it.there, ID))).toBe('standby-copy');
    expect((await on(it.b)).token).toEqual(copy.token);
    // Also where its owner was paused by us, and by whichever mark the copy kept of its user.
    await pauseSchedule(it.here, ID);
    const mark = { kind: 'standby', owner: 'a', migration: 'm', boundary: 60_000, userPaused: true } as const;
    await write(it, it.b, standby((await on(it.a)).schedule, mark));
    expect((await on(it.b)).schedule.state?.notes).toContain('[ferry paused ');
    expect(codeOf(await unpauseSchedule(it.there, ID))).toBe('standby-copy');
    expect((await on(it.b)).schedule.state?.paused).toBe(true);

    const open = await on(it.b);
    await write(it, it.b, { ...open.schedule, state: { ...open.schedule.state, paused: false } });
    const { token } = await on(it.b);
    expect(codeOf(await pauseSchedule(it.there, ID))).toBe('standby-copy');
    expect(codeOf(await unpauseSchedule(it.there, ID))).toBe('standby-copy');
    expect((await on(it.b)).token).toEqual(token);
  });
});

test('it does not run again while the other side is active, cannot be asked, or nobody can tell whose it is', async () => {
  const it = rig();
  await play(it, async () => {
    await owned(it);
    await pauseSchedule(it.here, ID);
    const still = async (code: string): Promise<void> => {
      expect(codeOf(await unpauseSchedule(it.here, ID))).toBe(code);
      expect((await on(it.a)).schedule.state?.paused).toBe(true);
    };
    it.down.add('b');
    await still('other-side-silent');
    it.down.clear();
    // Somebody opened the copy.
    const copy = await on(it.b);
    await write(it, it.b, { ...copy.schedule, state: { ...copy.schedule.state, paused: false } });
    await still('other-side-active');
    // Another tool's, paused or not.
    await write(it, it.b, { ...user, state: { notes: 'mine' } });
    await still('other-side-active');
    await write(it, it.b, { ...user, state: { notes: 'mine', paused: true } });
    await still('not-ours');
    await write(it, it.b, standby(user, { kind: 'standby', owner: 'c', migration: 'm' }));
    await still('not-ours');
    await it.b.delete(ID);
    expect(await unpauseSchedule(it.here, ID)).toEqual({ did: 'unpaused' });
  });
});

test('what is between two owners is left to its hand-over, on both sides', async () => {
  const it = rig();
  await play(it, async () => {
    await owned(it);
    await pauseSchedule(it.here, ID);
    const paused = (await on(it.a)).schedule;
    const boundary = Math.ceil(it.world.now() / 1000) * 1000 + 600_000;
    const fence = { kind: 'fence', to: 'b', migration: 'm', boundary } as const;
    const left = async (): Promise<void> => {
      const tokens = [(await on(it.a)).token, (await on(it.b)).token];
      expect(codeOf(await pauseSchedule(it.here, ID))).toBe('in-handover');
      expect(codeOf(await unpauseSchedule(it.here, ID))).toBe('in-handover');
      expect([(await on(it.a)).token, (await on(it.b)).token]).toEqual(tokens);
    };
    await write(it, it.a, fenced(paused, fence));
    await left();
    await write(it, it.b, opened(user, boundary, null));
    await left();
    // Seen from the side that takes over: unmarked, and bounded by us.
    expect(codeOf(await pauseSchedule(it.there, ID))).toBe('in-handover');
    it.down.add('a');
    expect(codeOf(await pauseSchedule(it.there, ID))).toBe('other-side-silent');
    it.down.clear();
    // Handed over, with the bound left on: the other side tells, and it is paused.
    await write(it, it.a, standby(user, { kind: 'standby', owner: 'b', migration: 'm', boundary }));
    expect(await pauseSchedule(it.there, ID)).toEqual({ did: 'paused' });
    expect(await unpauseSchedule(it.there, ID)).toEqual({ did: 'unpaused' });
  });
});

test('a hand-over that begins between the look and the write wins', async () => {
  for (const engine of ['v1', 'v2'] as const) {
    const it = rig([engine, 'v1']);
    await play(it, async () => {
      await owned(it);
      await pauseSchedule(it.here, ID);
      const boundary = Math.ceil(it.world.now() / 1000) * 1000 + 600_000;
      const fence = { kind: 'fence', to: 'b', migration: 'm', boundary } as const;
      let looks = 0;
      const late: Pausing = {
        ...it.here,
        other: {
          profile: 'b',
          ask: async (id) => {
            const seen = await it.b.describe(id);
            if (++looks === 1) await write(it, it.a, fenced((await on(it.a)).schedule, fence));
            return { seen };
          },
        },
      };
      expect(codeOf(await unpauseSchedule(late, ID))).toBe('in-handover');
      expect(looks).toBe(1);
      expect((await on(it.a)).schedule.state?.paused).toBe(true);
      expect((await on(it.a)).schedule.state?.notes).toContain('[ferry fence ');
    });
  }
});

test('a user who edits meanwhile loses nothing', async () => {
  for (const engine of ['v1', 'v2'] as const) {
    const it = rig([engine, 'v1']);
    await play(it, async () => {
      await owned(it);
      let edited = false;
      const cluster = new Proxy(it.a, {
        get: (target, name) => {
          if (name !== 'update' || edited) return Reflect.get(target, name);
          return async (...args: Parameters<SimCluster['update']>) => {
            edited = true;
            await write(it, it.a, { ...user, state: { notes: 'ask Bob' } });
            return await it.a.update(...args);
          };
        },
      });
      expect(await pauseSchedule({ ...it.here, cluster }, ID)).toEqual({ did: 'paused' });
      expect(readPause((await on(it.a)).schedule.state?.notes).user).toBe('ask Bob');
    });
  }
});

test('a note without room for the mark, and one that is changed all the time', async () => {
  const it = rig();
  await play(it, async () => {
    await owned(it, { ...user, state: { notes: 'x'.repeat(960) } });
    expect(codeOf(await pauseSchedule(it.here, ID))).toBe('note-too-long');
    expect((await on(it.a)).schedule.state?.paused ?? false).toBe(false);
    await write(it, it.a, { ...user, state: { notes: 'x'.repeat(900) } });
    const cluster = new Proxy(it.a, {
      get: (target, name) => (name === 'update' ? async () => 'conflict' : Reflect.get(target, name)),
    });
    expect(codeOf(await pauseSchedule({ ...it.here, cluster }, ID))).toBe('changed-too-often');
    expect(await pauseSchedule(it.here, ID)).toEqual({ did: 'paused' });
    expect(readPause((await on(it.a)).schedule.state?.notes).user).toBe('x'.repeat(900));
  });
});
