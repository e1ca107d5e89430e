import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { HOLD_AFTER_MS, LEAD_MS } from '../../src/routes/route.ts';
import { announceRouteUpdate, tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { Progress } from '../../src/workflows/progress.ts';
import { type FakedName, FakeTenant, untilCancelled } from './fake-tenant.ts';
import { finish, type Harness, type Migration, startHarness, until, untilPhase, untilProgress } from './harness.ts';

const HOUR = 3600_000;
/** Any query: the fake does not read it. */
const workflows = 'TenantId = "acme"';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const now = (): Promise<number> => harness.env.currentTimeMs();

/** Skips time, a step at a time, until it is there. */
async function skipUntil(handle: Migration, is: (p: Progress) => boolean): Promise<Progress> {
  for (let step = 0; step < 200; step++) {
    await harness.env.sleep('3 s');
    const progress = await handle.query<Progress>('progress');
    if (is(progress)) return progress;
  }
  throw new Error('not there after ten minutes of skipped time');
}

const skipToPhase = (handle: Migration, phase: Progress['phase']): Promise<Progress> =>
  skipUntil(handle, (progress) => progress.phase === phase);

const cloud = { cluster: 'cloud', split: null };
const selfhosted = { cluster: 'selfhosted', split: null };

describe('the route changes with the schedules', () => {
  test('and the source is drained: both are on record when it completes', async () => {
    await harness.play(
      new FakeTenant(12),
      async ({ start, fake, record }) => {
        fake.start(3, 'cloud', (await now()) - HOUR);
        const handle = await start({ workflows, bake: '5 min' });
        const settling = await untilPhase(handle, 'settling');
        const at = Date.parse(settling.workflows?.route?.at ?? '');
        expect(settling.workflows).toMatchObject({
          route: { from: 'cloud', to: 'selfhosted' },
          open: 3,
          drained: false,
        });
        expect(settling.waitingFor).toContain('workflows start on selfhosted from');
        expect(await record()).toMatchObject({
          route: { to: selfhosted, from: cloud, undrained: ['cloud'] },
          owner: null,
        });
        // Schedules cross meanwhile; services may create some on the source until T.
        expect(fake.ownedBy('selfhosted')).toBe(12);
        expect(fake.called('sweep')).toBe(0);
        await skipToPhase(handle, 'baking');
        expect(await now()).toBeGreaterThanOrEqual(at + HOLD_AFTER_MS);
        expect(fake.called('sweep')).toBe(1);
        const draining = await skipToPhase(handle, 'draining');
        expect(draining).toMatchObject({ owner: 'selfhosted', workflows: { open: 3 } });
        await harness.env.sleep('1 min');
        const waiting = await untilProgress(handle, 'the wait', ({ waitingFor }) => waitingFor !== null);
        expect(waiting.waitingFor).toBe(
          '3 workflows still open on cloud (3 Order), to end: `proceed` goes on without waiting',
        );
        expect(waiting.accepts).toEqual(['rollback', 'pause', 'proceed']);
        expect(waiting.workflows?.byType).toEqual([
          { type: 'Order', open: 3, oldestStartedAt: fake.started[0]?.startedAt },
        ]);
        fake.end();
        const result = await finish(handle);
        expect(result).toMatchObject({
          outcome: 'completed',
          workflows: { open: 0, drained: true, wrongSide: { count: 0 }, route: { to: 'selfhosted' } },
        });
        expect(result).not.toHaveProperty('accepted');
        expect(await record()).toMatchObject({
          owner: 'selfhosted',
          route: { to: selfhosted, from: cloud, undrained: [] },
          lock: null,
        });
      },
      { recordAs: 'on-demand-completed' },
    );
  });

  test("by default: the workflows with the tenant's name move too", async () => {
    await harness.play(new FakeTenant(2), async ({ client, taskQueue, tenant, fake, record }) => {
      const handle = await client.workflow.start('MigrateTenant', {
        workflowId: `migrate/${tenant}`,
        taskQueue,
        args: [{ tenant, bake: '0' }],
      });
      expect(await finish(handle)).toMatchObject({ outcome: 'completed', workflows: { drained: true } });
      expect(fake.called('lookAtWorkflows')).toBeGreaterThan(0);
      expect((await record()).route?.to).toEqual(selfhosted);
    });
  });

  test('services read it from the memo of the record', async () => {
    await harness.play(new FakeTenant(1), async ({ start, client, tenant, record }) => {
      await finish(await start({ workflows, bake: '0' }));
      const { memo } = await client.workflow.getHandle(tenantWorkflowId(tenant)).describe();
      expect(memo).toMatchObject({ owner: 'selfhosted', route: (await record()).route });
    });
  });

  test('a tenant of workflows on demand alone migrates as well', async () => {
    await harness.play(
      new FakeTenant(0),
      async ({ start, fake, record }) => {
        fake.start(2, 'cloud', (await now()) - HOUR);
        fake.before('lookAtWorkflows', (call) => {
          if (call === 3) fake.end();
        });
        const result = await finish(await start({ workflows, schedules: 'none', bake: '0' }));
        expect(result).toMatchObject({
          outcome: 'completed',
          owner: 'selfhosted',
          schedules: { total: 0, handedOver: 0 },
          workflows: { drained: true },
        });
        expect(await record()).toMatchObject({ owner: 'selfhosted', route: { to: selfhosted, undrained: [] } });
      },
      { recordAs: 'on-demand-only' },
    );
  });

  test('with "none" nobody looks at workflows, and no route is set', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      const result = await finish(await start({ workflows: 'none', bake: '10 min' }));
      expect(result).not.toHaveProperty('workflows');
      expect(fake.called('lookAtWorkflows')).toBe(0);
      expect((await record()).route).toBeNull();
    });
  });

  test('a change right before it is waited for', async () => {
    await harness.play(new FakeTenant(2), async ({ start, client, tenant, record, taskQueue, fake }) => {
      await client.workflow.start('Tenant', { workflowId: tenantWorkflowId(tenant), taskQueue, args: [{ tenant }] });
      const split = { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 20 } };
      const request = { to: split, current: 'cloud', event: 'try some' };
      const entity = client.workflow.getHandle(tenantWorkflowId(tenant));
      const first = await entity.executeUpdate(announceRouteUpdate, { args: [request] });
      expect(first).toMatchObject({ changed: true });
      const handle = await start({ workflows, bake: '0' });
      const waiting = await untilProgress(handle, 'the wait', ({ waitingFor }) => waitingFor !== null);
      expect(waiting).toMatchObject({ phase: 'cutting-over', workflows: { route: null } });
      expect(waiting.waitingFor).toContain('the change of the route before this one');
      expect(fake.called('cutOverPage')).toBe(0);
      expect(await finish(handle)).toMatchObject({ outcome: 'completed' });
      const { route } = await record();
      expect(route).toMatchObject({ to: selfhosted, from: split, undrained: ['selfhosted'] });
      const gap = Date.parse(route?.at ?? '') - Date.parse('route' in first ? (first.route.at ?? '') : '');
      expect(gap).toBeGreaterThanOrEqual(HOLD_AFTER_MS + LEAD_MS);
    });
  });

  test('an operator cannot change it meanwhile', async () => {
    await harness.play(new FakeTenant(2), async ({ start, client, tenant }) => {
      const handle = await start({ workflows, bake: '1 hour' });
      await skipToPhase(handle, 'baking');
      const entity = client.workflow.getHandle(tenantWorkflowId(tenant));
      const answer = await entity.executeUpdate(announceRouteUpdate, { args: [{ to: cloud, event: 'x' }] });
      expect(answer).toMatchObject({ held: { migration: handle.workflowId } });
      const wrong = entity.executeUpdate(announceRouteUpdate, { args: [{ to: 'cloud', event: 'x' } as never] });
      await expect(wrong).rejects.toMatchObject({ cause: { type: 'CommandRefused' } });
      await finish(handle);
    });
  });
});

