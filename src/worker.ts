/** `ferry worker`: runs migrations until SIGTERM, then sees schedules behind a fence through and ends. */
import { type FerryOptions, createFerry } from './compose.ts';

const OVERRIDES = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_API_KEY'];

/** The only reader of the environment. */
export function optionsFromEnvironment(env: NodeJS.ProcessEnv): FerryOptions {
  return {
    configFile: env.TEMPORAL_CONFIG_FILE,
    controlProfile: env.FERRY_CONTROL_PROFILE,
    taskQueue: env.FERRY_TASK_QUEUE,
    ignoredEnvironment: OVERRIDES.filter((name) => env[name] !== undefined),
  };
}

export async function runWorker(options: FerryOptions): Promise<void> {
  const ferry = await createFerry(options);
  const { taskQueue, namespace } = ferry.worker.options;
  console.log(`ferry worker ready: task queue ${taskQueue}, namespace ${namespace}`);
  try {
    await ferry.worker.run();
  } finally {
    await ferry.close();
  }
}

if (import.meta.url === `file://${process.argv[1]}`) {
  runWorker(optionsFromEnvironment(process.env)).catch((error: unknown) => {
    console.error(`ferry worker: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
