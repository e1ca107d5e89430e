import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckInput, GatesInput } from '../../src/gates/settings.ts';
import { progressQuery } from '../../src/workflows/messages.ts';
import { FakeTenant } from './fake-tenant.ts';
import { finish, type Harness, type Migration, startHarness, until, untilPhase, untilProgress } from './harness.ts';

const HOUR = 3_600_000;

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const check = (name: string, change: Partial<CheckInput> = {}): CheckInput => ({
  name,
  measure: { kind: 'workflow-failures' },
  ...change,
});
const gates = (change: Partial<GatesInput>, ...checks: CheckInput[]): { gates: GatesInput } => ({
  gates: { checks, ...change },
});

/** Until a person is asked; the bake's time passes meanwhile. */
async function untilHeld(handle: Migration) {
  await untilPhase(handle, 'baking');
  await harness.env.sleep('1 hour');
  return await untilProgress(handle, 'the hold', ({ waitingFor }) => waitingFor?.includes('its gate') ?? false);
}

test('a good gate lets the bake end by its time, and its figures are in the result', async () => {
  await harness.play(
    new FakeTenant(3),
    async ({ start, fake, tenant }) => {
      const input = gates({}, check('failures'), check('short', { count: 2, every: '2 min', initialDelay: '5 min' }));
      const result = await finish(await start({ bake: '30 min', ...input }));
      expect(result).toMatchObject({
        outcome: 'completed',
        gate: {
          verdict: 'successful',
          message: 'good: all of 2',
          checks: [
            { name: 'failures', verdict: 'successful', failed: 0, inconclusive: 0, errors: 0, dryRun: false },
            { name: 'short', verdict: 'successful', successful: 2, last: { value: 2, message: 'successful the 2.' } },
          ],
        },
      });
      expect(result).not.toHaveProperty('accepted');
      expect(result).not.toHaveProperty('bakeEndedEarly');
      // Once a minute from the beginning; the other one is over after its count.
      const of = (name: string) => fake.measurements.filter((each) => each.check.name === name);
      expect(of('failures').length).toBeGreaterThanOrEqual(28);
      expect(of('failures').length).toBeLessThanOrEqual(31);
      expect(of('short')).toHaveLength(2);
      expect(of('short')[0]).toMatchObject({ tenant, from: 'cloud', to: 'selfhosted', workflows: null });
      const { beforeMs = 0, sinceMs = 0 } = of('short')[0] ?? {};
      expect(beforeMs).toBeLessThanOrEqual(sinceMs);
      // Ownership is looked at as often as without a gate, and at the end.
      expect(fake.called('watchOwnership')).toBe(10);
    },
    { recordAs: 'gate-successful' },
  );
});