describe('draining', () => {
  test('waits for days with few looks, and completes when the last has ended', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake }) => {
      fake.start(1, 'cloud', (await now()) - HOUR);
      const handle = await start({ workflows, bake: '0' });
      await skipToPhase(handle, 'draining');
      await harness.env.sleep('30 days');
      fake.end();
      expect(await finish(handle)).toMatchObject({ outcome: 'completed', workflows: { drained: true } });
      const { events } = await handle.fetchHistory();
      console.log(`a drain of 30 days: ${fake.called('lookAtWorkflows')} looks, ${events?.length} history events`);
      expect(events?.length).toBeLessThan(5_000);
    });
  });

  test('goes on after its limit, says so, and leaves the source on record as one to ask', async () => {
    await harness.play(
      new FakeTenant(2),
      async ({ start, fake, record }) => {
        fake.start(4, 'cloud', (await now()) - HOUR);
        const handle = await start({ workflows, bake: '0', drainLimit: '2 hours' });
        const result = await finish(handle);
        expect(result).toMatchObject({ outcome: 'completed', workflows: { open: 4, drained: false } });
        expect(result.notes.join()).toContain('4 workflows still open on cloud after 2 h, so it goes on');
        const took = Date.parse(result.finishedAt) - Date.parse(result.startedAt);
        expect(took).toBeGreaterThanOrEqual(2 * HOUR);
        expect(took).toBeLessThan(2.1 * HOUR);
        expect((await record()).route).toMatchObject({ to: selfhosted, undrained: ['cloud'] });
      },
      { recordAs: 'on-demand-limit' },
    );
  });

  test('with a limit of "0" nobody is waited for', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake }) => {
      fake.start(1, 'cloud', (await now()) - HOUR);
      const result = await finish(await start({ workflows, bake: '0', drainLimit: '0' }));
      expect(result).toMatchObject({ outcome: 'completed', workflows: { open: 1, drained: false } });
      expect(Date.parse(result.finishedAt) - Date.parse(result.startedAt)).toBeLessThan(60_000);
    });
  });

  test('proceed lets what is open go, and the result says what was accepted', async () => {
    await harness.play(
      new FakeTenant(2),
      async ({ start, fake, record }) => {
        fake.start(5, 'cloud', (await now()) - HOUR);
        const handle = await start({ workflows, bake: '0' });
        await skipToPhase(handle, 'draining');
        await untilProgress(handle, 'the wait', ({ accepts }) => accepts.includes('proceed'));
        await handle.signal('proceed');
        expect(await finish(handle)).toMatchObject({
          outcome: 'completed',
          accepted: { what: '5 workflows still open on cloud' },
          workflows: { open: 5, drained: false },
        });
        expect((await record()).route).toMatchObject({ undrained: ['cloud'] });
      },
      { recordAs: 'on-demand-proceeded' },
    );
  });

  test('a list that is empty only once is not believed', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake }) => {
      // What was started just before T appears late.
      fake.before('lookAtWorkflows', async (call) => {
        if (call === 3) fake.start(1, 'cloud', (await now()) - HOUR);
        if (call === 5) fake.end();
      });
      expect(await finish(await start({ workflows, bake: '0' }))).toMatchObject({ workflows: { drained: true } });
      // One after the change; empty, one open twice, empty twice.
      expect(fake.called('lookAtWorkflows')).toBe(6);
    });
  });

  test('proceed is taken while a look is made, and does not hurry what is found empty', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake, env }) => {
      fake.start(1, 'cloud', (await now()) - HOUR);
      let looked = (): void => undefined;
      const looking = new Promise<void>((resolve) => {
        looked = resolve;
      });
      fake.before('lookAtWorkflows', (call) => (call === 2 ? looking : undefined));
      const handle = await start({ workflows, bake: '0' });
      await skipToPhase(handle, 'draining');
      const meanwhile = await untilProgress(handle, 'the look', ({ accepts }) => accepts.includes('proceed'));
      expect(meanwhile.waitingFor).toContain('a look at what is open on cloud');
      await handle.signal('proceed');
      fake.end();
      const proceededAt = await env.currentTimeMs();
      looked();
      const result = await finish(handle);
      expect(result).toMatchObject({ outcome: 'completed', workflows: { drained: true } });
      expect(result).not.toHaveProperty('accepted');
      expect(Date.parse(result.finishedAt) - proceededAt).toBeGreaterThanOrEqual(15_000);
    });
  });

  test('a pause stops the clock of the limit', async () => {
    await harness.play(
      new FakeTenant(2),
      async ({ start, fake, env }) => {
        fake.start(1, 'cloud', (await now()) - HOUR);
        const handle = await start({ workflows, bake: '0', drainLimit: '1 hour' });
        await skipToPhase(handle, 'draining');
        await handle.signal('pause');
        await untilProgress(handle, 'the pause', ({ waitingFor }) => waitingFor === '`resume`: it is paused');
        const looks = fake.called('lookAtWorkflows');
        await env.sleep('5 hours');
        expect((await untilPhase(handle, 'draining')).paused).toBe(true);
        expect(fake.called('lookAtWorkflows')).toBeLessThanOrEqual(looks + 1);
        const resumedAt = await now();
        await handle.signal('resume');
        const result = await finish(handle);
        expect(result).toMatchObject({ outcome: 'completed', workflows: { drained: false } });
        expect(Date.parse(result.finishedAt) - resumedAt).toBeGreaterThan(0.9 * HOUR);
      },
      { recordAs: 'on-demand-paused' },
    );
  });

  test('a source that cannot be looked at is neither empty nor a reason to turn back', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake, env }) => {
      let unreachable = true;
      fake.before('lookAtWorkflows', () => {
        if (unreachable) throw ApplicationFailure.nonRetryable('disk on fire', 'DiskOnFire');
      });
      const handle = await start({ workflows, bake: '0' });
      await skipToPhase(handle, 'draining');
      await env.sleep('1 hour');
      const waiting = await untilProgress(handle, 'the wait', ({ waitingFor }) => waitingFor !== null);
      expect(waiting.waitingFor).toContain('cloud to be looked at (lookAtWorkflows: disk on fire)');
      unreachable = false;
      expect(await finish(handle)).toMatchObject({ outcome: 'completed', workflows: { drained: true } });
    });
  });
});

