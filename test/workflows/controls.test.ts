import { WorkflowUpdateFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  pauseUpdate,
  proceedUpdate,
  progressQuery,
  resumeUpdate,
  rollbackUpdate,
} from '../../src/workflows/messages.ts';
import { FakeTenant, untilCancelled } from './fake-tenant.ts';
import { finish, type Harness, startHarness, until, untilPhase, untilProgress } from './harness.ts';

const HOUR = 3600_000;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

describe('pause holds between schedules, and resume goes on where it stopped', () => {
  test.each(['copyPage', 'cutOverPage'] as const)('in the middle of a %s', async (activity) => {
    await harness.play(
      new FakeTenant(30),
      async ({ start, fake, env }) => {
        const treated: string[] = [];
        let pausing = true;
        fake.beforeSchedule(activity, async (schedule) => {
          if (schedule === 'job-0013' && pausing) {
            pausing = false;
            await untilCancelled();
          }
          treated.push(schedule);
        });
        const handle = await start({ bake: '0' });
        await until('the schedule to pause at', () => !pausing);
        expect(await handle.executeUpdate(pauseUpdate, { args: [undefined] })).toContain('`resume` goes on');
        await until('the schedule in flight to finish', () => treated.length === 13);
        const paused = await untilProgress(handle, 'the count of what was in flight', ({ schedules }) =>
          activity === 'copyPage' ? schedules.copied === 13 : schedules.handedOver === 13,
        );
        expect(paused).toMatchObject({
          paused: true,
          waitingFor: '`resume`: it is paused',
          accepts: ['rollback', 'resume'],
        });
        const calls = fake.calls.length;
        await env.sleep('3 days');
        expect(fake.calls).toHaveLength(calls);

        await handle.signal('resume');
        expect(await finish(handle)).toMatchObject({
          outcome: 'completed',
          schedules: { copied: 30, handedOver: 30 },
        });
        // None left out, and none looked at twice: it went on from the cursor.
        expect(treated).toEqual([...fake.owners.keys()]);
      },
      { recordAs: `paused-in-${activity}` },
    );
  });

  test('in the bake: the clock stands still', async () => {
    await harness.play(
      new FakeTenant(3),
      async ({ start, fake, env }) => {
        const handle = await start({ bake: '2 hours' });
        await untilPhase(handle, 'baking');
        await env.sleep('30 min');
        await handle.signal('pause');
        await untilProgress(handle, 'the pause', ({ paused }) => paused);
        const watched = fake.called('watchOwnership');
        await env.sleep('24 hours');
        expect(await handle.query(progressQuery)).toMatchObject({ phase: 'baking', paused: true });
        expect(fake.called('watchOwnership')).toBe(watched);
        await handle.signal('resume');
        const result = await finish(handle);
        const took = Date.parse(result.finishedAt) - Date.parse(result.startedAt);
        expect(took).toBeGreaterThanOrEqual(26 * HOUR);
        expect(took).toBeLessThan(27 * HOUR);
        expect(result).not.toHaveProperty('bakeEndedEarly');
      },
      { recordAs: 'paused-in-bake' },
    );
  });

  test('before a page has begun: the page is asked for again, not skipped', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, env }) => {
      let failing = true;
      // In its back-off the activity is not running: a cancellation then ends it without an answer.
      fake.before('copyPage', () => {
        if (failing) throw new Error('connection reset');
      });
      const handle = await start({ bake: '0' });
      await until('a failed attempt', () => fake.called('copyPage') > 0);
      await handle.signal('pause');
      await untilProgress(handle, 'the pause', ({ paused }) => paused);
      failing = false;
      await env.sleep('1 hour');
      expect((await handle.query(progressQuery)).phase).toBe('copying');
      await handle.signal('resume');
      expect(await finish(handle)).toMatchObject({ outcome: 'completed', schedules: { copied: 3, handedOver: 3 } });
    });
  });

  test('while waiting for approval: an approval given meanwhile counts, but only after resume', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, env }) => {
      const handle = await start({ approval: 'manual', bake: '0' });
      await untilPhase(handle, 'awaiting-approval');
      await handle.signal('pause');
      await handle.signal('proceed');
      await env.sleep('1 hour');
      expect(fake.called('cutOverPage')).toBe(0);
      await handle.signal('resume');
      expect((await finish(handle)).outcome).toBe('completed');
    });
  });
});

