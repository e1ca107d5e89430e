/** Pages of schedules paused and let run again: what is counted, who is asked, and what a cut or a silent cluster means. */
import { Metadata, status } from '@grpc/grpc-js';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import type { FerryDeps } from '../../src/activities/deps.ts';
import { pausePage, unpausePage } from '../../src/activities/pause.ts';
import type { PausePageInput, UnpausePageResult } from '../../src/activities/types.ts';
import { UnknownProfile } from '../../src/clusters/profiles.ts';
import { readPause, writePause } from '../../src/schedules/pause-note.ts';
import { standby } from '../../src/schedules/shapes.ts';
import type { Schedule } from '../../src/schedules/times.ts';
import { seconds } from './schedules/forms.ts';

const user: Schedule = { spec: { interval: [{ interval: seconds(60) }] }, state: { notes: 'nightly' } };
const ours: Schedule = {
  ...user,
  state: { paused: true, notes: writePause({ by: 'pause/acme', at: 1_800_000_000_000 }, 'nightly') },
};
const theirs: Schedule = { ...user, state: { notes: 'nightly', paused: true } };
const copy = standby(user, { kind: 'standby', owner: 'cloud', migration: 'm' });

class TestCluster {
  readonly profile: string;
  readonly namespace = 'n';
  readonly schedules: Map<string, Schedule>;
  describes = 0;
  next = '';
  fails: (id: string) => Error | undefined = () => undefined;

  constructor(profile: string, schedules: Record<string, Schedule>) {
    this.profile = profile;
    this.schedules = new Map(Object.entries(schedules));
  }

  call = async () => ({
    schedules: [...this.schedules.keys()].map((scheduleId) => ({ scheduleId })),
    nextPageToken: Buffer.from(this.next),
  });

  describe = async (id: string) => {
    this.describes++;
    const error = this.fails(id);
    if (error) throw error;
    const schedule = this.schedules.get(id);
    const seen = { futureMs: [], recent: [], running: [], buffered: 0, remaining: 0, engine: 'v2' };
    return schedule && { ...seen, schedule, token: Buffer.from(JSON.stringify(schedule.state)) };
  };

  update = async (id: string, schedule: Schedule) => {
    this.schedules.set(id, schedule);
    return 'accepted';
  };
}

const trouble = () =>
  Object.assign(new Error('14 UNAVAILABLE: no route'), {
    code: status.UNAVAILABLE,
    details: 'no route',
    metadata: new Metadata(),
  });

function rig(cloud: Record<string, Schedule>, selfhosted: Record<string, Schedule> = {}) {
  const clusters = { cloud: new TestCluster('cloud', cloud), selfhosted: new TestCluster('selfhosted', selfhosted) };
  const get = (profile: string): TestCluster => {
    if (profile === 'cloud' || profile === 'selfhosted') return clusters[profile];
    throw new UnknownProfile(`no profile "${profile}"`);
  };
  const env = new MockActivityEnvironment();
  const deps = { clusters: { get } } as unknown as FerryDeps;
  const input: PausePageInput = {
    tenant: 'acme',
    step: 'pause/acme',
    cluster: 'cloud',
    other: 'selfhosted',
    selection: { all: true },
    pageSize: 10,
  };
  const unpause = async (change: Partial<PausePageInput> = {}): Promise<UnpausePageResult> =>
    env.run((asked: PausePageInput) => unpausePage(deps, asked), { ...input, ...change });
  return { ...clusters, env, deps, input, unpause };
}

test('counts what it paused and what it left, asks the other side about nothing, and goes on from its page', async () => {
  const it = rig({
    a: user,
    b: theirs,
    c: ours,
    d: standby(user, { kind: 'standby', owner: 'selfhosted', migration: 'm' }),
  });
  it.cloud.next = 'more';
  const page = await it.env.run(pausePage, it.deps, it.input);
  expect(page).toEqual({
    seen: 4,
    paused: 1,
    already: 1,
    userPaused: 1,
    standby: 1,
    gone: 0,
    refused: [],
    next: Buffer.from('more').toString('base64'),
  });
  expect(it.selfhosted.describes).toBe(0);
  expect(readPause(it.cloud.schedules.get('a')?.state?.notes)).toMatchObject({
    pause: { by: 'pause/acme' },
    user: 'nightly',
  });
  expect(await it.env.run(pausePage, it.deps, it.input)).toMatchObject({ paused: 0, already: 2 });
});

test('lets run again what it paused, and names the rest with its reason', async () => {
  const it = rig({ a: ours, b: theirs, c: user, d: ours }, { a: copy, d: user });
  expect(await it.env.run(unpausePage, it.deps, it.input)).toMatchObject({ seen: 4, unpaused: 1, running: 1, gone: 0 });
  expect(it.cloud.schedules.get('a')?.state).toMatchObject({ paused: false, notes: 'nightly' });
  const { refused } = await it.unpause();
  expect(refused.map(({ object, code }) => `${object} ${code}`).toSorted()).toEqual([
    'schedule b user-paused',
    'schedule d other-side-active',
  ]);
  expect(it.cloud.schedules.get('d')?.state?.paused).toBe(true);
});

test('another side that does not answer keeps everything paused, and is not asked about each', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`s${n}`, ours]));
  const it = rig(many);
  it.selfhosted.fails = trouble;
  const { unpaused, refused } = await it.unpause();
  expect(unpaused).toBe(0);
  expect(refused).toHaveLength(100);
  expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['other-side-silent']));
  expect(refused[0]?.found).toContain('selfhosted cannot be asked whether it runs there: 14 UNAVAILABLE');
  // Those that were on their way when it fell silent.
  expect(it.selfhosted.describes).toBeLessThanOrEqual(16);
  for (const other of ['nowhere', null]) {
    const page = await it.unpause({ other });
    expect(page.refused.map(({ code }) => code)).toEqual(Array(100).fill('other-side-silent'));
  }
});

test('trouble with one question is that of one schedule', async () => {
  const it = rig({ a: ours, b: ours }, { b: copy });
  it.selfhosted.fails = (id) => (id === 'a' ? new Error('3 INVALID_ARGUMENT') : undefined);
  const page = await it.env.run(unpausePage, it.deps, it.input);
  expect(page).toMatchObject({ unpaused: 1, refused: [{ object: 'schedule a', code: 'other-side-silent' }] });
});

test('trouble with the cluster itself is the page’s, and is tried again', async () => {
  const it = rig({ a: user });
  it.cloud.fails = trouble;
  await expect(it.env.run(pausePage, it.deps, it.input)).rejects.toThrow('no route');
  await expect(it.env.run(pausePage, it.deps, { ...it.input, cluster: 'nowhere' })).rejects.toMatchObject({
    type: 'InvalidInput',
    message: 'The worker cannot reach nowhere: no profile "nowhere".',
  });
});

test('cut short it is asked for again, and nothing is counted', async () => {
  const it = rig(Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`s${n}`, user])));
  it.cloud.fails = () => {
    it.env.cancel();
    return undefined;
  };
  expect(await it.env.run(pausePage, it.deps, it.input)).toEqual({
    seen: 0,
    paused: 0,
    already: 0,
    userPaused: 0,
    standby: 0,
    gone: 0,
    refused: [],
    next: 'first',
  });
  expect(await it.env.run(pausePage, it.deps, { ...it.input, cursor: 'here' })).toMatchObject({ next: 'here' });
});
