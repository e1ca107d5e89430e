/**
 * `npm run scale`: one tenant's 1,000 schedules in one run, against the figures the product promises. Most schedules of a
 * large tenant are slow, so these are too: minutes to a day, some with jitter; a few fire every few seconds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Long from 'long';
import { controlClient, createFerry } from '../src/compose.ts';
import { endOnInterrupt } from './lib/interrupt.ts';
import { readOptions, whole } from './lib/options.ts';
import { connectProfile } from './lib/profiles.ts';
import { registerFerrySearchAttributes } from './lib/search-attributes.ts';
import { startStack } from './lib/stack.ts';
import { encrypted, keyword, randomFrom } from './lib/payloads.ts';
import { quietRuntime, startUserWorkers } from './lib/user-worker.ts';
import { waitFor } from './lib/wait.ts';

interface Figures {
  calls: number;
  throttled: number;
}

/** Promised, per run of 1,000 schedules. */
const LIMITS = { rpcsPerSchedule: 12, events: 300, memoryGrowthMb: 50 };
const WARM_UP = 100;

if (process.env.FERRY_SCALE_WORKER) await work(process.env.FERRY_SCALE_WORKER);
else await measure();

/** The ferry worker, alone in its process, so that its memory is its own. */
async function work(configFile: string): Promise<void> {
  quietRuntime();
  const ferry = await createFerry({ configFile });
  process.on('message', () => {
    const figures = ['cloud', 'selfhosted'].map((profile) => ferry.clusters.get(profile).calls.figures);
    process.send?.({
      calls: figures.reduce((sum, { calls }) => sum + calls, 0),
      throttled: figures.reduce((sum, { throttled }) => sum + throttled, 0),
    } satisfies Figures);
  });
  // Its parent may be interrupted.
  process.on('disconnect', () => process.exit());
  process.send?.('ready');
  await ferry.worker.run();
  await ferry.close();
  process.disconnect();
}

async function measure(): Promise<void> {
  const { values } = readOptions({
    name: 'scale',
    does: `one tenant's schedules in one run on real servers; prints memory, history events and calls a schedule.
Exit code 1 where they are not as promised.`,
    options: { schedules: { type: 'string', takes: '<number>', default: '1000', says: 'how many' } },
    lasts: 'about 4 minutes; it reads /proc, so it runs on Linux only',
  });
  const count = whole('scale', 'schedules', values.schedules, 1);
  endOnInterrupt();
  quietRuntime();
  console.log(`starting three clusters; then ${WARM_UP} schedules to warm up, and ${count} to measure`);
  const stack = await startStack();
  const { configFile } = stack;
  const users = await startUserWorkers({ configFile, profiles: ['cloud', 'selfhosted'], tenants: ['small', 'large'] });
  const cloud = await connectProfile('cloud', configFile);
  const controlSide = await connectProfile('control', configFile);
  const control = controlClient({ configFile });
  await registerFerrySearchAttributes(controlSide.connection, controlSide.namespace);
  const child = fork(fileURLToPath(import.meta.url), [], {
    env: { ...process.env, FERRY_SCALE_WORKER: configFile },
    execArgv: ['--import', 'tsx'],
  });
  try {
    await answer(child);

    const migrate = async (tenant: string, schedules: number) => {
      await createSlowSchedules(cloud, tenant, schedules);
      const before = await ask(child);
      const memory = watchMemory(child.pid ?? 0);
      const started = Date.now();
      const args = [{ tenant, workflows: 'none', bake: '0' }];
      const handle = await control.client.workflow.start('MigrateTenant', {
        workflowId: `migrate/${tenant}`,
        taskQueue: 'ferry',
        args,
      });
      const result = (await handle.result()) as { outcome: string; audit: object; schedules: { handedOver: number } };
      const seconds = (Date.now() - started) / 1000;
      const { historyLength } = await handle.describe();
      const after = await ask(child);
      const rpcs = (after.calls - before.calls) / schedules;
      const row = {
        schedules,
        seconds,
        peakMb: memory.stop(),
        events: historyLength,
        rpcs,
        throttled: after.throttled,
      };
      console.log(
        `${schedules} schedules: ${result.outcome}, ${result.schedules.handedOver} handed over in ${seconds.toFixed(1)} s; ` +
          `worker peak ${row.peakMb} MB, control history ${row.events} events, ${rpcs.toFixed(2)} RPCs a schedule, ` +
          `throttled ${row.throttled} times; audit ${JSON.stringify(result.audit)}`,
      );
      return { ...row, result };
    };

    const small = await migrate('small', WARM_UP);
    const large = await migrate('large', count);
    const problems = [
      large.result.outcome !== 'completed' && `the run ended ${large.result.outcome}`,
      large.result.schedules.handedOver !== count &&
        `${large.result.schedules.handedOver} of ${count} were handed over`,
      large.rpcs >= LIMITS.rpcsPerSchedule &&
        `${large.rpcs.toFixed(2)} RPCs a schedule, promised under ${LIMITS.rpcsPerSchedule}`,
      large.events >= LIMITS.events && `${large.events} events, promised under ${LIMITS.events}`,
      large.peakMb - small.peakMb > LIMITS.memoryGrowthMb &&
        `memory grew by ${large.peakMb - small.peakMb} MB from ${WARM_UP} to ${count}, promised at most ${LIMITS.memoryGrowthMb}`,
    ].filter((problem) => problem !== false);
    for (const problem of problems) console.error(`not as promised: ${problem}`);
    if (problems.length === 0)
      console.log(
        `as promised: under ${LIMITS.rpcsPerSchedule} RPCs a schedule, under ${LIMITS.events} events, memory within ${LIMITS.memoryGrowthMb} MB`,
      );
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    child.kill('SIGTERM');
    await users.stop();
    await cloud.connection.close();
    await controlSide.connection.close();
    await control.close();
    await stack.stop();
  }
}

