/** What people do to a migration and to its copies at the worst moment. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import proto from '@temporalio/proto';
import { keyword, duration } from '../../scripts/lib/payloads.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { Cluster } from '../../src/clusters/cluster.ts';
import { Profiles } from '../../src/clusters/profiles.ts';
import { runId } from '../../src/schedules/times.ts';
import { refusing } from '../support/faults.ts';
import { readRuns } from '../support/ledger.ts';
import { type World, createWorld, nowSeconds, progressOf, untilPhase } from '../support/world.ts';

const { SCHEDULE_OVERLAP_POLICY_ALLOW_ALL: ALLOW_ALL, SCHEDULE_OVERLAP_POLICY_SKIP: SKIP } =
  proto.temporal.api.enums.v1.ScheduleOverlapPolicy;
type Side = 'cloud' | 'selfhosted';
let world: World;
/** Schedules whose writes on `selfhosted` are refused, as if somebody were faster every time. */
const raced = new Set<string>();

beforeAll(async () => {
  world = await createWorld(['zombie', 'opened', 'endless', 'late'], { selfhosted: 'v2' });
  const race = refusing('UpdateSchedule', (id) => raced.has(id));
  await world.ferry((profile) => (profile === 'selfhosted' ? [race] : []));
});

afterAll(async () => {
  await world?.stop();
});

/** Nobody has the type of an `openFor` schedule: its runs stay open until they time out. */
async function create(
  tenant: string,
  scheduleId: string,
  everyS: number,
  openForS?: number,
  jitterS = 0,
): Promise<void> {
  const { connection, namespace } = world.sides.cloud;
  await connection.workflowService.createSchedule({
    namespace,
    scheduleId,
    requestId: randomUUID(),
    searchAttributes: { indexedFields: { TenantId: keyword(tenant) } },
    schedule: {
      spec: { interval: [{ interval: duration(everyS) }], jitter: duration(jitterS) },
      action: {
        startWorkflow: {
          workflowId: `${scheduleId}-run`,
          workflowType: { name: openForS === undefined ? 'quick' : 'nobody-has-this' },
          taskQueue: { name: `${tenant}-work` },
          workflowRunTimeout: duration(openForS ?? 60),
        },
      },
      policies: { overlapPolicy: jitterS > 0 ? ALLOW_ALL : SKIP },
      state: { notes: 'nightly' },
    },
  });
}

function read(side: Side, scheduleId: string) {
  const { connection, namespace } = world.sides[side];
  return connection.workflowService.describeSchedule({ namespace, scheduleId });
}

async function stateOf(side: Side, id: string): Promise<{ paused: boolean; notes: string }> {
  const { schedule } = await read(side, id);
  return { paused: Boolean(schedule?.state?.paused), notes: schedule?.state?.notes ?? '' };
}

const untilFenced = (id: string) =>
  waitFor({ what: `a fence on ${id}`, timeoutMs: 60_000, everyMs: 50 }, async () =>
    (await stateOf('cloud', id)).notes.startsWith('[ferry fence'),
  );

/** Where it runs, and that the other side rests. */
async function expectOwner(id: string, owner: Side): Promise<void> {
  expect(await stateOf(owner, id), id).toEqual({ paused: false, notes: 'nightly' });
  const rest = await stateOf(owner === 'cloud' ? 'selfhosted' : 'cloud', id);
  expect(rest.paused, id).toBe(true);
  expect(rest.notes, id).toMatch(new RegExp(`^\\[ferry standby owner=${owner}`));
}

async function isBounded(id: string): Promise<boolean> {
  return ((await read('selfhosted', id)).schedule?.spec?.startTime?.nanos ?? 0) > 0;
}

