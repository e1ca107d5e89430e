/** `ferry worker`: runs migrations until SIGTERM, then sees schedules behind a fence through and ends. */
import { pathToFileURL } from 'node:url';
import { Runtime } from '@temporalio/worker';
import { type FerryOptions, createFerry } from './compose.ts';
import type { MetricsSystems } from './measures/index.ts';

const OVERRIDES = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE', 'TEMPORAL_API_KEY'];

export interface WorkerOptions extends FerryOptions {
  /** `host:port` to serve Prometheus metrics at: the SDK's, and the migrations' own (`ferry_migration_…`). */
  metricsAddress?: string;
}

/** The only reader of the environment. */
export function optionsFromEnvironment(env: NodeJS.ProcessEnv): WorkerOptions {
  return {
    configFile: env.TEMPORAL_CONFIG_FILE,
    controlProfile: env.FERRY_CONTROL_PROFILE,
    taskQueue: env.FERRY_TASK_QUEUE,
    metricsAddress: env.FERRY_METRICS_ADDRESS,
    metricsSystems: metricsSystemsFrom(env),
    ignoredEnvironment: OVERRIDES.filter((name) => env[name] !== undefined),
  };
}

function metricsSystemsFrom(env: NodeJS.ProcessEnv): MetricsSystems {
  const { FERRY_PROMETHEUS_URL: url, FERRY_PROMETHEUS_TOKEN: token, FERRY_DATADOG_SITE: site } = env;
  const { DD_API_KEY: apiKey, DD_APP_KEY: appKey } = env;
  return {
    ...(url && { prometheus: { url, token: token || undefined } }),
    ...(apiKey && { datadog: { site: site || 'datadoghq.com', apiKey, appKey } }),
  };
}

export async function runWorker({ metricsAddress, ...options }: WorkerOptions): Promise<void> {
  // Once per process, before anything else of the SDK is used.
  if (metricsAddress)
    Runtime.install({ telemetryOptions: { metrics: { prometheus: { bindAddress: metricsAddress } } } });
  const ferry = await createFerry(options);
  const { taskQueue, namespace } = ferry.worker.options;
  console.log(`ferry worker ready: task queue ${taskQueue}, namespace ${namespace}`);
  try {
    await ferry.worker.run();
  } finally {
    await ferry.close();
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  runWorker(optionsFromEnvironment(process.env)).catch((error: unknown) => {
    console.error(`ferry worker: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  });
}
