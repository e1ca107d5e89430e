/** What people do to a migration and to its copies at the worst moment. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyword, duration } from '../../scripts/lib/payloads.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { Cluster } from '../../src/clusters/cluster.ts';
import { Profiles } from '../../src/clusters/profiles.ts';
import { runId } from '../../src/schedules/times.ts';
import { readRuns } from '../support/ledger.ts';
import { type World, createWorld, nowSeconds, progressOf, untilPhase } from '../support/world.ts';

type Side = 'cloud' | 'selfhosted';
let world: World;

beforeAll(async () => {
  world = await createWorld(['zombie', 'opened', 'endless'], { selfhosted: 'v2' });
  await world.ferry();
});

afterAll(async () => {
  await world?.stop();
});

/** Runs of one with `openForS` stay open for so long, until they time out. */
async function create(tenant: string, scheduleId: string, everyS: number, openForS?: number): Promise<void> {
  const { connection, namespace } = world.sides.cloud;
  await connection.workflowService.createSchedule({
    namespace,
    scheduleId,
    requestId: randomUUID(),
    searchAttributes: { indexedFields: { TenantId: keyword(tenant) } },
    schedule: {
      spec: { interval: [{ interval: duration(everyS) }] },
      action: {
        startWorkflow: {
          workflowId: `${scheduleId}-run`,
          workflowType: { name: openForS === undefined ? 'quick' : 'endless' },
          taskQueue: { name: `${tenant}-work` },
          workflowRunTimeout: duration(openForS ?? 60),
        },
      },
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

describe.concurrent('people', { timeout: 170_000 }, () => {
  test('who terminate a migration behind a fence and take its tenant back find it where they took it', async () => {
    const id = 'zombie-1';
    await create('zombie', id, 20, 14);
    const running = await waitFor({ what: 'an open run', timeoutMs: 40_000, everyMs: 50 }, async () => {
      const { info } = await read('cloud', id);
      return (info?.runningWorkflows?.length ?? 0) > 0 && info?.recentActions?.at(-1)?.actualTime?.seconds?.toNumber();
    });
    const first = await world.migrate('migrate/zombie-1', { tenant: 'zombie', workflows: 'none', bake: '0' });
    await untilFenced(id);
    // The activity hears of the termination with its next heartbeat; its schedule's run ends before that.
    await waitFor({ what: 'its last seconds', everyMs: 50 }, async () => nowSeconds() >= running + 11);
    await first.terminate('by mistake');
    const back = { tenant: 'zombie', workflows: 'none', from: 'selfhosted', to: 'cloud', bake: '0' };
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
    const handle = await world.migrate('migrate/opened', {
      tenant: 'opened',
      workflows: 'none',
      bake: '0',
      approval: 'manual',
    });
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
    const input = { tenant: 'endless', workflows: 'none', bake: '0', openRunLimit: '1 hour' };
    const handle = await world.migrate('migrate/endless', input);
    await untilFenced(id);
    const asked = Date.now();
    await handle.signal('rollback', { reason: 'it takes too long' });
    expect(await handle.result()).toMatchObject({ outcome: 'rolled-back', owner: 'cloud' });
    // Half a minute of it is the second look.
    expect(Date.now() - asked).toBeLessThan(75_000);
    await expectOwner(id, 'cloud');
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
