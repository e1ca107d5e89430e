/** One `temporal server start-dev`: a whole cluster in one process, in memory, with the Web UI. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporalCliPath } from './binaries.ts';
import { freePorts, startProcess } from './process.ts';
import { clusterReady, type ClusterReady } from './ready.ts';

export interface ServerOptions {
  /** Names the log file. */
  title: string;
  /** Where logs and configuration go. */
  dir: string;
  namespace: string;
  /** Keyword search attributes of the namespace. */
  keywords?: string[];
  /** Server settings, such as `{ 'frontend.namespaceRPS.visibility': 500 }`. */
  dynamicConfig?: Record<string, string | number | boolean>;
  logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

export interface RunningServer extends ClusterReady {
  address: string;
  namespace: string;
  /** Absent where the server brings no Web UI. */
  uiAddress?: string;
  logFile: string;
  /** Of the process group. */
  pid: number;
  died: Promise<never>;
  stop: () => Promise<void>;
}

/**
 * The defaults are limits for tenants sharing a cluster. Here one demo tenant has the server for itself, and 30 starts a
 * second of all schedules together would be reached by the load alone, with a silent delay that looks like lateness.
 */
export const roomy = {
  'frontend.namespaceRPS.visibility': 500,
  'worker.schedulerNamespaceStartWorkflowRPS': 500,
};

export async function startDevServer(options: ServerOptions): Promise<RunningServer> {
  const { title, dir, namespace, keywords = [], logLevel = 'error' } = options;
  const settings = { ...roomy, ...options.dynamicConfig };
  const [port = 0, uiPort = 0, httpPort = 0, metricsPort = 0] = await freePorts(4);
  const command = [
    await temporalCliPath(),
    'server',
    'start-dev',
    ...flags('ip', ['127.0.0.1']),
    ...flags('port', [port]),
    ...flags('ui-port', [uiPort]),
    ...flags('http-port', [httpPort]),
    ...flags('metrics-port', [metricsPort]),
    ...flags('log-level', [logLevel]),
    ...flags('namespace', [namespace]),
    ...flags(
      'search-attribute',
      keywords.map((name) => `${name}=Keyword`),
    ),
    ...flags(
      'dynamic-config-value',
      Object.entries(settings).map(([key, value]) => `${key}=${JSON.stringify(value)}`),
    ),
  ];
  // The CLI keeps one cluster id per home directory: with the user's, all three servers would claim to be the same.
  const home = join(dir, `${title}-home`);
  await mkdir(home, { recursive: true });
  const server = await startProcess(title, command, dir, { ...withoutTemporal(process.env), HOME: home });
  const address = `127.0.0.1:${port}`;
  try {
    const ready = await clusterReady(address, [namespace], server.died);
    const { logFile, pid, died, stop } = server;
    return { ...ready, address, namespace, uiAddress: `http://127.0.0.1:${uiPort}`, logFile, pid, died, stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function flags(name: string, values: (string | number)[]): string[] {
  return values.flatMap((value) => [`--${name}`, `${value}`]);
}

/** The CLI reads `TEMPORAL_…` variables meant for clients. */
export function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