describe('a failed gate', () => {
  const failing = (): FakeTenant => {
    const fake = new FakeTenant(4);
    fake.measured = (_name, call) => (call < 3 ? 'successful' : 'failed');
    return fake;
  };

  test('turns the tenant back by itself, with the arithmetic', async () => {
    await harness.play(
      failing(),
      async ({ start, fake, record }) => {
        const result = await finish(
          await start({ bake: '2 hours', ...gates({}, check('failures', { failureLimit: 1 })) }),
        );
        expect(result).toMatchObject({
          outcome: 'rolled-back',
          owner: 'cloud',
          reason: 'its gate failed (failures: failed 2 > limit 1 (last: failed the 4.))',
          gate: { verdict: 'failed', checks: [{ verdict: 'failed', successful: 2, failed: 2 }] },
        });
        expect(fake.ownedBy('cloud')).toBe(4);
        expect((await record()).owner).toBe('cloud');
        expect(Date.parse(result.finishedAt) - Date.parse(result.startedAt)).toBeLessThan(HOUR / 2);
      },
      { recordAs: 'gate-failed' },
    );
  });

  test('holds where it was told to: proceed accepts it and ends the bake', async () => {
    await harness.play(failing(), async ({ start, fake }) => {
      const handle = await start({ bake: '2 hours', ...gates({ onFailure: 'hold' }, check('failures')) });
      const held = await untilHeld(handle);
      expect(held).toMatchObject({
        phase: 'baking',
        accepts: ['rollback', 'pause', 'proceed'],
        gate: { verdict: 'failed' },
      });
      expect(held.waitingFor).toContain('its gate failed (failures: failed 1 > limit 0 (last: failed the 3.))');
      // Nothing more is measured, and ownership is looked at on.
      await harness.env.sleep('6 hours');
      expect(fake.measurements).toHaveLength(3);
      expect(fake.called('watchOwnership')).toBeGreaterThan(10);
      await handle.signal('proceed');
      expect(await finish(handle)).toMatchObject({
        outcome: 'completed',
        accepted: { what: 'the gate, which failed (failures: failed 1 > limit 0 (last: failed the 3.))' },
      });
    });
  });

  test('holds where it was told to: rollback turns back', async () => {
    await harness.play(failing(), async ({ start }) => {
      const handle = await start({ bake: '2 hours', ...gates({ onFailure: 'hold' }, check('failures')) });
      await untilHeld(handle);
      await handle.executeUpdate('rollback', { args: [{ reason: 'too many failures' }] });
      expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', reason: 'too many failures' });
    });
  });

  test('of a dry run stops nothing', async () => {
    await harness.play(failing(), async ({ start }) => {
      const result = await finish(await start({ bake: '30 min', ...gates({}, check('tried out', { dryRun: true })) }));
      expect(result).toMatchObject({
        outcome: 'completed',
        gate: { verdict: 'successful', checks: [{ name: 'tried out', verdict: 'failed', dryRun: true }] },
      });
      expect(result).not.toHaveProperty('accepted');
    });
  });
});

describe('a gate that cannot tell holds for a person', () => {
  test('inconclusive: more often than is borne', async () => {
    const fake = new FakeTenant(2);
    fake.measured = () => 'inconclusive';
    await harness.play(
      fake,
      async ({ start }) => {
        const handle = await start({ bake: '2 hours', ...gates({}, check('unclear')) });
        const held = await untilHeld(handle);
        expect(held.waitingFor).toContain('its gate is inconclusive (unclear: inconclusive 4 > limit 3');
        expect(fake.measurements).toHaveLength(4);
        await handle.executeUpdate('proceed', { args: [undefined] });
        expect(await finish(handle)).toMatchObject({
          outcome: 'completed',
          bakeEndedEarly: true,
          gate: { verdict: 'inconclusive' },
          accepted: { what: expect.stringContaining('the gate, which is inconclusive') as string },
        });
      },
      { recordAs: 'gate-inconclusive' },
    );
  });

  test('error: it could not be measured so many times in a row', async () => {
    const fake = new FakeTenant(2);
    fake.measured = (_name, call) => {
      if (call === 2) return 'successful';
      throw new Error('Prometheus could not be asked: ECONNREFUSED');
    };
    await harness.play(
      fake,
      async ({ start }) => {
        const handle = await start({ bake: '2 hours', ...gates({}, check('latency', { errorLimit: 2 })) });
        const held = await untilHeld(handle);
        expect(held.waitingFor).toContain(
          'its gate could not be measured (latency: could not be measured, errors in a row 3 > limit 2 ' +
            '(last: measureCheck: Prometheus could not be asked: ECONNREFUSED))',
        );
        expect(held.gate?.checks).toMatchObject([
          { verdict: 'error', successful: 1, errors: 4, last: { value: null } },
        ]);
        await handle.signal('rollback');
        expect((await finish(handle)).outcome).toBe('rolled-back');
      },
      { recordAs: 'gate-error' },
    );
  });

  test('it was too early to say anything until the end', async () => {
    const fake = new FakeTenant(2);
    fake.measured = () => 'waiting';
    await harness.play(fake, async ({ start }) => {
      const handle = await start({ bake: '20 min', ...gates({}, check('rare')) });
      const held = await untilHeld(handle);
      expect(held.waitingFor).toContain(
        'its gate is inconclusive (rare: none was good (0 failed, 0 inconclusive, 0 errors)',
      );
      expect(fake.measurements.length).toBeGreaterThan(15);
      await handle.signal('proceed');
      const result = await finish(handle);
      expect(result.accepted?.what).toContain('the time is over');
      expect(result).not.toHaveProperty('bakeEndedEarly');
    });
  });
});