describe('a command that makes no sense now', () => {
  async function answer(update: Promise<unknown>): Promise<{ message: string; stack: string }> {
    const error: unknown = await update.catch((failure: unknown) => failure);
    if (!(error instanceof WorkflowUpdateFailedError) || !(error.cause instanceof Error))
      throw new Error(`Accepted: ${String(error)}`);
    return { message: error.cause.message, stack: error.cause.stack ?? '' };
  }

  test('is refused as an update in one plain sentence without a stack, and noted as a signal', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, tenant }) => {
      fake.before('copyPage', untilCancelled);
      const handle = await start({ bake: '0' });
      await untilPhase(handle, 'copying');
      const refused = await answer(handle.executeUpdate(proceedUpdate, { args: [undefined] }));
      expect(refused.message).toBe(`${tenant} is copying and waits for nobody: there is nothing to proceed with.`);
      expect(refused.stack).not.toContain('    at ');
      expect((await answer(handle.executeUpdate(resumeUpdate, { args: [undefined] }))).message).toContain(
        'is not paused',
      );
      await handle.signal('resume');
      const { notes, phase } = await untilProgress(handle, 'the note', (progress) => progress.notes.length > 0);
      expect(notes[0]).toContain('`resume` did nothing');
      expect(phase).toBe('copying');
      await handle.signal('rollback');
      expect((await finish(handle)).outcome).toBe('rolled-back');
    });
  });

  test('a second rollback neither fails nor restarts the first', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      let released = false;
      fake.before('cutOverPage', () => until('release', () => released).then(() => undefined));
      await handle.signal('rollback', { reason: 'first' });
      await untilPhase(handle, 'rolling-back');
      expect((await answer(handle.executeUpdate(rollbackUpdate, { args: [{ reason: 'second' }] }))).message).toContain(
        'is rolling back to cloud already',
      );
      await handle.signal('rollback', { reason: 'third' });
      released = true;
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', reason: 'first' });
    });
  });
});

describe('whatever comes with a command, it is obeyed', () => {
  test.each([
    ['nothing', [], 'requested without a reason'],
    ['null', [null], 'requested without a reason'],
    ['a number', [42], 'requested without a reason'],
    ['a list', [['x', { y: 1 }]], 'requested without a reason'],
    ['a text', ['too slow'], 'too slow'],
    ['a reason that is an object', [{ reason: { a: 1 } }], 'requested without a reason'],
    ['other fields', [{ raeson: 'x' }], 'requested without a reason'],
    ['two arguments', [{ reason: 'one' }, 'two'], 'one'],
  ])('rollback with %s rolls back', async (_what, args, reason) => {
    await harness.play(new FakeTenant(2), async ({ start, fake }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      await handle.signal('rollback', ...args);
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', reason });
      expect(fake.ownedBy('cloud')).toBe(2);
    });
  });

  test('pause, proceed and resume with an input they do not take say so and do their work', async () => {
    await harness.play(new FakeTenant(2), async ({ start }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      await handle.signal('pause', 'please');
      expect((await untilProgress(handle, 'the pause', ({ paused }) => paused)).notes[0]).toContain(
        '`pause` came with an input',
      );
      await handle.signal('resume', [1]);
      await handle.signal('proceed', { now: true });
      expect(await finish(handle)).toMatchObject({ outcome: 'completed', bakeEndedEarly: true });
    });
  });
});