describe('starts on the source after the route has changed', () => {
  test('are found, listed, and need a person; those that come later need one again', async () => {
    await harness.play(
      new FakeTenant(2),
      async ({ start, fake }) => {
        const handle = await start({ workflows, bake: '0' });
        const { workflows: flipped } = await untilPhase(handle, 'settling');
        const at = Date.parse(flipped?.route?.at ?? '');
        // Within the hold: sent before T, and stamped by a clock a little ahead.
        fake.start(1, 'cloud', at + 1_000, 'InTime');
        fake.start(1, 'cloud', at + 2_000, 'Stray');
        fake.end();
        const held = await skipUntil(handle, ({ waitingFor }) => waitingFor?.startsWith('1 workflow started') ?? false);
        expect(held).toMatchObject({ phase: 'draining', accepts: ['rollback', 'pause', 'proceed'] });
        expect(held.waitingFor).toContain('1 workflow started on cloud after the route had changed (order-2, a Stray)');
        expect(held.notes.join()).toContain('first order-2 at');
        expect(held.workflows?.wrongSide).toMatchObject({
          count: 1,
          first: [{ workflowId: 'order-2', type: 'Stray' }],
        });
        await harness.env.sleep('5 hours');
        expect((await untilPhase(handle, 'draining')).accepts).toContain('proceed');
        fake.start(1, 'cloud', at + HOUR, 'Stray');
        fake.end();
        await handle.signal('proceed');
        const again = await skipUntil(handle, ({ waitingFor }) => waitingFor?.startsWith('2 workflows') ?? false);
        expect(again.phase).toBe('draining');
        await handle.signal('proceed');
        expect(await finish(handle)).toMatchObject({
          outcome: 'completed',
          accepted: {
            what:
              '1 workflow started on cloud after the route had changed; ' +
              '2 workflows started on cloud after the route had changed',
          },
          workflows: { wrongSide: { count: 2 }, drained: true },
        });
      },
      { recordAs: 'on-demand-wrong-side' },
    );
  });
});

