import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectProfile } from '../../scripts/lib/profiles.ts';
import { startStack, type Stack } from '../../scripts/lib/stack.ts';
import { createSchedules, planTenant, type PlannedSchedule } from '../../scripts/lib/tenant-load.ts';
import { startUserWorkers, type UserWorkers } from '../../scripts/lib/user-worker.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { readLedger, type Side } from '../support/ledger.ts';
import { withoutV2Losses } from '../support/world.ts';

let stack: Stack;
let workers: UserWorkers;
let sides: Side[];

beforeAll(async () => {
  stack = await startStack({ selfhosted: 'v2' });
  const { configFile } = stack;
  sides = [];
  for (const name of ['cloud', 'selfhosted']) sides.push({ name, ...(await connectProfile(name, configFile)) });
  workers = await startUserWorkers({ configFile, profiles: ['cloud', 'selfhosted'], tenants: ['acme', 'globex'] });
});

afterAll(async () => {
  await workers?.stop();
  for (const { connection } of sides ?? []) await connection.close();
  await stack?.stop();
});

/** Without a migration the ledger must find nothing wrong, or it proves nothing about one. */
test('the load runs exactly once per nominal time on both engines, and the ledger can tell', async () => {
  const plans = new Map<string, PlannedSchedule[]>();
  for (const [tenant, side] of [
    ['acme', sides[0]],
    ['globex', sides[1]],
  ] as const) {
    const plan = planTenant({ tenant, count: 22 });
    plans.set(tenant, plan);
    if (side) await createSchedules(side.connection, side.namespace, plan);
  }
  const from = Math.ceil(Date.now() / 1000) + 3;
  const to = from + 25;
  await waitFor({ what: 'the range to pass', timeoutMs: 90_000 }, async () => Date.now() > (to + 12) * 1000);
  for (const [tenant, path] of [
    ['acme', ['cloud']],
    ['globex', ['selfhosted']],
  ] as const) {
    const ledger = await readLedger({ sides, schedules: plans.get(tenant) ?? [], from, to, path: [...path] });
    const { problems } = ledger.totals;
    expect(tenant === 'globex' ? withoutV2Losses(problems, plans.get(tenant) ?? []) : problems).toEqual([]);
    expect(ledger.totals.once).toBeGreaterThan(80);
    expect(ledger.totals.explained).toBeLessThan(5);
  }
});
