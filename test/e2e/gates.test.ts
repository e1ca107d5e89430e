import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSchedules, type PlannedSchedule, planTenant } from '../../scripts/lib/tenant-load.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import type { CheckInput } from '../../src/gates/settings.ts';
import {
  createWorld,
  expectExactlyOnce,
  nowSeconds,
  progressOf,
  resultIsClean,
  untilPhase,
  type World,
} from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(['sweet', 'sour', 'far']);
  await world.ferry();
});

afterAll(async () => {
  await world?.stop();
});

/** Every measure that needs no other system, with no condition of one's own; for loads of a few runs a second. */
const checks = (tenant: string): CheckInput[] => [
  { name: 'failures', measure: { kind: 'workflow-failures', atLeast: 5 }, every: '2s' },
  { name: 'durations', measure: { kind: 'workflow-duration', atLeast: 5 }, every: '4s' },
  { name: 'schedules', measure: { kind: 'schedule-health', atLeast: 5 }, every: '4s' },
  { name: 'workers', measure: { kind: 'task-queues', queues: [`${tenant}-work`] }, every: '4s' },
  { name: 'ledger', measure: { kind: 'ledger' }, every: '4s' },
];

async function load(tenant: string, workflow?: string): Promise<PlannedSchedule[]> {
  const plan = planTenant({ tenant, count: 4 });
  for (const { request } of plan) {
    const start = request.schedule?.action?.startWorkflow;
    if (start && workflow !== undefined) start.workflowType = { name: workflow };
  }
  await createSchedules(world.sides.cloud.connection, world.sides.cloud.namespace, plan);
  // There has to be something to compare with.
  const until = nowSeconds() + 45;
  await waitFor({ what: 'the load to run', timeoutMs: 60_000 }, async () => nowSeconds() > until);
  return plan;
}

test('a tenant that does as well as before passes every check', async () => {
  await load('sweet');
  const handle = await world.migrate('migrate/sweet', {
    tenant: 'sweet',
    workflows: 'none',
    bake: '30 seconds',
    gates: { checks: checks('sweet') },
  });
  const result = await handle.result();
  expect(result.gate?.checks.map(({ name, verdict, errors }) => [name, verdict, errors])).toEqual(
    ['failures', 'durations', 'schedules', 'workers', 'ledger'].map((name) => [name, 'successful', 0]),
  );
  expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted', gate: { verdict: 'successful' } });
  expect(result).not.toHaveProperty('accepted');
});

test('a tenant whose workflows begin to fail on the target goes back by itself, and every time runs exactly once', async () => {
  const plan = await load('sour', 'sours');
  const from = nowSeconds() - 10;
  const handle = await world.migrate('migrate/sour', {
    tenant: 'sour',
    workflows: 'none',
    bake: '10 minutes',
    gates: { checks: checks('sour') },
  });
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'rolled-back', owner: 'cloud', gate: { verdict: 'failed' } });
  expect(result.reason).toMatch(
    /^its gate failed \(failures: failed 1 > limit 0 \(last: 1 > 0\.05 \(type sours\): 0 before the cut-over, up to 0\.05 is borne/,
  );
  expect(resultIsClean(result)).toBe(true);
  await waitFor({ what: 'cloud to run on' }, async () => Date.now() > Date.parse(result.finishedAt) + 5_000);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
});

test('a worker that knows no Prometheus could not measure: the tenant is held, not turned back', async () => {
  await world.load('far', 2);
  const handle = await world.migrate('migrate/far', {
    tenant: 'far',
    workflows: 'none',
    bake: '10 minutes',
    gates: {
      checks: [
        {
          name: 'database',
          measure: { kind: 'prometheus', preset: 'persistence-latency' },
          success: '< 0.1',
          every: '1s',
          errorLimit: 1,
        },
      ],
    },
  });
  await untilPhase(handle, 'baking');
  const held = await waitFor({ what: 'the hold', timeoutMs: 60_000 }, async () => {
    const progress = await progressOf(handle);
    return progress.waitingFor?.startsWith('its gate') && progress;
  });
  expect(held.waitingFor).toContain('this worker knows no Prometheus: set FERRY_PROMETHEUS_URL for it');
  expect(held).toMatchObject({ phase: 'baking', owner: 'selfhosted', gate: { verdict: 'error' } });
  await handle.signal('rollback');
  expect(await handle.result()).toMatchObject({ outcome: 'rolled-back', owner: 'cloud' });
});