async function createSlowSchedules(
  { connection, namespace }: Awaited<ReturnType<typeof connectProfile>>,
  tenant: string,
  count: number,
): Promise<void> {
  const random = randomFrom(tenant);
  const waiting = Array.from({ length: count }, (_, i) => i);
  const seconds = (n: number) => ({ seconds: Long.fromNumber(n) });
  const createNext = async (): Promise<void> => {
    for (let i = waiting.shift(); i !== undefined; i = waiting.shift()) {
      const id = `${tenant}-${String(i).padStart(5, '0')}`;
      // One in a hundred fires every few seconds, the others every ten minutes to a day.
      const every = i % 100 === 0 ? 5 : 600 * (1 + (i % 144));
      await connection.workflowService.createSchedule({
        namespace,
        scheduleId: id,
        requestId: id,
        schedule: {
          spec: {
            interval: [{ interval: seconds(every) }],
            jitter: i % 3 === 0 && every > 60 ? seconds(30) : undefined,
          },
          action: {
            startWorkflow: {
              workflowId: `${id}-run`,
              workflowType: { name: 'quick' },
              taskQueue: { name: `${tenant}-work` },
              input: { payloads: [encrypted(random), encrypted(random)] },
              searchAttributes: { indexedFields: { TenantId: keyword(tenant) } },
            },
          },
        },
        searchAttributes: { indexedFields: { TenantId: keyword(tenant) } },
      });
    }
  };
  await Promise.all(Array.from({ length: 8 }, createNext));
  await waitFor({ what: `the list to show ${count} schedules`, timeoutMs: 60_000 }, async () => {
    const answered = await connection.workflowService.listSchedules({
      namespace,
      maximumPageSize: 1000,
      query: `TenantId = '${tenant}'`,
    });
    return answered.schedules.length >= Math.min(count, 1000);
  });
}

function answer<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)));
  });
}

async function ask(child: ChildProcess): Promise<Figures> {
  const answered = answer<Figures>(child);
  child.send('figures');
  return await answered;
}

/** Peak resident memory of a process, MB, sampled; from /proc, so on Linux only. */
function watchMemory(pid: number): { stop: () => number } {
  let peak = 0;
  const sample = (): void => {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    peak = Math.max(peak, Math.round(Number(kb ?? 0) / 1024));
  };
  sample();
  const timer = setInterval(sample, 200);
  return {
    stop: () => {
      clearInterval(timer);
      sample();
      return peak;
    },
  };
}
