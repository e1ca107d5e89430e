/** `RolloutTenants` on the time-skipping server: real migrations and records, the tenants' clusters faked. */
import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pauseUpdate, proceedUpdate, resumeUpdate, rollbackUpdate } from '../../src/workflows/messages.ts';
import type { MigrateTenant } from '../../src/workflows/migrate-tenant.ts';
import { skipUpdate } from '../../src/workflows/rollout/messages.ts';
import { type FakeTenant, untilCancelled } from './fake-tenant.ts';
import { finishRollout, Fleet, overview, resting, tenants, untilOverview, withFleet } from './fleet.ts';
import { bundleWorkflows, type Harness, startHarness, until } from './harness.ts';

let harness: Harness;
let bundle: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  harness = await startHarness();
  bundle = await bundleWorkflows();
});
afterAll(() => harness?.stop());

/** Holds a tenant's copying until released. */
function held(fake: FakeTenant): { release: () => void } {
  let open = false;
  fake.before('copyPage', () => until('the release', () => open).then(() => undefined));
  return {
    release: () => {
      open = true;
    },
  };
}

/** Its copying fails for good, so the migration fails before it hands anything over. */
function broken(fake: FakeTenant): FakeTenant {
  fake.blockers = [
    {
      object: 'search attribute Region',
      code: 'search-attribute-missing',
      found: 'not registered',
      remedy: 'register it',
    },
  ];
  return fake;
}