test('starts on the target before the route changes are found, and need a person too', async () => {
  await harness.play(new FakeTenant(1), async ({ start, fake, record }) => {
    const handle = await start({ workflows, bake: '0' });
    const { workflows: flipped } = await untilPhase(handle, 'settling');
    const at = Date.parse(flipped?.route?.at ?? '');
    // Before the change was announced it is nobody's business; after the hold it is as it should be.
    for (const when of [at - LEAD_MS - 1, at - 4_000, at + HOLD_AFTER_MS]) fake.start(1, 'selfhosted', when);
    const held = await skipUntil(handle, ({ waitingFor }) => waitingFor?.startsWith('1 workflow started') ?? false);
    expect(held.waitingFor).toContain('1 workflow started on selfhosted before the route changed (order-2, a Order)');
    expect(held.workflows).toMatchObject({ wrongSide: { count: 0 }, early: { count: 1 } });
    await handle.signal('proceed');
    const result = await finish(handle);
    expect(result.accepted?.what).toBe('1 workflow started on selfhosted before the route changed');
    expect(result.notes.join()).toContain('order-2 at');
    expect((await record()).route?.undrained).toEqual([]);
  });
});

test('where a split lets some start on the target before the change, none is too early', async () => {
  await harness.play(new FakeTenant(1), async ({ start, client, taskQueue, tenant, fake }) => {
    await client.workflow.start('Tenant', { workflowId: tenantWorkflowId(tenant), taskQueue, args: [{ tenant }] });
    const split = { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 20 } };
    const entity = client.workflow.getHandle(tenantWorkflowId(tenant));
    await entity.executeUpdate(announceRouteUpdate, { args: [{ to: split, current: 'cloud', event: 'try some' }] });
    await harness.env.sleep('1 min');
    const handle = await start({ workflows, bake: '0' });
    const { workflows: flipped } = await untilPhase(handle, 'settling');
    fake.start(3, 'selfhosted', Date.parse(flipped?.route?.at ?? '') - 4_000);
    const result = await finish(handle);
    expect(result).toMatchObject({ outcome: 'completed', workflows: { early: { count: 0 } } });
    expect(result).not.toHaveProperty('accepted');
  });
});

