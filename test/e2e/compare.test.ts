import { afterAll, beforeAll, expect, test } from 'vitest';
import { cliMover } from '../../scripts/lib/compare/cli.ts';
import { definitionOf, differences } from '../../scripts/lib/compare/definition.ts';
import { gapOf } from '../../scripts/lib/compare/figures.ts';
import { type Journal, startJournal, writesOf } from '../../scripts/lib/compare/journal.ts';
import { sdkMover } from '../../scripts/lib/compare/sdk.ts';
import { connectProfile } from '../../scripts/lib/profiles.ts';
import { startStack, type Stack } from '../../scripts/lib/stack.ts';
import { createSchedules, planTenant } from '../../scripts/lib/tenant-load.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { readRuns, type Side } from '../support/ledger.ts';

let stack: Stack;
let journal: Journal;
let cloud: Side;
let selfhosted: Side;

beforeAll(async () => {
  stack = await startStack({ tls: false });
  journal = await startJournal(stack);
  cloud = { name: 'cloud', ...(await connectProfile('cloud', stack.configFile)) };
  selfhosted = { name: 'selfhosted', ...(await connectProfile('selfhosted', stack.configFile)) };
});

afterAll(async () => {
  await cloud?.connection.close();
  await selfhosted?.connection.close();
  await journal?.stop();
  await stack?.stop();
});

async function isPaused({ connection, namespace }: Side, scheduleId: string): Promise<boolean> {
  const { schedule } = await connection.workflowService.describeSchedule({ namespace, scheduleId });
  return Boolean(schedule?.state?.paused);
}

/** A comparison with somebody who does not do the work would prove nothing. */
test.each([
  { make: cliMover, lost: ['action.header', 'action.input', 'action.retryPolicy', 'memo.fields.contract'] },
  { make: sdkMover, lost: [] },
])('$make.name moves every schedule, and every call of it is counted', async ({ make, lost }) => {
  const mover = await make({ configFile: journal.configFile, dir: stack.dir });
  const plan = planTenant({ tenant: mover.name, count: 20 });
  const active = plan.filter(({ intent }) => !intent.paused).length;
  await createSchedules(cloud.connection, cloud.namespace, plan);
  const wanted = new Map(
    await Promise.all(
      plan.map(async ({ id }) => [id, await definitionOf(cloud.connection, cloud.namespace, id)] as const),
    ),
  );
  await waitFor({ what: 'the list to show them' }, async () => {
    const query = `TenantId = '${mover.name}'`;
    const { schedules } = await cloud.connection.workflowService.listSchedules({ namespace: cloud.namespace, query });
    return schedules?.length === plan.length;
  });
  const began = Date.now();
  const { processes } = await mover.move({ tenant: mover.name, from: 'cloud', to: 'selfhosted' });
  await mover.close();
  await waitFor({ what: 'the last call to be written down' }, async () => count('PatchSchedule') === 2 * active);

  const source = journal.between('cloud', began, Date.now());
  const target = journal.between('selfhosted', began, Date.now());
  function count(method: string): number {
    const calls = [...journal.between('cloud', began, Date.now()), ...journal.between('selfhosted', began, Date.now())];
    return calls.filter((call) => call.method === method).length;
  }
  expect(count('CreateSchedule')).toBe(plan.length);
  expect(count('ListSchedules')).toBe(1);
  // Each program asks for the server's capabilities first; a script with the SDK does so once a cluster.
  const programs = 1 + 2 * plan.length + 2 * active;
  expect({ processes, hellos: count('GetSystemInfo') }).toEqual(
    mover.name === 'cli' ? { processes: programs, hellos: programs } : { processes: 0, hellos: 2 },
  );

  const writes = writesOf(source, target);
  for (const { id, intent } of plan) {
    expect([id, await isPaused(cloud, id), await isPaused(selfhosted, id)]).toEqual([id, true, intent.paused]);
    const gap = gapOf(writes.get(id) ?? []);
    if (intent.paused) expect(gap).toBeUndefined();
    else expect(gap).toBeGreaterThan(0);
    const found = await definitionOf(selfhosted.connection, selfhosted.namespace, id);
    const changed = differences(wanted.get(id) ?? new Map(), found);
    if (lost.length === 0) expect(changed.filter((part) => part !== 'state.notes')).toEqual([]);
    else expect(changed).toEqual(expect.arrayContaining(lost));
  }
  const from = Math.floor(began / 1_000);
  const runs = await waitFor({ what: 'runs on the target' }, async () => {
    const found = await readRuns({ sides: [selfhosted], ids: plan.map(({ id }) => id), from });
    return found.size > 3 ? found : undefined;
  });
  for (const id of runs.keys()) expect(plan.find((schedule) => schedule.id === id)?.intent.paused).toBe(false);
});