describe('forward', () => {
  test('three waves, one after the other, and no more at a time than the wave says', async () => {
    const fleet = new Fleet('a', 'b', 'c', 'd', 'e');
    await withFleet(harness, bundle, fleet, async ({ start, id, client }) => {
      const order: string[] = [];
      for (const [tenant, fake] of fleet.tenants) {
        fake.before('preflight', () => void order.push(`${tenant} begins`));
        fake.before('watchOwnership', () => void order.push(`${tenant} ends`));
      }
      const [b, c] = [held(fleet.of('b')), held(fleet.of('c'))];
      const handle = await start({
        waves: [
          { name: 'canary', tenants: fleet.names('a') },
          { name: 'eu', tenants: fleet.names('b', 'c', 'd'), concurrency: 2 },
          { name: 'us', tenants: fleet.names('e') },
        ],
      });
      const during = await untilOverview(handle, 'two of the second wave', ({ running }) => running.length === 2);
      expect(during).toMatchObject({
        phase: 'rolling-out',
        wave: { name: 'eu', number: 2, of: 3 },
        total: 5,
        tenants: { done: 1, running: 2, waiting: 2 },
      });
      const { memo, searchAttributes } = await client.workflow.getHandle(id).describe();
      expect(memo).toMatchObject({ overview: { phase: 'rolling-out', wave: '2 of 3, eu' } });
      expect(searchAttributes).toMatchObject({ FerryPhase: ['rolling-out'], FerryDirection: ['cloud-to-selfhosted'] });
      const child = await client.workflow.getHandle(`${id}/${fleet.name('b')}`).describe();
      expect(child.raw.workflowExecutionInfo?.parentExecution?.workflowId).toBe(id);
      b.release();
      c.release();
      expect(await finishRollout(harness, handle)).toMatchObject({
        outcome: 'completed',
        total: 5,
        tenants: { done: 5 },
        except: [],
        waves: [{ name: 'canary' }, { name: 'eu', tenants: { done: 3 } }, { name: 'us' }],
      });
      expect(fleet.on('selfhosted')).toEqual(['a', 'b', 'c', 'd', 'e']);
      const [a, e] = [fleet.name('a'), fleet.name('e')];
      expect(order.slice(0, 2)).toEqual([`${a} begins`, `${a} ends`]);
      expect(order.slice(-2)).toEqual([`${e} begins`, `${e} ends`]);
      expect(await tenants(handle, { limit: 2 })).toMatchObject({ total: 5, next: 2 });
    });
  });

  test('stops at the first failure with the rest untouched; those that run go on; proceed goes on with the rest', async () => {
    const fleet = new Fleet('a', 'b', 'c', 'd');
    await withFleet(harness, bundle, fleet, async ({ start }) => {
      broken(fleet.of('a'));
      const b = held(fleet.of('b'));
      const handle = await start({
        waves: [{ name: 'all', tenants: fleet.names('a', 'b', 'c', 'd'), concurrency: 2 }],
      });
      const stopped = await untilOverview(handle, 'the stop', ({ phase }) => phase === 'stopped');
      expect(stopped).toMatchObject({
        tenants: { failed: 1, running: 1, waiting: 2 },
        wrong: [{ tenant: fleet.name('a') }],
      });
      expect(stopped.waitingFor).toContain('not registered');
      b.release();
      await harness.env.sleep('1 hour');
      await untilOverview(handle, 'the end of the one that ran', (now) => now.tenants.done === 1);
      expect(await overview(handle)).toMatchObject({ phase: 'stopped', tenants: { failed: 1, done: 1, waiting: 2 } });
      expect(fleet.of('c').calls).toEqual([]);
      expect(await (await resting(handle)).executeUpdate(proceedUpdate, { args: [undefined] })).toContain(
        'goes on with the rest',
      );
      const result = await finishRollout(harness, handle);
      expect(result).toMatchObject({
        outcome: 'completed',
        tenants: { done: 3, failed: 1 },
        except: [{ tenant: fleet.name('a') }],
      });
      expect(result.accepted[0]?.what).toContain(`${fleet.name('a')} failed`);
      expect(fleet.on('cloud')).toEqual(['a']);
    });
  });

  test('a tenant that turns back stops it; tried again it moves', async () => {
    const fleet = new Fleet('a', 'b');
    await withFleet(harness, bundle, fleet, async ({ start, id, client }) => {
      const handle = await start({
        waves: [{ name: 'all', tenants: fleet.names('a', 'b') }],
        defaults: { bake: '30 min' },
      });
      const child = client.workflow.getHandle<typeof MigrateTenant>(`${id}/${fleet.name('a')}`);
      await untilOverview(handle, 'the bake', ({ running }) => running[0]?.phase === 'baking');
      await resting(handle);
      await child.signal('rollback', { reason: 'p95 doubled' });
      const turn = async () => {
        await harness.env.sleep('1 minute');
        const now = await overview(handle);
        return now.phase === 'stopped' && now;
      };
      expect(await until('the stop', turn)).toMatchObject({ wrong: [{ status: 'turned-back', why: 'p95 doubled' }] });
      expect(fleet.of('b').calls).toEqual([]);
      await (await resting(handle)).executeUpdate(proceedUpdate, { args: [{ retry: true }] });
      expect(await finishRollout(harness, handle)).toMatchObject({ tenants: { done: 2 }, accepted: [] });
    });
  });

  test('pause starts nobody further, resume goes on; skip leaves one out; approval holds between waves', async () => {
    const fleet = new Fleet('a', 'b', 'c');
    await withFleet(harness, bundle, fleet, async ({ start }) => {
      const a = held(fleet.of('a'));
      const handle = await start({
        waves: [
          { name: 'one', tenants: fleet.names('a', 'b') },
          { name: 'two', tenants: fleet.names('c') },
        ],
        approval: 'manual',
      });
      await untilOverview(handle, 'the first', ({ running }) => running.length === 1);
      expect(await (await resting(handle)).executeUpdate(pauseUpdate, { args: [undefined] })).toContain(
        'No further tenant starts',
      );
      a.release();
      await until('its end', async () => {
        await harness.env.sleep('1 minute');
        return (await overview(handle)).tenants.done === 1;
      });
      await harness.env.sleep('3 days');
      expect(fleet.of('b').calls).toEqual([]);
      expect(
        await (await resting(handle)).executeUpdate(skipUpdate, { args: [{ tenant: fleet.name('b') }] }),
      ).toContain('is left out');
      await (await resting(handle)).executeUpdate(resumeUpdate, { args: [undefined] });
      const waits = await untilOverview(handle, 'the approval', ({ phase }) => phase === 'awaiting-approval');
      expect(waits.waitingFor).toContain('`proceed`, to start wave 2 of 2 (two)');
      await harness.env.sleep('3 days');
      expect(fleet.of('c').calls).toEqual([]);
      await (await resting(handle)).signal('proceed');
      expect(await finishRollout(harness, handle)).toMatchObject({
        outcome: 'completed',
        tenants: { done: 2, skipped: 1 },
        except: [{ tenant: fleet.name('b'), status: 'skipped' }],
      });
    });
  });
});