test('starts that were too many to look at each are accepted once, and the result says so', async () => {
  await harness.play(new FakeTenant(1), async ({ start, fake }) => {
    fake.unexamined = 4_000;
    fake.before('lookAtWorkflows', () => void fake.unexamined++);
    const handle = await start({ workflows, bake: '0' });
    const held = await skipUntil(
      handle,
      ({ waitingFor }) => waitingFor?.startsWith('0 workflows (and any of') ?? false,
    );
    expect(held.waitingFor).toMatch(
      /^0 workflows \(and any of 400\d more, too many to look at each\) started on cloud after/,
    );
    await handle.signal('proceed');
    const result = await finish(handle);
    expect(result).toMatchObject({ outcome: 'completed', workflows: { drained: true } });
    expect(result.accepted?.what).toMatch(/^0 workflows \(and any of 400\d more/);
  });
});

describe('rollback flips back', () => {
  const phases: { phase: Progress['phase']; during?: FakedName; flipped: boolean }[] = [
    { phase: 'preflight', during: 'preflight', flipped: false },
    { phase: 'copying', during: 'copyPage', flipped: false },
    { phase: 'verifying', during: 'verifyPage', flipped: false },
    { phase: 'cutting-over', during: 'cutOverPage', flipped: true },
    { phase: 'settling', flipped: true },
    { phase: 'baking', flipped: true },
    { phase: 'draining', flipped: true },
  ];
  test.each(phases)('while $phase', async ({ phase, during, flipped }) => {
    await harness.play(
      new FakeTenant(8),
      async ({ start, fake, record }) => {
        fake.start(2, 'cloud', (await now()) - HOUR);
        if (during) fake.before(during, (_call, { to }) => (to === 'selfhosted' ? untilCancelled() : undefined));
        const handle = await start({ workflows, bake: '5 min' });
        const early = during !== undefined || phase === 'settling';
        await (early ? untilPhase(handle, phase) : skipToPhase(handle, phase));
        // Not before: the test server hangs on the cancellation of an activity that it has not handed out yet.
        if (during) await until('the activity', () => fake.called(during) > 0);
        if (phase === 'draining') fake.start(3, 'selfhosted', await now());
        await handle.signal('rollback', { reason: 'latency doubled' });
        const result = await finish(handle);
        expect(result).toMatchObject({ outcome: 'rolled-back', owner: 'cloud', reason: 'latency doubled' });
        expect(fake.ownedBy('cloud')).toBe(8);
        const { route, lock, owner } = await record();
        expect(lock).toBeNull();
        if (!flipped) {
          expect({ route, owner }).toEqual({ route: null, owner: null });
          return;
        }
        // What was found empty twice needs not be asked any more; nobody waits for what is open.
        const open = phase === 'draining' ? 3 : 0;
        const undrained = open > 0 ? ['cloud', 'selfhosted'] : ['cloud'];
        expect(route).toMatchObject({ to: cloud, from: selfhosted, undrained });
        expect(owner).toBe('cloud');
        // It ends only when no start reaches the target any more.
        expect(Date.parse(result.finishedAt)).toBeGreaterThanOrEqual(Date.parse(route?.at ?? '') + HOLD_AFTER_MS);
        expect(result.workflows?.route).toMatchObject({ from: 'selfhosted', to: 'cloud' });
        expect(result.workflows).toMatchObject({ open, drained: open === 0 });
        expect(result.notes.join()).toMatch(
          open > 0
            ? /3 workflows stay open on selfhosted .*`ferry route \S+ --drained selfhosted`/
            : /^(?!.*selfhosted --drained)/,
        );
      },
      { recordAs: `on-demand-rolled-back-while-${phase}` },
    );
  });

  test('also where it is asked for before the change has taken effect', async () => {
    await harness.play(new FakeTenant(3), async ({ start, record }) => {
      const handle = await start({ workflows, bake: '1 hour' });
      const { workflows: going } = await untilPhase(handle, 'settling');
      const at = Date.parse(going?.route?.at ?? '');
      expect(await now()).toBeLessThan(at);
      await handle.signal('rollback');
      const waiting = await untilProgress(handle, 'the wait', ({ waitingFor }) =>
        /before this one/.test(waitingFor ?? ''),
      );
      expect(waiting.phase).toBe('rolling-back');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back' });
      const { route } = await record();
      expect(route).toMatchObject({ to: cloud, from: selfhosted });
      expect(Date.parse(route?.at ?? '')).toBeGreaterThanOrEqual(at + HOLD_AFTER_MS + LEAD_MS);
    });
  });

  test('a target that is empty only once, or cannot be looked at, stays on record', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake, record }) => {
      const handle = await start({ workflows, bake: '1 hour' });
      await skipToPhase(handle, 'baking');
      const before = fake.called('lookAtWorkflows');
      fake.before('lookAtWorkflows', async (call) => {
        if (call === before + 2) fake.start(1, 'selfhosted', (await now()) - HOUR);
      });
      await handle.signal('rollback');
      const result = await finish(handle);
      expect(fake.called('lookAtWorkflows')).toBe(before + 2);
      expect(result).toMatchObject({ outcome: 'rolled-back', workflows: { open: 1, drained: false } });
      expect((await record()).route?.undrained).toContain('selfhosted');
    });
    await harness.play(new FakeTenant(2), async ({ start, fake, record }) => {
      const handle = await start({ workflows, bake: '1 hour' });
      await skipToPhase(handle, 'baking');
      fake.before('lookAtWorkflows', () => {
        throw ApplicationFailure.nonRetryable('disk on fire', 'DiskOnFire');
      });
      await handle.signal('rollback');
      const result = await finish(handle);
      expect(result.notes.join()).toContain('what is open on selfhosted is not known: the route goes on naming it');
      expect((await record()).route?.undrained).toContain('selfhosted');
    });
  });

  test('after a cancel request in the drain', async () => {
    await harness.play(
      new FakeTenant(3),
      async ({ start, fake, record }) => {
        fake.start(1, 'cloud', (await now()) - HOUR);
        const handle = await start({ workflows, bake: '0' });
        await skipToPhase(handle, 'draining');
        await handle.cancel();
        await expect(finish(handle)).rejects.toThrow(WorkflowFailedError);
        expect(fake.ownedBy('cloud')).toBe(3);
        expect(await record()).toMatchObject({ owner: 'cloud', route: { to: cloud, from: selfhosted }, lock: null });
      },
      { recordAs: 'on-demand-cancelled-while-draining' },
    );
  });

  test('after a failed step', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      fake.before('sweep', (_call, { to }) => {
        if (to === 'selfhosted') throw ApplicationFailure.nonRetryable('disk on fire', 'DiskOnFire');
      });
      const result = await finish(await start({ workflows, bake: '1 hour' }));
      expect(result).toMatchObject({ outcome: 'rolled-back', reason: 'failed while settling: sweep: disk on fire' });
      expect((await record()).route).toMatchObject({ to: cloud, from: selfhosted });
    });
  });
});

