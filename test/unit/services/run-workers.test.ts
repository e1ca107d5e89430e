/** Stopping while a cluster is connected to that takes connections and answers nothing. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type Server, type Socket, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NativeConnection } from '@temporalio/worker';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { portOf } from '../../../scripts/lib/process.ts';
import { quietRuntime } from '../../../scripts/lib/user-worker.ts';
import { waitFor } from '../../../scripts/lib/wait.ts';
import { type RunningWorkers, runWorkers } from '../../../src/services/run-workers.ts';

let dir: string;
let silent: Server;
const sockets = new Set<Socket>();

beforeEach(async () => {
  quietRuntime();
  dir = await mkdtemp(join(tmpdir(), 'ferry-workers-'));
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  silent.close();
  await rm(dir, { recursive: true });
});

async function run(): Promise<RunningWorkers> {
  const configFile = join(dir, 'temporal.toml');
  await writeFile(configFile, `[profile.cloud]\naddress = "127.0.0.1:${portOf(silent)}"\nnamespace = "n"\n`);
  return runWorkers({ configFile, taskQueue: 'q', activities: { nothing: async () => undefined } });
}

test('shutting down does not wait for its answer', async () => {
  const workers = await run();
  await waitFor({ what: 'a connection' }, async () => sockets.size > 0);
  const began = Date.now();
  await workers.shutdown();
  await workers.done;
  expect(Date.now() - began).toBeLessThan(1_000);
}, 60_000);

test('a connection that comes after all is closed', async () => {
  let come: (connection: NativeConnection) => void = () => undefined;
  vi.spyOn(NativeConnection, 'connect').mockReturnValue(new Promise((resolve) => (come = resolve)));
  const close = vi.fn(async () => undefined);
  const workers = await run();
  await workers.shutdown();
  expect(close).not.toHaveBeenCalled();
  come({ close } as unknown as NativeConnection);
  await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(1));
});