test('a failed gate goes before one that could not be measured', async () => {
  const fake = new FakeTenant(2);
  fake.measured = (name) => {
    if (name === 'bad') return 'failed';
    throw new Error('no connection');
  };
  await harness.play(fake, async ({ start }) => {
    const input = gates({}, check('gone', { errorLimit: 0 }), check('bad'));
    expect(await finish(await start({ bake: '1 hour', ...input }))).toMatchObject({
      outcome: 'rolled-back',
      reason: 'its gate failed (bad: failed 1 > limit 0 (last: failed the 1.))',
    });
  });
});

test('a pause stops the clock of the gate too', async () => {
  await harness.play(new FakeTenant(2), async ({ start, fake, env }) => {
    const handle = await start({ bake: '1 hour', ...gates({}, check('failures')) });
    await untilPhase(handle, 'baking');
    await env.sleep('10 min');
    await handle.signal('pause');
    await untilProgress(handle, 'the pause', ({ paused }) => paused);
    const before = fake.measurements.length;
    await env.sleep('24 hours');
    expect(fake.measurements).toHaveLength(before);
    await handle.signal('resume');
    expect((await finish(handle)).outcome).toBe('completed');
    expect(fake.measurements.length).toBeGreaterThan(50);
    expect(fake.measurements.length).toBeLessThan(65);
  });
});

test('proceed ends the bake; a gate that had not told yet is accepted, and the result says so', async () => {
  await harness.play(new FakeTenant(2), async ({ start }) => {
    const handle = await start({ bake: '30 days', ...gates({}, check('late', { initialDelay: '1 day' })) });
    await untilPhase(handle, 'baking');
    await handle.signal('proceed');
    expect(await finish(handle)).toMatchObject({
      outcome: 'completed',
      bakeEndedEarly: true,
      accepted: { what: 'the gate, which is inconclusive (late: never measured, and the time is over)' },
    });
  });
});

test('a rollback does not wait for a measurement', async () => {
  const fake = new FakeTenant(2);
  let release = (): void => undefined;
  const hanging = new Promise<void>((resolve) => {
    release = resolve;
  });
  fake.measured = async (): Promise<'successful'> => {
    await hanging;
    return 'successful';
  };
  await harness.play(fake, async ({ start }) => {
    const handle = await start({ bake: '1 hour', ...gates({}, check('slow')) });
    try {
      await until('the measurement', () => fake.measurements.length > 0);
      await handle.signal('rollback');
      await untilPhase(handle, 'rolling-back');
    } finally {
      // While an activity is open the server skips no time.
      release();
    }
    expect(await finish(handle)).toMatchObject({ outcome: 'rolled-back', reason: 'requested without a reason' });
  });
});

test('many checks and a long bake fit into a bounded history', async () => {
  await harness.play(new FakeTenant(3), async ({ start, fake }) => {
    const many = Array.from({ length: 20 }, (_, n) => check(`check ${n}`, { every: '10s' }));
    const handle = await start({ bake: '24 hours', ...gates({}, ...many) });
    expect((await finish(handle)).outcome).toBe('completed');
    expect(fake.measurements.length).toBeGreaterThan(450);
    expect(fake.measurements.length).toBeLessThanOrEqual(520);
    const { events } = await handle.fetchHistory();
    console.log(`20 checks, bake of 24 hours: ${fake.measurements.length} measurements, ${events?.length} events`);
    expect(events?.length).toBeLessThan(5000);
    const progress = await handle.query(progressQuery);
    expect(JSON.stringify(progress).length).toBeLessThan(20_000);
  });
});

test('a gate that is typed wrong is refused before anything happens', async () => {
  await harness.play(new FakeTenant(1), async ({ start, fake }) => {
    const handle = await start({ gates: { checks: [{ name: 'a', measure: { kind: 'prometheus', query: 'up' } }] } });
    const failure = await finish(handle).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect((failure as WorkflowFailedError).cause?.message).toContain('- gates.checks[0].success: found nothing');
    expect(fake.calls).toEqual([]);
  });
});
