import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { clientConfigToToml, loadClientConfig } from '@temporalio/envconfig';
import { Client } from '@temporalio/client';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectProfile } from '../../scripts/lib/profiles.ts';
import { type Stack, startStack } from '../../scripts/lib/stack.ts';
import { type Cutter, startCutter } from '../../scripts/lib/tcp-cutter.ts';
import { quietRuntime } from '../../scripts/lib/user-worker.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type RunningWorkers, runWorkers, type RunWorkersOptions } from '../../src/services/run-workers.ts';

const workflowsPath = fileURLToPath(new URL('../support/napping-workflows.ts', import.meta.url));

let stack: Stack;
let cutter: Cutter;
/** Where `selfhosted` is reached through the cutter. */
let configFile: string;
const undo: (() => Promise<unknown>)[] = [];
const clients: Record<string, Client> = {};

beforeAll(async () => {
  quietRuntime();
  stack = await startStack();
  undo.push(stack.stop);
  cutter = await startCutter(stack.servers.selfhosted.address);
  undo.push(cutter.close);
  const { profiles } = loadClientConfig({ configSource: { path: stack.configFile } });
  configFile = join(stack.dir, 'service.toml');
  const selfhosted = { ...profiles.selfhosted, address: cutter.address };
  await writeFile(configFile, clientConfigToToml({ profiles: { ...profiles, selfhosted } }), { mode: 0o600 });
  for (const name of ['cloud', 'selfhosted']) {
    const { connection, namespace } = await connectProfile(name, stack.configFile);
    undo.push(() => connection.close());
    clients[name] = new Client({ connection, namespace });
  }
});

afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

let queues = 0;
function work(options: Partial<RunWorkersOptions> = {}): { workers: RunningWorkers; taskQueue: string } {
  const taskQueue = `service-${++queues}`;
  const activities = {
    nap: async (ms: number): Promise<string> => {
      await delay(ms);
      return 'rested';
    },
  };
  return {
    taskQueue,
    workers: runWorkers({ configFile, taskQueue, workflowsPath, activities, shutdownGraceTime: '30 s', ...options }),
  };
}

function start(profile: string, taskQueue: string, napMs = 0) {
  const client = clients[profile];
  if (!client) throw new Error(`no client of ${profile}`);
  return client.workflow.start('napping', { taskQueue, workflowId: `${taskQueue}-${profile}-${napMs}`, args: [napMs] });
}

test('both clusters are worked for with the same options, and shut down in order', async () => {
  const asked: string[] = [];
  const { workers, taskQueue } = work({
    on: (profile) => {
      asked.push(profile);
      return { maxConcurrentActivityTaskExecutions: profile === 'cloud' ? 1 : 2 };
    },
  });
  expect(workers.clusters).toEqual(['cloud', 'selfhosted']);
  const quick = await Promise.all(['cloud', 'selfhosted'].map((profile) => start(profile, taskQueue)));
  expect(await Promise.all(quick.map((handle) => handle.result()))).toEqual(['rested', 'rested']);
  expect(asked.toSorted()).toEqual(['cloud', 'selfhosted']);

  // What is in hand when it is told to stop is finished, on both.
  const slow = await Promise.all(['cloud', 'selfhosted'].map((profile) => start(profile, taskQueue, 3_000)));
  await Promise.all(
    slow.map((handle) =>
      waitFor({ what: 'the activity to run' }, async () => {
        const { raw } = await handle.describe();
        return raw.pendingActivities?.[0]?.lastStartedTime !== null && (raw.pendingActivities?.length ?? 0) > 0;
      }),
    ),
  );
  await delay(300);
  await workers.shutdown();
  await workers.done;
  for (const handle of slow) {
    const { events } = await handle.fetchHistory();
    expect(events?.some((event) => event.activityTaskCompletedEventAttributes)).toBe(true);
  }
});

test('a cluster that is away does not disturb the other, and is worked for once it is back', async () => {
  const away = cutter.refuse(20_000);
  const { workers, taskQueue } = work();
  expect(await (await start('cloud', taskQueue)).result()).toBe('rested');
  const waiting = await start('selfhosted', taskQueue);
  await delay(2_000);
  expect((await waiting.describe()).status.name).toBe('RUNNING');
  await away;
  expect(await waiting.result()).toBe('rested');
  // Gone while it is worked for.
  await cutter.refuse(5_000);
  expect(await (await start('selfhosted', taskQueue, 10)).result()).toBe('rested');
  await workers.shutdown();
});

test('shut down while a cluster is away: at once', async () => {
  const away = cutter.refuse(15_000);
  const { workers, taskQueue } = work();
  expect(await (await start('cloud', taskQueue)).result()).toBe('rested');
  const since = Date.now();
  await workers.shutdown();
  expect(Date.now() - since).toBeLessThan(10_000);
  await away;
});

test('options that no worker can be made with end all of it, with the reason', async () => {
  const { workers } = work({ workflowsPath: join(stack.dir, 'not-there.ts') });
  await expect(workers.done).rejects.toThrow(/not-there/);
});

test('profiles that are not there are left out; without any it says which there are', async () => {
  const { workers, taskQueue } = work({ clusters: ['cloud', 'moon'] });
  expect(workers.clusters).toEqual(['cloud']);
  expect(await (await start('cloud', taskQueue)).result()).toBe('rested');
  await workers.shutdown();
  expect(() => work({ clusters: ['moon'] })).toThrow(/no profile "moon" in .*it has "cloud", "control", "selfhosted"/);
});
