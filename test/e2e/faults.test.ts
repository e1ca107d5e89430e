import { afterAll, beforeAll, expect, test } from 'vitest';
import Long from 'long';
import proto from '@temporalio/proto';
import type { WorkflowHandle } from '@temporalio/client';
import type { MigrateTenant } from '../../src/workflows/migrate-tenant.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import type { PlannedSchedule } from '../../scripts/lib/tenant-load.ts';
import { losingAnswers } from '../support/faults.ts';
import {
  type World,
  createWorld,
  expectExactlyOnce,
  nowSeconds,
  progressOf,
  resultIsClean,
  untilPhase,
} from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(['baker', 'crash', 'hush', 'deaf', 'edit']);
});

afterAll(async () => {
  await world?.stop();
});

/** A worker has the page in hand for the so-many-th time. */
async function triesAgain(handle: WorkflowHandle<typeof MigrateTenant>, attempt: number): Promise<boolean> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities ?? []).some(
    (each) =>
      each.activityType?.name === 'cutOverPage' &&
      each.state === proto.temporal.api.enums.v1.PendingActivityState.PENDING_ACTIVITY_STATE_STARTED &&
      (each.attempt ?? 0) >= attempt,
  );
}

/** The next test's tenant should have the two cores to itself. */
async function deleteLoad(plan: PlannedSchedule[]): Promise<void> {
  for (const { connection, namespace } of Object.values(world.sides)) {
    for (const { id } of plan) {
      await connection.workflowService.deleteSchedule({ namespace, scheduleId: id }).catch((error: unknown) => {
        if (!String(error).includes('NOT_FOUND') && !String(error).includes('not found')) throw error;
      });
    }
  }
}

async function ranFor(from: number, seconds: number): Promise<void> {
  await waitFor({ what: 'the load to run' }, async () => nowSeconds() > from + seconds);
}

test('a rollback during the bake brings every schedule home without a double or a gap', async () => {
  const plan = await world.load('baker', 14);
  const ferry = await world.ferry();
  const from = nowSeconds() + 3;
  await ranFor(from, 3);
  const handle = await world.migrate('migrate/baker', { tenant: 'baker', workflows: 'none', bake: '1 hour' });
  await untilPhase(handle, 'baking');
  await handle.signal('rollback', { reason: 'p95 doubled' });
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'rolled-back', owner: 'cloud', reason: 'p95 doubled' });
  expect(resultIsClean(result)).toBe(true);
  await ranFor(nowSeconds(), 4);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
  await ferry.stop();
  await deleteLoad(plan);
});

test('a worker killed twice in the cut-over leaves nothing doubled, missing or half done, and the next goes on within a minute', async () => {
  const plan = await world.load('crash', 20);
  const from = nowSeconds() + 3;
  await ranFor(from, 3);
  let child = await world.ferryProcess();
  const handle = await world.migrate('migrate/crash', { tenant: 'crash', workflows: 'none', bake: '0', pageSize: 10 });
  await waitFor({ what: 'a fence on the source', timeoutMs: 90_000, everyMs: 50 }, async () => {
    const progress = await progressOf(handle);
    return progress.phase === 'cutting-over' && (await someFenced(plan));
  });
  for (let kill = 1; kill <= 2; kill++) {
    child.kill('SIGKILL');
    await waitFor({ what: 'its end' }, async () => child.signalCode !== null);
    child = await world.ferryProcess();
    // A dead worker is noticed by its missing heartbeats, within a minute.
    await waitFor({ what: `attempt ${kill + 1} of the page`, timeoutMs: 65_000, everyMs: 50 }, () =>
      triesAgain(handle, kill + 1),
    );
  }
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  expect(resultIsClean(result)).toBe(true);
  await ranFor(nowSeconds(), 3);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted'] });
  await expectAtRest(plan);
  child.kill('SIGTERM');
  await deleteLoad(plan);
});

// The server does not try an activity again whose cancel was asked for: the page has to be asked for anew.
test('a migration paused while its worker is dead goes on with resume, and nothing is taken back', async () => {
  const plan = await world.load('hush', 14);
  const from = nowSeconds() + 3;
  await ranFor(from, 3);
  const child = await world.ferryProcess();
  const handle = await world.migrate('migrate/hush', { tenant: 'hush', workflows: 'none', bake: '0', pageSize: 10 });
  await waitFor({ what: 'a fence on the source', timeoutMs: 90_000, everyMs: 50 }, async () => {
    const progress = await progressOf(handle);
    return progress.phase === 'cutting-over' && (await someFenced(plan));
  });
  child.kill('SIGKILL');
  await waitFor({ what: 'its end' }, async () => child.signalCode !== null);
  await handle.signal('pause');
  const ferry = await world.ferry();
  const givenUp = async () =>
    ((await handle.fetchHistory()).events ?? []).filter(
      ({ activityTaskTimedOutEventAttributes: timedOut }) => timedOut !== null && timedOut !== undefined,
    ).length;
  await waitFor({ what: 'the page to be given up', timeoutMs: 90_000 }, async () => (await givenUp()) > 0);
  await ranFor(nowSeconds(), 3);
  expect(await progressOf(handle)).toMatchObject({ phase: 'cutting-over', paused: true, rollbackReason: null });
  await handle.signal('resume');
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  expect(resultIsClean(result)).toBe(true);
  await ranFor(nowSeconds(), 3);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted'] });
  await expectAtRest(plan);
  await ferry.stop();
  await deleteLoad(plan);
});

