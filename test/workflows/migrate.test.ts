import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { planQuery, proceedUpdate, progressQuery } from '../../src/workflows/messages.ts';
import { FakeTenant, reason } from './fake-tenant.ts';
import { finish, type Harness, startHarness, untilPhase, untilProgress } from './harness.ts';

const HOUR = 3600_000;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

describe('the way through', () => {
  test('a migration with a bake of 24 hours completes with every schedule on the target', async () => {
    await harness.play(
      new FakeTenant(40),
      async ({ start, fake, record, tenant }) => {
        const handle = await start({ bake: '24 hours' });
        const result = await finish(handle);
        expect(result).toMatchObject({
          tenant,
          outcome: 'completed',
          owner: 'selfhosted',
          schedules: { total: 40, copied: 40, verified: 40, handedOver: 40, failed: 0 },
          audit: { runs: 40, duplicates: 0, missed: 0, wrongSide: 0 },
        });
        expect(result).not.toHaveProperty('reason');
        expect(fake.ownedBy('selfhosted')).toBe(40);
        expect(Date.parse(result.finishedAt) - Date.parse(result.startedAt)).toBeGreaterThanOrEqual(24 * HOUR);
        expect(await record()).toMatchObject({ owner: 'selfhosted', lock: null, interrupted: null });
      },
      { recordAs: 'completed' },
    );
  });

  test('the last look at ownership is also taken without a bake', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      const result = await finish(await start({ bake: '0' }));
      expect(result.outcome).toBe('completed');
      expect(fake.called('watchOwnership')).toBe(1);
    });
  });

  test('the new owner is on record before the bake, so that services follow the schedules at once', async () => {
    await harness.play(new FakeTenant(3), async ({ start, record }) => {
      const handle = await start({ bake: '1 hour' });
      expect((await untilPhase(handle, 'baking')).owner).toBe('selfhosted');
      expect(await record()).toMatchObject({ owner: 'selfhosted', lock: { migration: handle.workflowId } });
      await finish(handle);
    });
  });

  test('a way back is the same with the sides swapped', async () => {
    await harness.play(new FakeTenant(5, 'selfhosted'), async ({ start, fake, record }) => {
      const result = await finish(await start({ from: 'selfhosted', to: 'cloud', bake: '0' }));
      expect(result).toMatchObject({ outcome: 'completed', owner: 'cloud' });
      expect(fake.ownedBy('cloud')).toBe(5);
      expect(await record()).toMatchObject({ owner: 'cloud', lock: null });
    });
  });

  test('a thousand schedules and a bake fit into 300 history events', async () => {
    await harness.play(new FakeTenant(1000), async ({ start, fake }) => {
      const handle = await start({ bake: '1 hour' });
      expect((await finish(handle)).schedules.handedOver).toBe(1000);
      expect(fake.called('cutOverPage')).toBe(4);
      const { events } = await handle.fetchHistory();
      expect(events?.length).toBeLessThan(300);
      console.log(`1000 schedules, bake of 1 hour: ${events?.length} events`);
    });
  });

  test('an unregistered search attribute does not stop a migration', async () => {
    await harness.play(
      new FakeTenant(2),
      async ({ start }) => {
        const handle = await start({ bake: '0' });
        expect((await finish(handle)).outcome).toBe('completed');
        const { events } = await handle.fetchHistory();
        expect(events?.filter((event) => event.upsertWorkflowSearchAttributesEventAttributes)).toHaveLength(0);
      },
      { searchAttributes: false },
    );
  });
});

describe('a dry run', () => {
  test('returns the plan with its blockers, touches nothing and frees the tenant', async () => {
    await harness.play(new FakeTenant(7), async ({ start, fake, record }) => {
      fake.blockers = [reason('job-0001')];
      const result = await finish(await start({ dryRun: true }));
      expect(result).toMatchObject({ outcome: 'planned', owner: 'cloud', schedules: { total: 7, copied: 0 } });
      expect(result.plan?.blockers).toEqual(fake.blockers);
      expect(result.plan?.plan.schedules[0]?.writes).toEqual(['selfhosted: create paused copy']);
      expect(fake.calls).toEqual(['preflight cloud>selfhosted']);
      expect(await record()).toMatchObject({ owner: null, lock: null });
    });
  });
});

