/** `npm run demo`: a tenant with live schedules moves from one real cluster to another while a neighbour stays. */
import { Client, type WorkflowHandle } from '@temporalio/client';
import { readLedger, type Side } from '../test/support/ledger.ts';
import type { MigrateTenant } from '../src/workflows/index.ts';
import type { Progress } from '../src/workflows/progress.ts';
import type { MigrationResult } from '../src/workflows/result.ts';
import { ledgerTable, nextSteps, ProgressLine, story, type TenantLedger } from './lib/demo-view.ts';
import { messageOf } from './lib/errors.ts';
import { startFerryWorker } from './lib/ferry-worker.ts';
import { onInterrupt } from './lib/interrupt.ts';
import { readOptions } from './lib/options.ts';
import { connectProfile } from './lib/profiles.ts';
import { registerFerrySearchAttributes } from './lib/search-attributes.ts';
import { startStack } from './lib/stack.ts';
import { createSchedules, planTenant } from './lib/tenant-load.ts';
import { startUserWorkers } from './lib/user-worker.ts';
import { waitFor } from './lib/wait.ts';

const { values: options } = readOptions({
  name: 'demo',
  does: `a tenant with live schedules moves from one real cluster to another while a neighbour stays.
Ends with what both clusters say has run, and with exit code 0 only if every nominal time ran exactly once.`,
  options: {
    rollback: { type: 'boolean', default: false, says: 'somebody changes their mind during the bake' },
    keep: { type: 'boolean', default: false, says: "leaves all running afterwards, with the Web UI's addresses" },
  },
  lasts: 'about two minutes; the first time minutes more, to fetch or build the servers',
});
const moving = { tenant: 'acme', count: 44 };
const staying = { tenant: 'globex', count: 20 };
const started = Date.now();
const interrupt = onInterrupt();

/** Last in, first out. */
const teardown: (() => Promise<unknown>)[] = [];
/** Whatever must not end by itself while the demo runs. */
const failures: Promise<never>[] = [];

function say(text: string): void {
  const seconds = Math.round((Date.now() - started) / 1_000);
  console.log(
    `\n[${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}] ${text}`,
  );
}

/** Goes on with the work unless it is interrupted or something it rests on has died. */
async function unlessBroken<T>(work: Promise<T>): Promise<T> {
  const stopped = interrupt.asked.then((): never => {
    throw new Error('interrupted');
  });
  return Promise.race([work, stopped, ...failures]);
}

async function prepare() {
  say('Starting three Temporal clusters: cloud (TLS, API key), selfhosted, and control for the migration itself');
  const stack = await unlessBroken(startStack());
  teardown.push(stack.stop);
  failures.push(stack.died);
  const { configFile, dir, servers } = stack;
  for (const [name, { address, serverVersion, clusterId }] of Object.entries(servers)) {
    const at = name === 'cloud' ? stack.cloudAddress : address;
    console.log(`   ${name.padEnd(10)} ${at}  server ${serverVersion}  cluster ${clusterId.slice(0, 8)}`);
  }

  const connect = async (name: string): Promise<Side> => {
    const profile = await connectProfile(name, configFile);
    teardown.push(() => profile.connection.close());
    return { name, ...profile };
  };
  const cloud = await connect('cloud');
  const sides = [cloud, await connect('selfhosted')];
  const control = await connect('control');
  await registerFerrySearchAttributes(control.connection, control.namespace);

  say(
    `Live load: ${moving.tenant} (${moving.count} schedules, to be moved) and ${staying.tenant} (${staying.count}, stays)`,
  );
  console.log('   every 1 to 10 s: intervals, crons, calendars, jitter, paused, limited, encrypted payloads');
  const tenants = [moving.tenant, staying.tenant];
  const workers = await unlessBroken(startUserWorkers({ configFile, profiles: ['cloud', 'selfhosted'], tenants }));
  teardown.push(workers.stop);
  failures.push(workers.failed);
  const plans = { moving: planTenant(moving), staying: planTenant(staying) };
  await unlessBroken(createSchedules(cloud.connection, cloud.namespace, [...plans.moving, ...plans.staying]));
  // A schedule's first time is the first after its creation; from here on all of them exist.
  const from = Math.ceil(Date.now() / 1_000) + 2;

  const ferry = await unlessBroken(startFerryWorker({ configFile, dir }));
  teardown.push(() => ferry.terminate(10_000));
  failures.push(ferry.died);
  await unlessBroken(
    waitFor({ what: 'the load to run', timeoutMs: 60_000 }, async () => {
      const { count } = await cloud.connection.workflowService.countWorkflowExecutions({
        namespace: cloud.namespace,
        query: "ExecutionStatus = 'Completed'",
      });
      return Number(count ?? 0) >= 100;
    }),
  );
  return { stack, ferry, sides, plans, from, client: new Client({ ...control }) };
}

