import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rollbackUpdate } from '../../src/workflows/messages.ts';
import type { Phase } from '../../src/workflows/progress.ts';
import { type FakedName, FakeTenant, reason, untilCancelled } from './fake-tenant.ts';
import { finish, type Harness, type Migration, startHarness, until, untilPhase, untilProgress } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

/** Where each phase can be caught: in the middle of its activity, or while it waits. */
const phases: { phase: Phase; during?: FakedName; undone: boolean }[] = [
  { phase: 'preflight', during: 'preflight', undone: false },
  { phase: 'copying', during: 'copyPage', undone: false },
  { phase: 'verifying', during: 'verifyPage', undone: false },
  { phase: 'awaiting-approval', undone: false },
  { phase: 'cutting-over', during: 'cutOverPage', undone: true },
  { phase: 'settling', during: 'sweep', undone: true },
  { phase: 'baking', undone: true },
];

describe('rollback takes everything back and frees the tenant', () => {
  test.each(phases)('while $phase', async ({ phase, during, undone }) => {
    await harness.play(
      new FakeTenant(25),
      async ({ start, fake, record }) => {
        // Held in the middle of its work until the rollback reaches it; on the way back it is left alone.
        if (during) fake.before(during, (_call, { to }) => (to === 'selfhosted' ? untilCancelled() : undefined));
        const handle = await start({ bake: '1 hour', approval: phase === 'awaiting-approval' ? 'manual' : 'auto' });
        const caught = await untilPhase(handle, phase);
        // Not before: the test server hangs on the cancellation of an activity that it has not handed out yet.
        if (during) await until('the activity', () => fake.called(during) > 0);
        expect(caught).toMatchObject({
          phase,
          canRollback: true,
          rollbackReason: null,
          // Nobody has migrated it yet, and preflight has not found where it lives.
          owner: phase === 'preflight' ? null : phase === 'baking' ? 'selfhosted' : 'cloud',
        });
        await handle.signal('rollback', { reason: 'latency doubled' });
        const result = await finish(handle);

        expect(result).toMatchObject({
          outcome: 'rolled-back',
          owner: 'cloud',
          reason: 'latency doubled',
        });
        expect(fake.ownedBy('cloud')).toBe(25);
        expect(fake.calls.includes('cutOverPage selfhosted>cloud')).toBe(undone);
        expect(result.schedules.handedOver).toBe(0);
        expect(await record()).toMatchObject({ owner: undone ? 'cloud' : null, lock: null });
        expect(await untilPhase(handle, 'rolled-back')).toMatchObject({
          canRollback: false,
          waitingFor: null,
          accepts: [],
        });
      },
      { recordAs: `rolled-back-while-${phase}` },
    );
  });

  test('while claiming: a rollback sent with the start is not lost', async () => {
    await harness.play(new FakeTenant(3), async ({ client, fake, record, taskQueue, tenant }) => {
      const handle = await client.workflow.signalWithStart('MigrateTenant', {
        workflowId: `migrate/${tenant}`,
        taskQueue,
        args: [{ tenant }],
        signal: 'rollback',
      });
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', reason: 'requested without a reason' });
      expect(fake.ownedBy('cloud')).toBe(3);
      expect(fake.calls).toEqual([]);
      expect((await record()).lock).toBeNull();
    });
  });

  test('in the middle of a page: what the page had handed over before it heard of it comes back too', async () => {
    await harness.play(
      new FakeTenant(30),
      async ({ start, fake, record }) => {
        fake.beforeSchedule('cutOverPage', (schedule, { to }) =>
          schedule === 'job-0014' && to === 'selfhosted' ? untilCancelled() : undefined,
        );
        const handle = await start({ bake: '1 hour' });
        await until('13 schedules on the target', () => fake.ownedBy('selfhosted') === 13);
        expect(await handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'seen enough' }] })).toContain(
          'goes back to cloud',
        );
        const result = await finish(handle);
        expect(result).toMatchObject({ outcome: 'rolled-back', reason: 'seen enough' });
        // 14 there (the one in flight was finished) and 14 back: the audit covers both ways.
        expect(result.audit.runs).toBe(28);
        expect(fake.ownedBy('cloud')).toBe(30);
        expect((await record()).lock).toBeNull();
      },
      { recordAs: 'rolled-back-mid-page' },
    );
  });

  test('a write of the attempt before that lands after all was found at home is seen by a second look', async () => {
    await harness.play(new FakeTenant(5), async ({ start, fake }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      let looks = 0;
      fake.before('cutOverPage', (_call, { to }) => {
        if (to !== 'cloud') return undefined;
        looks++;
        if (looks === 2) fake.owners.set('job-0003', 'selfhosted');
        return undefined;
      });
      await handle.signal('rollback');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', owner: 'cloud' });
      expect(fake.ownedBy('cloud')).toBe(5);
      expect(looks).toBe(2);
    });
  });

  test('while paused: nobody has to resume it first', async () => {
    await harness.play(new FakeTenant(5), async ({ start, fake, record }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      await handle.signal('pause');
      await untilProgress(handle, 'the pause', ({ paused }) => paused);
      await handle.signal('rollback');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back' });
      expect(fake.ownedBy('cloud')).toBe(5);
      expect((await record()).lock).toBeNull();
    });
  });

  test('while held for a person: schedules that would not go there are no obstacle on the way back', async () => {
    await harness.play(new FakeTenant(5), async ({ start, fake, env, record }) => {
      fake.before('cutOverPage', (call) => {
        if (call === 1) fake.stubborn.set('job-0003', reason('job-0003'));
      });
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'settling');
      await env.sleep('5 min');
      await untilProgress(handle, 'the hold', ({ accepts }) => accepts.includes('proceed'));
      await handle.signal('rollback');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', schedules: { handedOver: 0 } });
      expect(fake.ownedBy('cloud')).toBe(5);
      expect((await record()).lock).toBeNull();
    });
  });
});