test('a migration there and one back: the second finds its source in the route, and both sides drained', async () => {
  await harness.play(new FakeTenant(3), async ({ start, record }) => {
    await finish(await start({ workflows, bake: '0' }));
    await finish(await start({ workflows, bake: '0', from: 'selfhosted', to: 'cloud' }));
    expect((await record()).route).toMatchObject({ to: cloud, from: selfhosted, undrained: [] });
  });
});

describe('a migration that was terminated after it had changed the route', () => {
  test('is gone on with: the T that was announced stands', async () => {
    await harness.play(new FakeTenant(3), async ({ start, record }) => {
      const first = await start({ workflows, bake: '1 hour' });
      await untilPhase(first, 'settling');
      await first.terminate();
      const { route } = await record();
      const result = await finish(await start({ workflows, bake: '0' }));
      expect(result).toMatchObject({ outcome: 'completed', workflows: { drained: true, route: { at: route?.at } } });
      expect((await record()).route).toEqual({ ...route, undrained: [] });
    });
  });

  test('is taken back by one the other way', async () => {
    await harness.play(new FakeTenant(3), async ({ start, record, fake }) => {
      const first = await start({ workflows, bake: '1 hour' });
      await untilPhase(first, 'settling');
      await first.terminate();
      const back = await start({ workflows, bake: '0', from: 'selfhosted', to: 'cloud' });
      expect(await finish(back)).toMatchObject({ outcome: 'completed', owner: 'cloud' });
      expect(fake.ownedBy('cloud')).toBe(3);
      expect((await record()).route).toMatchObject({ to: cloud, from: selfhosted, undrained: ['cloud'] });
    });
  });
});

test('a record from before there were routes has none, and takes one', async () => {
  await harness.play(new FakeTenant(1), async ({ client, taskQueue, tenant, start, record }) => {
    const before = { tenant, owner: 'cloud', lock: null, interrupted: null, history: [], updatedAt: null };
    const workflowId = tenantWorkflowId(tenant);
    await client.workflow.start('Tenant', { workflowId, taskQueue, args: [{ tenant, record: before }] });
    expect(await record()).toEqual({ ...before, route: null });
    await finish(await start({ workflows, bake: '0' }));
    expect((await record()).route).toMatchObject({ to: selfhosted, from: cloud });
  });
});
