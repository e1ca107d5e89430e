/** A process with the services' workers on both clusters. */
import { fileURLToPath } from 'node:url';
import { endWithParent } from './programs.ts';
import { runWorkers } from '../../../src/services/run-workers.ts';
import { quietRuntime } from '../../../scripts/lib/user-worker.ts';

endWithParent();
quietRuntime();
const { configFile, taskQueue }: { configFile: string; taskQueue: string } = JSON.parse(
  process.env.WORKER_SETTINGS ?? '',
);
const workers = runWorkers({
  configFile,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
  reuseV8Context: true,
  maxCachedWorkflows: 1_000,
  workflowThreadPoolSize: 1,
  shutdownGraceTime: '1 second',
});
process.stdout.write('worker ready\n');
await workers.done;
process.stdin.destroy();
