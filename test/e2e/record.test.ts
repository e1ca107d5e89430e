import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  announceRouteUpdate,
  claimUpdate,
  recordQuery,
  releaseUpdate,
  tenantWorkflowId,
} from '../../src/workflows/messages.ts';
import { type World, createWorld } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld([]);
  await world.ferry();
});

afterAll(async () => {
  await world?.stop();
});

/** Services read the route from the memo alone: a run that began without it would stop them. */
test('a record that goes on as a new run keeps what services and people read of it', async () => {
  const { workflow } = world.control;
  const workflowId = tenantWorkflowId('long');
  const { firstExecutionRunId } = await workflow.start('Tenant', {
    workflowId,
    taskQueue: 'ferry',
    args: [{ tenant: 'long' }],
  });
  const record = workflow.getHandle(workflowId);
  const to = { cluster: 'cloud', split: null };
  await record.executeUpdate(announceRouteUpdate, { args: [{ to, event: 'workflows start on cloud' }] });
  const holder = { migration: 'many', runId: 'r' };
  for (let n = 0; n < 300; n++) {
    await record.executeUpdate(claimUpdate, { args: [{ ...holder, from: 'cloud', to: 'selfhosted' }] });
    await record.executeUpdate(releaseUpdate, { args: [{ ...holder, event: `done ${n}` }] });
    if (n % 20 === 0 && (await record.describe()).runId !== firstExecutionRunId) break;
  }
  const latest = await record.describe();
  expect(latest.runId).not.toBe(firstExecutionRunId);
  expect(latest.memo).toMatchObject({ route: { to, from: null, at: null, undrained: [] } });
  expect(latest.memo?.updatedAt).toEqual(expect.any(String));
  expect(latest.memo).not.toHaveProperty('lock');
  expect(await record.query(recordQuery)).toMatchObject({ tenant: 'long', route: { to } });
});