describe('approval', () => {
  test('nothing is handed over before a person proceeds, however long it takes', async () => {
    await harness.play(
      new FakeTenant(4),
      async ({ start, fake, env }) => {
        const handle = await start({ approval: 'manual', bake: '0' });
        const waiting = await untilPhase(handle, 'awaiting-approval');
        expect(waiting.waitingFor).toContain('`proceed`, to hand over 4 schedules from cloud to selfhosted');
        expect(waiting.accepts).toEqual(['rollback', 'pause', 'proceed']);
        await env.sleep('10 days');
        expect(fake.called('cutOverPage')).toBe(0);
        expect(await handle.executeUpdate(proceedUpdate, { args: [undefined] })).toContain('proceeds');
        expect((await finish(handle)).outcome).toBe('completed');
      },
      { recordAs: 'approved' },
    );
  });

  test('a proceed sent too early approves nothing', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake }) => {
      let handle: Awaited<ReturnType<typeof start>> | undefined;
      fake.before('copyPage', async () => handle?.signal('proceed'));
      handle = await start({ approval: 'manual', bake: '0' });
      const waiting = await untilPhase(handle, 'awaiting-approval');
      expect(waiting.notes.join()).toContain('`proceed` did nothing');
      expect(fake.called('cutOverPage')).toBe(0);
      await handle.signal('proceed');
      expect((await finish(handle)).outcome).toBe('completed');
    });
  });
});

describe('the bake', () => {
  test('proceed ends it now, and the result says so', async () => {
    await harness.play(new FakeTenant(2), async ({ start, fake }) => {
      const handle = await start({ bake: '30 days' });
      await untilPhase(handle, 'baking');
      await handle.signal('proceed');
      const result = await finish(handle);
      expect(result).toMatchObject({ outcome: 'completed', bakeEndedEarly: true });
      expect(Date.parse(result.finishedAt) - Date.parse(result.startedAt)).toBeLessThan(HOUR);
      expect(fake.called('watchOwnership')).toBe(1);
    });
  });

  test('a bake that ran its time is not called ended early', async () => {
    await harness.play(new FakeTenant(2), async ({ start }) => {
      expect(await finish(await start({ bake: '10 min' }))).not.toHaveProperty('bakeEndedEarly');
    });
  });

  test('both sides active is reported, and runs of the wrong side need a person before it completes', async () => {
    await harness.play(
      new FakeTenant(3),
      async ({ start, fake }) => {
        const breach = {
          schedule: 'job-0002',
          kind: 'both-active' as const,
          detail: 'the standby on cloud was unpaused by somebody',
          repaired: true,
          wrongSideRuns: 2,
          at: '2026-11-22T16:00:00.000Z',
        };
        fake.breaches = [[], [breach]];
        const handle = await start({ bake: '1 hour' });
        await untilPhase(handle, 'baking');
        await harness.env.sleep('2 hours');
        const held = await untilProgress(
          handle,
          'the hold',
          ({ waitingFor }) => waitingFor?.includes('ledger') ?? false,
        );
        expect(held.waitingFor).toContain('0 missed, 0 duplicate and 2 on the wrong side');
        expect(held.breaches).toEqual([breach]);
        await handle.signal('proceed');
        const result = await finish(handle);
        expect(result).toMatchObject({
          outcome: 'completed',
          audit: { wrongSide: 2 },
          breaches: [breach],
          accepted: { wrongSide: 2, missed: 0 },
        });
      },
      { recordAs: 'breach-accepted' },
    );
  });

  test('a breach repaired before it ran anything does not need anybody', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      fake.breaches = [
        [{ schedule: 'job-0001', kind: 'both-active', detail: 'x', repaired: true, wrongSideRuns: 0, at: '' }],
      ];
      const result = await finish(await start({ bake: '10 min' }));
      expect(result).toMatchObject({ outcome: 'completed', breaches: [{ schedule: 'job-0001' }] });
    });
  });

  test('what a handover completed in the bake has missed goes to the ledger, which gates completion', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      fake.watched = { runs: 2, missed: 1 };
      const handle = await start({ bake: '0' });
      await untilProgress(handle, 'the hold', ({ waitingFor }) => waitingFor?.includes('1 missed') ?? false);
      await handle.signal('proceed');
      expect(await finish(handle)).toMatchObject({ audit: { missed: 1, runs: 5 }, accepted: { missed: 1 } });
    });
  });

  test('a breach the last look could not repair does not pass silently', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      const overdue = {
        schedule: 'job-0003',
        kind: 'overdue' as const,
        detail: 'no run',
        repaired: false,
        wrongSideRuns: 0,
        at: '',
      };
      fake.breaches = [[overdue], [overdue]];
      const handle = await start({ bake: '0' });
      await untilProgress(
        handle,
        'the hold',
        ({ waitingFor }) => waitingFor?.includes('schedule job-0003 overdue') ?? false,
      );
      expect((await record()).lock).not.toBeNull();
      await handle.signal('proceed');
      expect((await finish(handle)).accepted?.what).toBe('schedule job-0003 overdue');
    });
  });
});

