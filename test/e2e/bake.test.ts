import { afterAll, beforeAll, expect, test } from 'vitest';
import Long from 'long';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type World, createWorld, nowSeconds, progressOf, resultIsClean, untilPhase } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(['watch', 'carry']);
  await world.ferry();
});

afterAll(async () => {
  await world?.stop();
});

function describe(side: 'cloud' | 'selfhosted', scheduleId: string) {
  const { connection, namespace } = world.sides[side];
  return connection.workflowService.describeSchedule({ namespace, scheduleId });
}

test('a standby unpaused by somebody in the bake is shut again, and what it ran is counted', async () => {
  const [plan] = await world.load('watch', 3);
  const handle = await world.migrate('migrate/watch', {
    tenant: 'watch',
    workflows: 'none',
    bake: '1 hour',
    bakeCheckEvery: '10 seconds',
  });
  await untilPhase(handle, 'baking');
  const scheduleId = plan?.id ?? '';
  const { connection, namespace } = world.sides.cloud;
  await connection.workflowService.patchSchedule({ namespace, scheduleId, patch: { unpause: 'by mistake' } });
  const { breaches, audit } = await waitFor({ what: 'the breach', timeoutMs: 60_000 }, async () => {
    const progress = await progressOf(handle);
    return progress.breaches.length > 0 && progress;
  });
  expect(breaches[0]).toMatchObject({ schedule: scheduleId, kind: 'both-active', repaired: true });
  expect(audit.wrongSide).toBeGreaterThan(0);
  const shut = await describe('cloud', scheduleId);
  expect(shut.schedule?.state).toMatchObject({ paused: true });
  expect(shut.schedule?.state?.notes).toMatch(/^\[ferry standby owner=selfhosted/);
  expect(Boolean((await describe('selfhosted', scheduleId)).schedule?.state?.paused)).toBe(false);

  // It does not complete with that: a person is asked, and here takes everything back.
  await handle.signal('proceed');
  const held = await waitFor({ what: 'the hold', timeoutMs: 60_000 }, async () => {
    const progress = await progressOf(handle);
    return /ledger is not clean/.test(progress.waitingFor ?? '') && progress;
  });
  expect(held.phase).toBe('baking');
  await handle.signal('rollback');
  expect(await handle.result()).toMatchObject({ outcome: 'rolled-back', owner: 'cloud' });
});

test('what users edit, create and delete on the target is carried back', async () => {
  const plan = await world.load('carry', 6);
  const there = await (
    await world.migrate('migrate/carry', { tenant: 'carry', workflows: 'none', bake: '0' })
  ).result();
  expect(there).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  const { connection, namespace } = world.sides.selfhosted;
  const [edited, deleted] = [plan[0]?.id ?? '', plan[1]?.id ?? ''];
  const before = await describe('selfhosted', edited);
  await connection.workflowService.updateSchedule({
    namespace,
    scheduleId: edited,
    schedule: {
      ...before.schedule,
      spec: { interval: [{ interval: { seconds: Long.fromNumber(3) } }] },
      state: { ...before.schedule?.state, notes: 'edited over there' },
    },
    conflictToken: before.conflictToken,
  });
  await connection.workflowService.deleteSchedule({ namespace, scheduleId: deleted });
  const created = 'carry-new-over-there';
  await connection.workflowService.createSchedule({
    ...plan[2]?.request,
    namespace,
    scheduleId: created,
    requestId: 'c',
  });
  await waitFor({ what: 'the list to show it' }, async () => {
    const list = await connection.workflowService.listSchedules({ namespace, query: "TenantId = 'carry'" });
    return list.schedules.some(({ scheduleId }) => scheduleId === created);
  });

  const input = { tenant: 'carry', workflows: 'none', from: 'selfhosted', to: 'cloud', bake: '0' };
  const back = await (await world.migrate('migrate/carry', input)).result();
  expect(back).toMatchObject({ outcome: 'completed', owner: 'cloud' });
  expect(resultIsClean(back)).toBe(true);
  const arrived = await describe('cloud', edited);
  expect(arrived.schedule?.spec?.interval?.[0]?.interval?.seconds?.toNumber()).toBe(3);
  expect(arrived.schedule?.state).toMatchObject({ notes: 'edited over there' });
  expect(Boolean(arrived.schedule?.state?.paused)).toBe(false);
  expect(Boolean((await describe('cloud', created)).schedule?.state?.paused)).toBe(false);
  await expect(describe('cloud', deleted)).rejects.toThrow(/not found/i);
  const since = nowSeconds();
  await waitFor({ what: 'cloud to run the edited one' }, async () => {
    const { info } = await describe('cloud', edited);
    return info?.recentActions?.some(({ actualTime }) => (actualTime?.seconds?.toNumber() ?? 0) > since);
  });
});