describe('the way back never gives up', () => {
  test('a schedule that does not come back is named, and tried again until it does', async () => {
    await harness.play(new FakeTenant(5), async ({ start, fake, env, record }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      fake.stubborn.set('job-0002', reason('job-0002', 'a run is open'));
      await handle.signal('rollback');
      await untilPhase(handle, 'rolling-back');
      await env.sleep('3 hours');
      const waiting = await untilProgress(handle, 'the wait', ({ waitingFor }) => waitingFor !== null);
      expect(waiting.waitingFor).toContain(
        '1 schedule still on selfhosted (schedule job-0002: a run is open; persuade it)',
      );
      expect(waiting).toMatchObject({ accepts: ['proceed'], schedules: { handedOver: 1, failed: 1 } });
      fake.stubborn.clear();
      await handle.signal('proceed');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', schedules: { handedOver: 0, failed: 0 } });
      expect((await record()).lock).toBeNull();
    });
  });

  test('an error that no retry policy would retry does not end it', async () => {
    await harness.play(new FakeTenant(5), async ({ start, fake, record }) => {
      let failures = 0;
      fake.before('cutOverPage', (_call, { to }) => {
        if (to === 'cloud' && failures++ < 3)
          throw ApplicationFailure.nonRetryable('certificate expired', 'StepFailed');
      });
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      await handle.signal('rollback');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back' });
      expect(failures).toBeGreaterThan(3);
      expect(fake.ownedBy('cloud')).toBe(5);
      expect((await record()).lock).toBeNull();
    });
  });

  test('a cancel request during the way back does not interrupt it', async () => {
    await harness.play(new FakeTenant(5), async ({ start, fake }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      fake.before('cutOverPage', async () => {
        await handle.cancel();
      });
      await handle.signal('rollback');
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back' });
      expect(fake.ownedBy('cloud')).toBe(5);
    });
  });
});

