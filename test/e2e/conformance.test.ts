/**
 * The same command sequences on the simulator and on real servers, through the same port: what they tell must be the
 * same, or nothing the simulation proves is worth anything. All scripts of a server run at once, each on its own schedule.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { DefaultLogger, NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startDevServer } from '../../scripts/lib/dev-server.ts';
import { temporaryDir } from '../../scripts/lib/process.ts';
import { quietRuntime } from '../../scripts/lib/user-worker.ts';
import { startV2Server } from '../../scripts/lib/v2-server.ts';
import { TASK_QUEUE, type Rig, real, simulated } from '../conformance/rig.ts';
import { type Script, Stage } from '../conformance/script.ts';
import { scripts } from '../conformance/scripts.ts';

const NAMESPACE = 'conformance';
const servers = [
  { name: 'dev server 1.29.1', engine: 'v1', start: (dir: string) => startDevServer(options(dir, 'dev')) },
  {
    name: 'temporal-server 1.32.1 V1',
    engine: 'v1',
    start: (dir: string) => startV2Server({ ...options(dir, 'v1'), chasm: false }),
  },
  { name: 'temporal-server 1.32.1 V2', engine: 'v2', start: (dir: string) => startV2Server(options(dir, 'v2')) },
] as const;

/** Behind every index of the first play: a schedule of its own. */
const AGAIN = 1_000;

const told = new Map<string, Map<string, unknown>>();
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  quietRuntime();
  const dir = await temporaryDir();
  undo.push(dir.remove);
  const workflowsPath = fileURLToPath(new URL('../conformance/workflows.ts', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  for (const { name, engine, start } of servers) {
    const server = await start(dir.path);
    try {
      told.set(name, await playAll(server, engine, workflowBundle));
    } finally {
      await server.stop();
    }
  }
});

afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

function options(dir: string, title: string) {
  return { dir, title, namespace: NAMESPACE };
}

async function playAll(
  { address }: RunningServer,
  engine: 'v1' | 'v2',
  workflowBundle: Awaited<ReturnType<typeof bundleWorkflowCode>>,
): Promise<Map<string, unknown>> {
  const rig = real(engine, address, NAMESPACE);
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({ connection, namespace: NAMESPACE, taskQueue: TASK_QUEUE, workflowBundle });
  const running = worker.run();
  try {
    const answers = await Promise.all(
      scripts.map(async (script, i) => [script.name, await within(90_000, script.name, play(rig, script, i))] as const),
    );
    const found = new Map<string, unknown>(answers);
    // Their moments are fractions of a second, and thirty play at once: one that differs is played once more, alone. What
    // really differs differs again.
    for (const [i, script] of scripts.entries()) {
      const expected = await play(
        simulated(engine, i, () => script),
        script,
        i,
      );
      if (isDeepStrictEqual(expected, found.get(script.name))) continue;
      found.set(script.name, await within(90_000, script.name, play(rig, script, AGAIN + i)));
    }
    return found;
  } finally {
    worker.shutdown();
    await running;
    await connection.close();
    await rig.close();
  }
}

function play(rig: Rig, script: Script, index: number): Promise<unknown> {
  return script.play(new Stage(rig, `c${index}`, script));
}

/** A script that hangs names itself. */
async function within(ms: number, what: string, work: Promise<unknown>): Promise<unknown> {
  const stop = new AbortController();
  const late = delay(ms, undefined, { signal: stop.signal }).then(() => `${what} did not end within ${ms / 1000} s`);
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}

describe.each(servers)('$name', ({ name, engine }) => {
  test.each(scripts.map((script, index) => ({ script, index })))('$script.name', async ({ script, index }) => {
    const simulation = simulated(engine, index, () => script);
    expect(await play(simulation, script, index)).toEqual(told.get(name)?.get(script.name));
  });
});