describe('back', () => {
  test('of the wave: the one that runs is called off, the one moved goes back, the wave before stays', async () => {
    const fleet = new Fleet('a', 'b', 'c', 'd');
    await withFleet(harness, bundle, fleet, async ({ start }) => {
      fleet.of('c').before('copyPage', untilCancelled);
      const handle = await start({
        waves: [
          { name: 'one', tenants: fleet.names('a') },
          { name: 'two', tenants: fleet.names('b', 'c', 'd') },
        ],
      });
      await untilOverview(handle, 'the third', ({ running }) => running[0]?.tenant === fleet.name('c'));
      // The test server hangs on cancelling an activity that it has not handed out.
      await until('c to copy', () => fleet.of('c').called('copyPage') > 0);
      expect(
        await (await resting(handle)).executeUpdate(rollbackUpdate, { args: [{ scope: 'wave', reason: 'p95' }] }),
      ).toContain('wave 2 of 2 (two)');
      expect(await finishRollout(harness, handle)).toMatchObject({
        outcome: 'rolled-back',
        scope: 'wave',
        reason: 'p95',
        tenants: { done: 1, back: 2, waiting: 1 },
        except: [],
      });
      expect(fleet.on('selfhosted')).toEqual(['a']);
      expect(fleet.of('d').calls).toEqual([]);
    });
  });

  test('of all: in reverse order, one that cannot go back waits for a person and holds up nobody', async () => {
    const fleet = new Fleet('a', 'b', 'c');
    await withFleet(harness, bundle, fleet, async ({ start }) => {
      const order: string[] = [];
      for (const name of ['a', 'b', 'c']) {
        fleet.of(name).before('preflight', (_call, { to }) => void (to === 'cloud' && order.push(name)));
      }
      const handle = await start({
        waves: ['a', 'b', 'c'].map((name) => ({
          name,
          tenants: fleet.names(name),
          ...(name === 'c' ? { approval: 'manual' as const } : {}),
        })),
      });
      await untilOverview(handle, 'the third wave', ({ phase }) => phase === 'awaiting-approval');
      fleet.of('c').before('copyPage', untilCancelled);
      await (await resting(handle)).executeUpdate(proceedUpdate, { args: [undefined] });
      await untilOverview(handle, 'the third', ({ running }) => running.length === 1);
      await until('c to copy', () => fleet.of('c').called('copyPage') > 0);
      broken(fleet.of('b'));
      await (await resting(handle)).signal('rollback', { scope: 'all' });
      const stuck = await untilOverview(
        handle,
        'b to be stuck',
        (now) => now.tenants.stuck === 1 && now.tenants.back === 2,
      );
      expect(stuck).toMatchObject({ phase: 'rolling-back', accepts: ['proceed', 'skip'] });
      expect(stuck.waitingFor).toContain(`${fleet.name('b')} is stuck`);
      fleet.of('b').blockers = [];
      await (await resting(handle)).executeUpdate(proceedUpdate, { args: [undefined] });
      expect(await finishRollout(harness, handle)).toMatchObject({
        outcome: 'rolled-back',
        scope: 'all',
        tenants: { back: 3 },
      });
      expect(fleet.on('cloud')).toEqual(['a', 'b', 'c']);
      expect(order.filter((name) => name !== 'c')).toEqual(['b', 'a', 'b']);
    });
  });
});