describe('a cancel request from the Web UI', () => {
  async function expectCancelled(handle: Migration): Promise<void> {
    const error = await finish(handle).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ cause: expect.any(CancelledFailure) });
  }

  test('during the cut-over takes everything back, and then ends the workflow as cancelled', async () => {
    await harness.play(
      new FakeTenant(20),
      async ({ start, fake, record }) => {
        fake.beforeSchedule('cutOverPage', (schedule, { to }) =>
          schedule === 'job-0006' && to === 'selfhosted' ? untilCancelled() : undefined,
        );
        const handle = await start({ bake: '1 hour' });
        await until('5 schedules on the target', () => fake.ownedBy('selfhosted') === 5);
        await handle.cancel();
        await expectCancelled(handle);
        expect(fake.ownedBy('cloud')).toBe(20);
        expect(await untilPhase(handle, 'rolled-back')).toMatchObject({ rollbackReason: 'cancelled', owner: 'cloud' });
        expect(await record()).toMatchObject({ owner: 'cloud', lock: null });
      },
      { recordAs: 'cancelled-while-cutting-over' },
    );
  });

  test('before the cut-over leaves everything where it is', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      const handle = await start({ approval: 'manual' });
      await untilPhase(handle, 'awaiting-approval');
      await handle.cancel();
      await expectCancelled(handle);
      expect(fake.called('cutOverPage')).toBe(0);
      expect((await record()).lock).toBeNull();
    });
  });
});

describe('a failure', () => {
  const fatal = () => {
    throw ApplicationFailure.nonRetryable('disk on fire', 'DiskOnFire');
  };

  test.each([
    ['preflight', 'preflight'],
    ['copyPage', 'copying'],
    ['verifyPage', 'verifying'],
  ] as const)(
    'of %s, before anything was handed over, fails the migration and frees the tenant',
    async (activity, phase) => {
      await harness.play(new FakeTenant(3), async ({ start, fake, record, tenant }) => {
        fake.before(activity, fatal);
        const handle = await start({});
        const error: unknown = await finish(handle).catch((failure: unknown) => failure);
        expect(error).toBeInstanceOf(WorkflowFailedError);
        expect(error).toMatchObject({
          cause: {
            type: 'StepFailed',
            message: `${tenant}: failed while ${phase}: ${activity}: disk on fire. It handed nothing over and the lock is free: remove the cause and start the migration again.`,
          },
        });
        expect(await untilPhase(handle, 'failed')).toMatchObject({
          canRollback: false,
          owner: phase === 'preflight' ? null : 'cloud',
        });
        expect(fake.called('cutOverPage')).toBe(0);
        expect(await record()).toMatchObject({ owner: null, lock: null });
      });
    },
  );

  test.each([
    ['cutOverPage', 'cutting-over'],
    ['sweep', 'settling'],
  ] as const)('of %s, after the first hand-over, rolls back by itself', async (activity, phase) => {
    await harness.play(
      new FakeTenant(30),
      async ({ start, fake, record }) => {
        fake.before(activity, (call, { to }) => {
          if (to === 'selfhosted' && (activity !== 'cutOverPage' || call > 1)) fatal();
        });
        const handle = await start({ bake: '1 hour' });
        expect(await finish(handle)).toMatchObject({
          outcome: 'rolled-back',
          owner: 'cloud',
          reason: `failed while ${phase}: ${activity}: disk on fire`,
          schedules: { handedOver: 0 },
        });
        expect(fake.ownedBy('cloud')).toBe(30);
        expect(await record()).toMatchObject({ owner: 'cloud', lock: null });
      },
      { recordAs: `failed-while-${phase}` },
    );
  });

  test('of a check in the bake is neither good nor bad: the bake goes on, and the last look holds for a person', async () => {
    await harness.play(
      new FakeTenant(3),
      async ({ start, fake, env, record }) => {
        let unreachable = true;
        fake.before('watchOwnership', () => {
          if (unreachable) fatal();
        });
        const handle = await start({ bake: '1 hour' });
        await untilPhase(handle, 'baking');
        await env.sleep('2 hours');
        const held = await untilProgress(handle, 'the hold', ({ waitingFor }) =>
          /could not be made/.test(waitingFor ?? ''),
        );
        expect(held).toMatchObject({ phase: 'baking', owner: 'selfhosted', canRollback: true });
        expect(held.waitingFor).toContain('disk on fire');
        await handle.signal('proceed');
        await until('another look', () => fake.called('watchOwnership') > 0);
        await untilProgress(handle, 'the hold again', ({ waitingFor }) => /could not be made/.test(waitingFor ?? ''));
        unreachable = false;
        await handle.signal('proceed');
        const result = await finish(handle);
        expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
        expect(result).not.toHaveProperty('accepted');
        expect(await record()).toMatchObject({ owner: 'selfhosted', lock: null });
      },
      { recordAs: 'check-not-made' },
    );
  });

  test('of the last check, again and again: a person may do without it, and the result says so', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      fake.before('watchOwnership', fatal);
      const handle = await start({ bake: '0' });
      const first = await untilProgress(handle, 'the hold', ({ waitingFor }) => waitingFor !== null);
      expect(first.waitingFor).toMatch(/^the last check could not be made \(.*`proceed` tries again/);
      await handle.signal('proceed');
      const second = await untilProgress(handle, 'the second hold', ({ waitingFor }) =>
        /again \(/.test(waitingFor ?? ''),
      );
      expect(second.waitingFor).toContain('completes without it if that fails too');
      await handle.signal('proceed');
      const result = await finish(handle);
      expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
      expect(result.accepted?.what).toBe('no last check of both sides (watchOwnership: disk on fire)');
      expect(fake.called('watchOwnership')).toBe(3);
    });
  });

  test('that passes is retried and nobody hears of it', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      for (const activity of [
        'preflight',
        'copyPage',
        'verifyPage',
        'cutOverPage',
        'sweep',
        'watchOwnership',
      ] as const) {
        fake.before(activity, (call) => {
          if (call <= 2) throw new Error('connection reset');
        });
      }
      expect(await finish(await start({ bake: '0' }))).toMatchObject({ outcome: 'completed', notes: [] });
    });
  });
});

