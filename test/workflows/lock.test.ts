import { WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import { FakeTenant, untilCancelled } from './fake-tenant.ts';
import { finish, type Harness, type Migration, startHarness, until, untilPhase, untilProgress } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

async function refusalOf(handle: Migration): Promise<ApplicationFailure> {
  const error: unknown = await finish(handle).catch((failure: unknown) => failure);
  if (error instanceof WorkflowFailedError && error.cause instanceof ApplicationFailure) return error.cause;
  throw new Error(`Not refused: ${String(error)}`);
}

/** Ends it with six schedules on the target. Not in the middle of an activity, or the test server stops skipping time. */
async function stopMidway(migration: Migration, fake: FakeTenant): Promise<void> {
  await until('5 schedules on the target', () => fake.ownedBy('selfhosted') === 5);
  await migration.signal('pause');
  await untilProgress(migration, 'the end of the page', ({ schedules }) => schedules.handedOver === 6);
  await migration.terminate('by mistake');
}

describe('one migration of a tenant at a time, whatever their workflow ids', () => {
  test('a second one is refused, naming the first, and leaves the first its lock', async () => {
    await harness.play(
      new FakeTenant(3),
      async ({ start, record, tenant }) => {
        const first = await start({ approval: 'manual', bake: '0' }, `first/${tenant}`);
        await untilPhase(first, 'awaiting-approval');
        const refused = await refusalOf(await start({ from: 'selfhosted', to: 'cloud' }, `second/${tenant}`));
        expect(refused.type).toBe('TenantLocked');
        expect(refused.message).toContain(
          `${tenant} is held by migration first/${tenant} (run ${first.firstExecutionRunId})`,
        );
        expect(refused.message).toContain('moves it from cloud to selfhosted');
        expect((await record()).lock?.migration).toBe(`first/${tenant}`);
        await first.signal('proceed');
        expect((await finish(first)).outcome).toBe('completed');
      },
      { recordAs: undefined },
    );
  });

  test('after the first has ended the tenant is free', async () => {
    await harness.play(new FakeTenant(3), async ({ start, fake, tenant }) => {
      await finish(await start({ bake: '0' }, `first/${tenant}`));
      const back = await start({ from: 'selfhosted', to: 'cloud', bake: '0' }, `second/${tenant}`);
      expect(await finish(back)).toMatchObject({ outcome: 'completed', owner: 'cloud' });
      expect(fake.ownedBy('cloud')).toBe(3);
    });
  });

  test('after the first was terminated in its cut-over, the next takes over and finishes it', async () => {
    await harness.play(new FakeTenant(20), async ({ start, fake, record, tenant }) => {
      fake.beforeSchedule('cutOverPage', (schedule) => (schedule === 'job-0006' ? untilCancelled() : undefined));
      const first = await start({ bake: '0' }, `first/${tenant}`);
      await stopMidway(first, fake);
      fake.beforeSchedule('cutOverPage', () => undefined);
      let resuming: unknown;
      fake.before('preflight', (_call, input) => {
        resuming = 'resuming' in input && input.resuming;
      });
      const second = await start({ bake: '0' }, `second/${tenant}`);
      const result = await finish(second);
      expect(result).toMatchObject({ outcome: 'completed', schedules: { total: 20, handedOver: 20 } });
      expect(result.notes.join()).toContain(`took over from first/${tenant}`);
      expect(resuming).toBe(true);
      expect(await record()).toMatchObject({ owner: 'selfhosted', lock: null, interrupted: null });
    });
  });

  test('a rollback of the one that took over also takes back what the terminated one had handed over', async () => {
    await harness.play(new FakeTenant(20), async ({ start, fake, record, tenant }) => {
      fake.beforeSchedule('cutOverPage', (schedule) => (schedule === 'job-0006' ? untilCancelled() : undefined));
      const first = await start({ bake: '0' }, `first/${tenant}`);
      await stopMidway(first, fake);
      fake.beforeSchedule('cutOverPage', () => undefined);
      const second = await start({ approval: 'manual' }, `second/${tenant}`);
      await untilPhase(second, 'awaiting-approval');
      await second.signal('rollback');
      expect(await finish(second)).toMatchObject({ outcome: 'rolled-back', owner: 'cloud' });
      expect(fake.ownedBy('cloud')).toBe(20);
      expect(await record()).toMatchObject({ owner: 'cloud', lock: null, interrupted: null });
    });
  });

  test('the same workflow id started again after a termination is not taken for the holder', async () => {
    await harness.play(new FakeTenant(3), async ({ start, record }) => {
      const first = await start({ approval: 'manual' });
      await untilPhase(first, 'awaiting-approval');
      await first.terminate('by mistake');
      expect((await record()).lock).not.toBeNull();
      const again = await start({ bake: '0' });
      expect((await finish(again)).outcome).toBe('completed');
      expect((await record()).lock).toBeNull();
    });
  });
});

describe("the tenant's record", () => {
  test('is read from the memo with one Describe', async () => {
    await harness.play(new FakeTenant(3), async ({ start, client, tenant }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      const { memo } = await client.workflow.getHandle(tenantWorkflowId(tenant)).describe();
      expect(memo).toMatchObject({
        owner: 'selfhosted',
        lock: { migration: handle.workflowId, from: 'cloud', to: 'selfhosted' },
        updatedAt: expect.stringMatching(/Z$/),
      });
      await finish(handle);
      const after = await client.workflow.getHandle(tenantWorkflowId(tenant)).describe();
      expect(after.memo).toMatchObject({ owner: 'selfhosted' });
      expect(after.memo).not.toHaveProperty('lock');
    });
  });

  test('survives being carried into a new run', async () => {
    await harness.play(new FakeTenant(1), async ({ client, taskQueue, tenant }) => {
      const workflowId = tenantWorkflowId(tenant);
      const first = await client.workflow.start('Tenant', { workflowId, taskQueue, args: [{ tenant }] });
      const handle = client.workflow.getHandle(workflowId);
      const holder = { migration: 'm', runId: 'r' };
      await handle.executeUpdate('recordOwner', { args: [{ ...holder, owner: 'selfhosted', event: 'start' }] });
      const runId = async () => (await handle.describe()).runId;
      let n = 0;
      while ((await runId()) === first.firstExecutionRunId && n < 1000) {
        for (let i = 0; i < 50; i++) {
          n++;
          await handle.executeUpdate('claim', { args: [{ ...holder, from: 'cloud', to: 'selfhosted' }] });
          await handle.executeUpdate('release', { args: [{ ...holder, event: `end ${n}` }] });
        }
      }
      expect(await runId()).not.toBe(first.firstExecutionRunId);
      const record = await handle.query(recordQuery);
      expect(record).toMatchObject({ tenant, owner: 'selfhosted', lock: null });
      expect(record.history.at(-1)?.event).toBe(`end ${n}`);
      expect(record.history).toHaveLength(200);
      expect((await handle.describe()).memo).toMatchObject({ owner: 'selfhosted' });
    });
  });

  test('is not broken by an update a person sent by mistake', async () => {
    await harness.play(new FakeTenant(1), async ({ client, taskQueue, tenant }) => {
      const workflowId = tenantWorkflowId(tenant);
      const handle = await client.workflow.start('Tenant', { workflowId, taskQueue, args: [] });
      for (const argument of [undefined, null, 'acme', { migration: 1 }, {}]) {
        for (const update of ['claim', 'release', 'recordOwner']) {
          await expect(handle.executeUpdate(update, { args: [argument] })).rejects.toThrow(WorkflowUpdateFailedError);
        }
      }
      expect(await handle.query(recordQuery)).toMatchObject({ tenant, owner: null, lock: null, history: [] });
    });
  });

  test('lost altogether, it does not stop a migration that runs', async () => {
    await harness.play(new FakeTenant(3), async ({ start, client, record, tenant }) => {
      const handle = await start({ approval: 'manual', bake: '0' });
      await untilPhase(handle, 'awaiting-approval');
      await client.workflow.getHandle(tenantWorkflowId(tenant)).terminate('by mistake');
      await handle.signal('proceed');
      expect((await finish(handle)).outcome).toBe('completed');
      expect(await record()).toMatchObject({ owner: 'selfhosted', lock: null });
    });
  });
});
