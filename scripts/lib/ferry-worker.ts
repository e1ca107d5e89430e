/** The product's worker as people run it: a process of its own that knows nothing but its `temporal.toml`. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startProcess, type ServerProcess } from './process.ts';
import { waitFor } from './wait.ts';

const entry = fileURLToPath(new URL('../../src/worker.ts', import.meta.url));

/** Returns once the worker has printed that it is ready. */
export async function startFerryWorker(options: { configFile: string; dir: string }): Promise<ServerProcess> {
  const { configFile, dir } = options;
  const env = { ...process.env, TEMPORAL_CONFIG_FILE: configFile };
  const worker = await startProcess('ferry-worker', [process.execPath, '--import', 'tsx', entry], dir, env);
  try {
    const ready = waitFor({ what: 'the ferry worker to be ready', timeoutMs: 60_000 }, async () =>
      (await readFile(worker.logFile, 'utf8')).includes('ferry worker ready'),
    );
    await Promise.race([ready, worker.died]);
    return worker;
  } catch (error) {
    await worker.stop();
    throw error;
  }
}
