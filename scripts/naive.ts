/**
 * `npm run naive`: what temporal-ferry is not. Pauses a tenant's schedules on one cluster and unpauses paused copies on
 * the other, as a careful script would, and lets the same independent ledger say what was lost and what ran twice.
 */
import type { PlannedSchedule } from './lib/tenant-load.ts';
import { createSchedules, planTenant } from './lib/tenant-load.ts';
import { type Profile, connectProfile } from './lib/profiles.ts';
import { startStack } from './lib/stack.ts';
import { startUserWorkers } from './lib/user-worker.ts';
import { waitFor } from './lib/wait.ts';
import type { Connection } from '@temporalio/client';
import { readLedger } from '../test/support/ledger.ts';

type Cluster = Profile<Connection>;

const AT_ONCE = 8;
const until = (ms: number) => waitFor({ what: 'the load to run', timeoutMs: 120_000 }, async () => Date.now() > ms);

console.log('Starting two Temporal clusters with a tenant of 40 schedules, every 1 to 10 s');
const stack = await startStack();
const { configFile } = stack;
const users = await startUserWorkers({ configFile, profiles: ['cloud', 'selfhosted'], tenants: ['acme'] });
const cloud = await connectProfile('cloud', configFile);
const selfhosted = await connectProfile('selfhosted', configFile);
try {
  const plan = planTenant({ tenant: 'acme', count: 40 });
  await createSchedules(cloud.connection, cloud.namespace, plan);
  const from = Math.ceil(Date.now() / 1000) + 3;
  await until((from + 10) * 1000);

  console.log('Copying them to the other cluster, paused; then pausing here and unpausing there');
  const copies = plan.map(({ request, ...rest }) => ({
    ...rest,
    request: { ...request, schedule: { ...request.schedule, state: { ...request.schedule?.state, paused: true } } },
  }));
  await createSchedules(selfhosted.connection, selfhosted.namespace, copies);
  const active = plan.filter(({ intent }) => !intent.paused);
  const started = Date.now();
  await each(active, (id) => patch(cloud, id, { pause: 'moved' }));
  await each(active, (id) => isPaused(cloud, id));
  await each(active, (id) => patch(selfhosted, id, { unpause: 'moved' }));
  console.log(`That took ${((Date.now() - started) / 1000).toFixed(1)} s. Letting the tenant run on for 20 s`);
  await until(Date.now() + 20_000);

  const to = Math.floor(Date.now() / 1000) - 12;
  const sides = [
    { name: 'cloud', ...cloud },
    { name: 'selfhosted', ...selfhosted },
  ];
  const { rows, totals } = await readLedger({ sides, schedules: plan, from, to, path: ['cloud', 'selfhosted'] });
  const lost = rows.filter(({ missed }) => missed > 0).length;
  console.log(
    `${totals.expected} times due: ${totals.once} ran once, ${totals.missed} never, ${totals.duplicates} twice; ` +
      `${lost} of ${active.length} active schedules lost at least one run`,
  );
} finally {
  await users.stop();
  await cloud.connection.close();
  await selfhosted.connection.close();
  await stack.stop();
}

async function each(schedules: PlannedSchedule[], treat: (id: string) => Promise<void>): Promise<void> {
  const waiting = [...schedules];
  const next = async (): Promise<void> => {
    for (let schedule = waiting.shift(); schedule; schedule = waiting.shift()) await treat(schedule.id);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

async function patch(
  { connection, namespace }: Cluster,
  scheduleId: string,
  change: { pause?: string; unpause?: string },
): Promise<void> {
  await connection.workflowService.patchSchedule({ namespace, scheduleId, patch: change });
}

/** Reads back, as a careful script would: an acknowledged pause has only been queued. */
async function isPaused({ connection, namespace }: Cluster, scheduleId: string): Promise<void> {
  await waitFor({ what: `${scheduleId} to be paused` }, async () => {
    const { schedule } = await connection.workflowService.describeSchedule({ namespace, scheduleId });
    return schedule?.state?.paused;
  });
}