describe('cut off', () => {
  test('terminated and started again, it goes on with what runs and does not redo what is done', async () => {
    const fleet = new Fleet('a', 'b', 'c');
    await withFleet(harness, bundle, fleet, async ({ start }) => {
      const waves = [{ name: 'all', tenants: fleet.names('a', 'b', 'c') }];
      const b = held(fleet.of('b'));
      const first = await start({ waves });
      await untilOverview(first, 'the second', ({ running }) => running[0]?.tenant === fleet.name('b'));
      await (await resting(first)).terminate('a test');
      const second = await start({ waves });
      const found = await untilOverview(second, 'the survey', ({ total }) => total === 3);
      expect(found).toMatchObject({ tenants: { done: 1, running: 1, waiting: 1 } });
      b.release();
      expect(await finishRollout(harness, second)).toMatchObject({ outcome: 'completed', tenants: { done: 3 } });
      for (const name of ['a', 'b', 'c']) expect(fleet.of(name).called('preflight')).toBe(1);
      const third = await start({ waves });
      expect(await finishRollout(harness, third)).toMatchObject({ outcome: 'completed', tenants: { done: 3 } });
      for (const name of ['a', 'b', 'c']) expect(fleet.of(name).called('preflight')).toBe(1);
    });
  });

  test('a cancel ends the rollout where it stands; the migration that runs goes on to its end', async () => {
    const fleet = new Fleet('a', 'b');
    await withFleet(harness, bundle, fleet, async ({ start, id, client }) => {
      const a = held(fleet.of('a'));
      const handle = await start({ waves: [{ name: 'all', tenants: fleet.names('a', 'b') }] });
      await untilOverview(handle, 'the first', ({ running }) => running.length === 1);
      await (await resting(handle)).cancel();
      await expect(finishRollout(harness, handle)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      const { memo } = await client.workflow.getHandle(id).describe();
      expect(memo).toMatchObject({ overview: { phase: 'cancelled' } });
      a.release();
      await until('its migration to end', async () => {
        return (await client.workflow.getHandle(`${id}/${fleet.name('a')}`).describe()).status.name === 'COMPLETED';
      });
      expect(fleet.on('selfhosted')).toEqual(['a']);
      expect(fleet.of('b').calls).toEqual([]);
    });
  });

  test('a migration that is terminated stops the rollout, and is taken back with the rest', async () => {
    const fleet = new Fleet('a', 'b');
    await withFleet(harness, bundle, fleet, async ({ start, id, client }) => {
      const handle = await start({
        waves: [{ name: 'all', tenants: fleet.names('a', 'b') }],
        defaults: { bake: '30 min' },
      });
      await untilOverview(handle, 'the bake', ({ running }) => running[0]?.phase === 'baking');
      await resting(handle);
      await client.workflow.getHandle(`${id}/${fleet.name('a')}`).terminate('oops');
      const stopped = await untilOverview(handle, 'the stop', ({ phase }) => phase === 'stopped');
      expect(stopped).toMatchObject({ wrong: [{ status: 'cut-off', why: 'terminated' }] });
      await (await resting(handle)).executeUpdate(rollbackUpdate, { args: [undefined] });
      expect(await finishRollout(harness, handle)).toMatchObject({
        outcome: 'rolled-back',
        tenants: { back: 1, waiting: 1 },
      });
      expect(fleet.on('cloud')).toEqual(['a', 'b']);
    });
  });
});

test('bad input fails it at once, naming every problem', async () => {
  await withFleet(harness, bundle, new Fleet(), async ({ start }) => {
    const handle = await start({ waves: [{ name: '', tenants: ['x', 'x '] }] });
    const failed: unknown = await finishRollout(harness, handle).catch((error: unknown) => error);
    if (!(failed instanceof WorkflowFailedError)) throw new Error(`Accepted: ${String(failed)}`);
    expect(failed.cause).toMatchObject({ type: 'InvalidInput' });
    expect(failed.cause?.message).toMatch(/waves\[0\]\.name[^]*waves\[0\]\.tenants\[1\]/);
  });
});

test('a command that makes no sense is refused as an update and noted as a signal', async () => {
  const fleet = new Fleet('a');
  await withFleet(harness, bundle, fleet, async ({ start }) => {
    const a = held(fleet.of('a'));
    const handle = await start({ waves: [{ name: 'one', tenants: fleet.names('a') }] });
    await untilOverview(handle, 'the first', ({ running }) => running.length === 1);
    const refused: unknown = await handle
      .executeUpdate(rollbackUpdate, { args: [{ scope: 'some' }] })
      .catch((error: unknown) => error);
    if (!(refused instanceof WorkflowUpdateFailedError)) throw new Error(`Accepted: ${String(refused)}`);
    expect(refused.cause?.message).toContain('`rollback` takes {"scope": "wave"}');
    await (await resting(handle)).signal('skip', { tenant: 'nobody' });
    const { notes } = await untilOverview(handle, 'the note', (now) => now.notes.length > 0);
    expect(notes[0]).toContain('`skip` did nothing: There is no tenant nobody');
    a.release();
    expect(await finishRollout(harness, handle)).toMatchObject({ outcome: 'completed' });
  });
});