async function migrate(client: Client, ui: string): Promise<MigrationResult> {
  const { tenant } = moving;
  say(`Starting MigrateTenant as migrate/${tenant}. Watch it: ${ui}/namespaces/default/workflows/migrate%2F${tenant}`);
  const handle = await client.workflow.start<typeof MigrateTenant>('MigrateTenant', {
    workflowId: `migrate/${tenant}`,
    taskQueue: 'ferry',
    args: [{ tenant, from: 'cloud', to: 'selfhosted', bake: '20 seconds', pageSize: 22 }],
    staticSummary: `${tenant}: cloud to selfhosted`,
    staticDetails: `Moves the schedules of **${tenant}** while they run. Send \`rollback\` to take everything back.`,
  });
  const watching = watch(handle);
  try {
    return await unlessBroken(Promise.race([handle.result(), watching.failed]));
  } finally {
    watching.stop();
  }
}

/** Shows the query `progress`, and turns back during the bake if that was asked for. */
function watch(handle: WorkflowHandle<typeof MigrateTenant>): { failed: Promise<never>; stop: () => void } {
  const line = new ProgressLine();
  let ended = false;
  let asked = false;
  const look = async (): Promise<boolean> => {
    const progress = await handle.query<Progress>('progress');
    if (ended) return true;
    line.show(progress);
    const since = Date.parse(progress.phases.at(-1)?.since ?? progress.updatedAt);
    if (options.rollback && !asked && progress.phase === 'baking' && Date.now() - since > 6_000) {
      asked = true;
      line.end();
      say('Somebody has second thoughts: sending the signal rollback');
      await handle.signal('rollback', { reason: 'second thoughts (demo)' });
    }
    return false;
  };
  const watched = waitFor({ what: 'the migration', timeoutMs: 600_000, everyMs: 300 }, async () => ended || look());
  return {
    failed: watched.then(() => new Promise<never>(() => undefined)),
    stop: () => {
      ended = true;
      line.end();
    },
  };
}

/** What is wrong, in sentences; none if all is well. */
async function audit(prepared: Awaited<ReturnType<typeof prepare>>, result: MigrationResult): Promise<string[]> {
  const { sides, plans, from } = prepared;
  say('Letting both tenants run on for 10 s, then reading from both clusters what has run');
  const to = Math.floor(Date.parse(result.finishedAt) / 1_000) + 10;
  // The longest jitter of the load is 10 s: before that a run may be due still.
  await unlessBroken(waitFor({ what: 'the last run', timeoutMs: 60_000 }, async () => Date.now() > (to + 11) * 1_000));
  const paths = options.rollback ? ['cloud', 'selfhosted', 'cloud'] : ['cloud', 'selfhosted'];
  const read = async (title: string, schedules: typeof plans.moving, path: string[]): Promise<TenantLedger> => {
    const ledger = await unlessBroken(readLedger({ sides, schedules, from, to, path }));
    return { title, ledger };
  };
  const moved = await read(`${moving.tenant} (${options.rollback ? 'there and back' : 'moved'})`, plans.moving, paths);
  const stayed = await read(`${staying.tenant} (stayed)`, plans.staying, ['cloud']);
  console.log(`\n${ledgerTable([moved, stayed])}\n`);
  const late = Math.max(moved.ledger.totals.maxLateMs, stayed.ledger.totals.maxLateMs);
  console.log(story(result, late));

  const expected = options.rollback
    ? { outcome: 'rolled-back', owner: 'cloud' }
    : { outcome: 'completed', owner: 'selfhosted' };
  const problems = [...moved.ledger.totals.problems, ...stayed.ledger.totals.problems];
  if (result.outcome !== expected.outcome) problems.push(`the migration is ${result.outcome}, not ${expected.outcome}`);
  if (result.owner !== expected.owner) problems.push(`${result.owner} owns ${moving.tenant}, not ${expected.owner}`);
  const { duplicates, missed, wrongSide } = result.audit;
  if (duplicates + missed + wrongSide > 0) {
    problems.push(
      `the migration's own audit says: ${duplicates} twice, ${missed} missed, ${wrongSide} on the wrong side`,
    );
  }
  return problems;
}

async function keepUp({ stack, ferry }: Awaited<ReturnType<typeof prepare>>, result: MigrationResult): Promise<void> {
  console.log(nextSteps(stack, moving.tenant, result.owner ?? result.from, ferry.pid));
  console.log('\nEverything stays up until Ctrl-C.');
  // Not the ferry worker: killing it is one of the things to try.
  await Promise.race([interrupt.asked, stack.died]);
}

async function demo(): Promise<number> {
  const prepared = await prepare();
  const result = await migrate(prepared.client, prepared.stack.servers.control.uiAddress ?? '');
  const problems = await audit(prepared, result);
  const verdict =
    problems.length === 0 ? 'Every time of every schedule ran exactly once.' : `WRONG:\n${problems.join('\n')}`;
  say(verdict);
  if (options.keep) await keepUp(prepared, result);
  return problems.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await demo();
} catch (error) {
  const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : '';
  console.error(interrupt.signal.aborted ? '\nInterrupted.' : `\nThe demo failed: ${messageOf(error)}${cause}`);
  process.exitCode = interrupt.signal.aborted ? 130 : 1;
} finally {
  for (let step = teardown.pop(); step; step = teardown.pop()) {
    await step().catch((error: unknown) => console.error(`while stopping: ${messageOf(error)}`));
  }
}
// Whatever still waits for something that is gone now.
process.exit();