describe.concurrent('people', { timeout: 170_000 }, () => {
  test('who terminate a migration behind a fence and take its tenant back find it where they took it', async () => {
    const id = 'zombie-1';
    await create('zombie', id, 20, 14);
    const first = await world.migrate('migrate/zombie-1', { tenant: 'zombie', bake: '0' });
    await untilFenced(id);
    // The activity hears of the termination with its next heartbeat; its schedule's run ends before that.
    const running = await waitFor({ what: 'an open run', timeoutMs: 40_000, everyMs: 50 }, async () => {
      const { info } = await read('cloud', id);
      return (info?.runningWorkflows?.length ?? 0) > 0 && info?.recentActions?.at(-1)?.actualTime?.seconds?.toNumber();
    });
    await waitFor({ what: 'its last seconds', everyMs: 50 }, async () => nowSeconds() >= running + 11);
    await first.terminate('by mistake');
    const back = { tenant: 'zombie', from: 'selfhosted', to: 'cloud', bake: '0' };
    const second = await (await world.migrate('migrate/zombie-2', back)).result();
    expect(second).toMatchObject({ outcome: 'completed', owner: 'cloud' });
    const until = nowSeconds() + 30;
    await waitFor({ what: 'what the first one does', timeoutMs: 60_000, everyMs: 500 }, async () => {
      await expectOwner(id, 'cloud');
      return nowSeconds() > until;
    });
  });

  test('who unpause a copy before the cut-over are told what it ran, and nobody runs it twice from then on', async () => {
    const [edited, patched] = ['opened-1', 'opened-2'];
    await create('opened', edited, 1);
    await create('opened', patched, 5);
    const from = nowSeconds();
    const handle = await world.migrate('migrate/opened', { tenant: 'opened', bake: '0', approval: 'manual' });
    await untilPhase(handle, 'awaiting-approval');
    const { connection, namespace } = world.sides.selfhosted;
    const { schedule } = await read('selfhosted', edited);
    const state = { ...schedule?.state, paused: false };
    await connection.workflowService.updateSchedule({
      namespace,
      scheduleId: edited,
      schedule: { ...schedule, state },
    });
    await connection.workflowService.patchSchedule({
      namespace,
      scheduleId: patched,
      patch: { unpause: 'by mistake' },
    });
    const opened = nowSeconds();
    await waitFor(
      { what: 'more runs than a schedule shows', timeoutMs: 40_000 },
      async () => nowSeconds() > opened + 14,
    );
    await handle.signal('proceed');

    // An unpause over the note leaves nothing that tells the copy from a schedule of its own: not touched.
    const refused = await waitFor({ what: 'the refusal', timeoutMs: 60_000 }, async () => {
      const { failures } = await progressOf(handle);
      return failures.length > 0 && failures;
    });
    expect(refused).toMatchObject([{ object: `schedule ${patched}`, code: 'not-ours' }]);
    await connection.workflowService.deleteSchedule({ namespace, scheduleId: patched });

    const held = await waitFor({ what: 'the hold', timeoutMs: 120_000 }, async () => {
      const progress = await progressOf(handle);
      return /ledger is not clean/.test(progress.waitingFor ?? '') && progress;
    });
    expect(held).toMatchObject({ phase: 'settling', schedules: { handedOver: 2, failed: 0 } });
    await expectOwner(edited, 'selfhosted');
    await expectOwner(patched, 'selfhosted');
    const rest = await stateOf('cloud', edited);
    const boundary = Date.parse(/ b=(\S+)/.exec(rest.notes)?.[1] ?? '') / 1000;
    const all = await readRuns({ sides: Object.values(world.sides), ids: [edited], from });
    const runs = all.get(edited) ?? [];
    const early = runs.filter(({ side, nominal }) => side === 'selfhosted' && nominal < boundary);
    expect(early.length).toBeGreaterThan(10);
    expect(held.audit.wrongSide).toBe(early.length);
    const since = runs.map(({ nominal }) => nominal).filter((nominal) => nominal >= boundary);
    expect(new Set(since).size).toBe(since.length);
    await handle.signal('proceed');
    expect(await handle.result()).toMatchObject({ outcome: 'completed', accepted: { wrongSide: early.length } });
  });

  test('who roll back do not wait for a run that is open', async () => {
    const id = 'endless-1';
    await create('endless', id, 10, 600);
    await waitFor(
      { what: 'an open run', timeoutMs: 30_000 },
      async () => ((await read('cloud', id)).info?.runningWorkflows?.length ?? 0) > 0,
    );
    const input = { tenant: 'endless', bake: '0', openRunLimit: '1 hour' };
    const handle = await world.migrate('migrate/endless', input);
    await untilFenced(id);
    const asked = Date.now();
    await handle.signal('rollback', { reason: 'it takes too long' });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled-back', owner: 'cloud' });
    // Half a minute of it is the second look.
    expect(Date.now() - asked).toBeLessThan(75_000);
    await expectOwner(id, 'cloud');
  });

  test('who edit a schedule whenever its late bound is about to come off are told in the result', async () => {
    // With a jitter as long as this a few of them cannot do without a bound for longer than the cut-over waits.
    const ids = Array.from({ length: 60 }, (_, i) => `late-${i}`);
    for (const id of ids) await create('late', id, 16, undefined, 24);
    const input = { tenant: 'late', bake: '1 hour', bakeCheckEvery: '10 seconds' };
    const handle = await world.migrate('migrate/late', input);
    await untilPhase(handle, 'baking');
    const bounded: string[] = [];
    for (const id of ids) if (await isBounded(id)) bounded.push(id);
    const [late = 'none was bounded'] = bounded;
    expect(ids).toContain(late);
    raced.add(late);
    const { breaches } = await waitFor({ what: 'the breach', timeoutMs: 120_000 }, async () => {
      const progress = await progressOf(handle);
      return progress.breaches.length > 0 && progress;
    });
    const told = { schedule: late, kind: 'none-active', repaired: false };
    expect(breaches[0]).toMatchObject(told);
    expect(breaches[0]?.detail).toContain('its handover is not complete: it was looked at anew 30 times');
    expect(await isBounded(late)).toBe(true);
    raced.clear();
    await handle.signal('proceed');
    const result = await handle.result();
    expect(result).toMatchObject({ outcome: 'completed', audit: { duplicates: 0, wrongSide: 0 } });
    expect(result.breaches).toContainEqual(expect.objectContaining(told));
    expect(result.notes.join()).toContain(`schedule ${late} was none-active, not repaired`);
    await expectOwner(late, 'selfhosted');
    expect(await isBounded(late)).toBe(false);
  });
});

test.each<Side>(['cloud', 'selfhosted'])('a run on %s tells which schedule has started it', async (side) => {
  const { info } = await read(side, side === 'cloud' ? 'zombie-1' : 'opened-1');
  const workflowId = info?.recentActions?.at(-1)?.startWorkflowResult?.workflowId ?? '';
  const cluster = Cluster.open(new Profiles(world.stack.configFile).load(side));
  try {
    expect(await cluster.describeRun(workflowId)).toMatchObject({
      scheduleId: side === 'cloud' ? 'zombie-1' : 'opened-1',
    });
    expect(await cluster.describeRun(runId('never', 0))).toBeUndefined();
  } finally {
    await cluster.close();
  }
});