test('acknowledgements lost after the write was applied neither double nor lose a run', async () => {
  const plan = await world.load('deaf', 14);
  const from = nowSeconds() + 3;
  await ranFor(from, 3);
  const faults = losingAnswers(['UpdateSchedule', 'CreateSchedule', 'StartWorkflowExecution', 'DeleteSchedule'], 3);
  const ferry = await world.ferry((profile) => (profile === 'control' ? [] : [faults.interceptor]));
  const result = await (await world.migrate('migrate/deaf', { tenant: 'deaf', workflows: 'none', bake: '0' })).result();
  expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  expect(resultIsClean(result)).toBe(true);
  expect(faults.lost.get('UpdateSchedule')).toBeGreaterThan(5);
  await ranFor(nowSeconds(), 3);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted'] });
  await expectAtRest(plan);
  await ferry.stop();
  await deleteLoad(plan);
});

test('what users edit, create and delete on the source between copy and cut-over crosses too', async () => {
  const plan = await world.load('edit', 12);
  const ferry = await world.ferry();
  const handle = await world.migrate('migrate/edit', {
    tenant: 'edit',
    workflows: 'none',
    bake: '0',
    approval: 'manual',
  });
  await untilPhase(handle, 'awaiting-approval');
  const { connection, namespace } = world.sides.cloud;
  const [edited, deleted] = [plan[0]?.id ?? '', plan[1]?.id ?? ''];
  const before = await connection.workflowService.describeSchedule({ namespace, scheduleId: edited });
  await connection.workflowService.updateSchedule({
    namespace,
    scheduleId: edited,
    schedule: {
      ...before.schedule,
      spec: { interval: [{ interval: { seconds: Long.fromNumber(4) } }] },
      state: { ...before.schedule?.state, notes: 'edited by its user' },
    },
    conflictToken: before.conflictToken,
  });
  await connection.workflowService.deleteSchedule({ namespace, scheduleId: deleted });
  const created = 'edit-created-late';
  await connection.workflowService.createSchedule({
    ...plan[2]?.request,
    namespace,
    scheduleId: created,
    requestId: created,
  });
  await handle.signal('proceed');
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  const target = world.sides.selfhosted;
  const describe = (scheduleId: string) =>
    target.connection.workflowService.describeSchedule({ namespace: target.namespace, scheduleId });
  const arrived = await describe(edited);
  expect(arrived.schedule?.spec?.interval?.[0]?.interval?.seconds?.toNumber()).toBe(4);
  expect(arrived.schedule?.state).toMatchObject({ notes: 'edited by its user' });
  expect(Boolean(arrived.schedule?.state?.paused)).toBe(false);
  expect(Boolean((await describe(created)).schedule?.state?.paused)).toBe(false);
  await expect(describe(deleted)).rejects.toThrow(/not found/i);
  await ferry.stop();
  await deleteLoad([...plan, { ...(plan[0] as PlannedSchedule), id: created }]);
});

async function someFenced(plan: PlannedSchedule[]): Promise<boolean> {
  const { connection, namespace } = world.sides.cloud;
  for (const { id } of plan) {
    const { schedule } = await connection.workflowService.describeSchedule({ namespace, scheduleId: id });
    if (schedule?.state?.notes?.startsWith('[ferry fence')) return true;
  }
  return false;
}

/** Read from the clusters, not from the report: the source rests, the target has what the user wrote. */
async function expectAtRest(plan: PlannedSchedule[]): Promise<void> {
  const { cloud, selfhosted } = world.sides;
  for (const { id, request } of plan) {
    const [rest, owner] = await Promise.all(
      [cloud, selfhosted].map(({ connection, namespace }) =>
        connection.workflowService.describeSchedule({ namespace, scheduleId: id }),
      ),
    );
    expect(rest?.schedule?.state?.paused, id).toBe(true);
    expect(rest?.schedule?.state?.notes, id).toMatch(/^\[ferry standby owner=selfhosted/);
    expect(owner?.schedule?.state?.notes ?? '', id).toBe(request.schedule?.state?.notes ?? '');
    expect(owner?.schedule?.spec?.startTime?.nanos ?? 0, id).toBe(0);
    expect(owner?.schedule?.spec?.endTime?.nanos ?? 0, id).toBe(0);
    expect(owner?.schedule?.action?.startWorkflow?.input, id).toEqual(rest?.schedule?.action?.startWorkflow?.input);
    expect(owner?.schedule?.action?.startWorkflow?.header, id).toEqual(rest?.schedule?.action?.startWorkflow?.header);
  }
}