describe('settling', () => {
  test('new schedules that never cease to come are told to a person, and handed over when they say so', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      let keepsCreating = true;
      fake.before('sweep', (call) => {
        if (keepsCreating) fake.owners.set(`new-${call}`, 'cloud');
      });
      const handle = await start();
      const held = await untilProgress(
        handle,
        'the hold',
        ({ waitingFor }) => waitingFor?.includes('20 looks') ?? false,
      );
      expect(held).toMatchObject({ phase: 'settling', accepts: ['rollback', 'pause', 'proceed'] });
      expect(fake.called('sweep')).toBe(21);
      keepsCreating = false;
      await handle.signal('proceed');
      expect(await finish(handle)).toMatchObject({ outcome: 'completed', schedules: { handedOver: 24 } });
      expect(fake.ownedBy('selfhosted')).toBe(24);
    });
  });

  test('schedules created meanwhile are handed over by a further pass', async () => {
    await harness.play(new FakeTenant(12), async ({ start, fake }) => {
      fake.before('sweep', (call) => {
        if (call === 1) fake.owners.set('new-0001', 'cloud');
      });
      const result = await finish(await start({ bake: '0' }));
      expect(result.schedules).toMatchObject({ total: 13, handedOver: 13, failed: 0 });
      expect(fake.ownedBy('cloud')).toBe(0);
    });
  });

  test('what cannot be handed over holds the migration for a person, and proceed tries again', async () => {
    await harness.play(
      new FakeTenant(12),
      async ({ start, fake, env }) => {
        fake.before('cutOverPage', (call) => {
          if (call === 1) fake.stubborn.set('job-0007', reason('job-0007', 'a run is open'));
        });
        const handle = await start({ bake: '0' });
        await untilPhase(handle, 'settling');
        await env.sleep('5 min');
        const held = await untilProgress(handle, 'the hold', ({ accepts }) => accepts.includes('proceed'));
        expect(held.waitingFor).toContain(
          '1 schedule of 12 could not be handed over (schedule job-0007: a run is open; persuade it)',
        );
        expect(held.schedules).toMatchObject({ total: 12, handedOver: 11, failed: 1 });
        expect(held.failures).toEqual([reason('job-0007', 'a run is open')]);
        expect(fake.ownedBy('cloud')).toBe(1);
        const seen: string[] = [];
        fake.beforeSchedule('cutOverPage', (schedule) => void seen.push(schedule));
        fake.stubborn.clear();
        await handle.signal('proceed');
        const result = await finish(handle);
        expect(result).toMatchObject({ outcome: 'completed', schedules: { handedOver: 12, failed: 0 } });
        // Nobody else is looked at again.
        expect(seen).toEqual(['job-0007']);
      },
      { recordAs: 'held-and-proceeded' },
    );
  });

  test('what cannot be explained in the ledger stops completion until it is accepted', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      fake.audit = { missed: 1, duplicates: 2 };
      const handle = await start({ bake: '0' });
      const held = await untilProgress(handle, 'the hold', ({ accepts }) => accepts.includes('proceed'));
      expect(held).toMatchObject({ phase: 'settling', owner: 'selfhosted' });
      expect(held.waitingFor).toContain('the ledger is not clean (1 missed, 2 duplicate and 0 on the wrong side)');
      await handle.signal('proceed');
      expect(await finish(handle)).toMatchObject({
        outcome: 'completed',
        audit: { missed: 1, duplicates: 2 },
        accepted: { missed: 1, duplicates: 2 },
      });
    });
  });

  test('an attempt that died after its work leaves the counts right', async () => {
    await harness.play(new FakeTenant(30), async ({ start, fake }) => {
      fake.beforeSchedule('cutOverPage', (schedule) => {
        if (schedule !== 'job-0005' || fake.called('cutOverPage') > 1) return;
        throw new Error('connection lost');
      });
      const result = await finish(await start({ bake: '0' }));
      expect(result.schedules).toEqual({ total: 30, copied: 30, verified: 30, handedOver: 30, failed: 0 });
    });
  });
});

describe('verifying', () => {
  test('a source edited since it was copied is copied again', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      fake.findings = [{ different: [{ schedule: 'job-0001', fields: ['spec.jitter'] }], missing: ['job-0002'] }];
      const result = await finish(await start({ bake: '0' }));
      expect(result).toMatchObject({ outcome: 'completed', schedules: { copied: 3, verified: 3 } });
      expect(fake.called('copyPage')).toBe(2);
    });
  });

  test('a schedule found only on the target is a warning people see', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      fake.findings = [{ extra: ['left-over'] }];
      const result = await finish(await start({ bake: '0' }));
      expect(result.warnings).toMatchObject([{ object: 'schedule left-over', code: 'extra-on-target' }]);
    });
  });
});

test('the plan can be read while the migration runs', async () => {
  await harness.play(new FakeTenant(5), async ({ start }) => {
    const handle = await start({ approval: 'manual', bake: '0' });
    await untilPhase(handle, 'awaiting-approval');
    expect((await handle.query(planQuery))?.plan).toMatchObject({ omitted: 2, rpcEstimate: 50 });
    await handle.signal('proceed');
    await finish(handle);
    expect((await handle.query(progressQuery)).phase).toBe('completed');
  });
});