describe('reasons against a migration are named, every one', () => {
  async function failureOf(handle: Migration): Promise<ApplicationFailure> {
    const error: unknown = await finish(handle).catch((failure: unknown) => failure);
    if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
    throw new Error(`Not a failed workflow: ${String(error)}`);
  }

  test('blockers of the preflight', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      fake.blockers = [reason('job-0001', 'no poller'), reason('job-0002', 'attribute missing')];
      const failure = await failureOf(await start({}));
      expect(failure.type).toBe('PreflightFailed');
      expect(failure.message).toContain(
        '- schedule job-0001: no poller; persuade it\n- schedule job-0002: attribute missing; persuade it',
      );
      expect(fake.called('copyPage')).toBe(0);
      expect((await record()).lock).toBeNull();
    });
  });

  test('schedules that cannot be copied', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      fake.stubborn.set('job-0002', reason('job-0002', 'it belongs to somebody else'));
      const failure = await failureOf(await start({}));
      expect(failure.type).toBe('StepFailed');
      expect(failure.message).toContain('1 schedule of 3 could not be copied to selfhosted');
      expect(failure.message).toContain('- schedule job-0002: it belongs to somebody else; persuade it');
      expect(fake.called('cutOverPage')).toBe(0);
      expect((await record()).lock).toBeNull();
    });
  });

  test('copies that differ also after a repair', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, record }) => {
      const finding = {
        different: [{ schedule: 'job-0001', fields: ['spec.jitter', 'policies'] }],
        missing: ['job-0003'],
      };
      fake.findings = [finding, finding];
      const failure = await failureOf(await start({}));
      expect(failure.type).toBe('VerifyFailed');
      expect(failure.message).toContain(
        '- schedule job-0001: differs in spec.jitter, policies\n- schedule job-0003: missing',
      );
      expect(fake.called('cutOverPage')).toBe(0);
      expect((await record()).lock).toBeNull();
    });
  });
});
