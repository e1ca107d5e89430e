/** One `temporal server start-dev`: a whole cluster in one process, with the Web UI. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { temporalCliPath } from './binaries.ts';
import { lastingPorts, startProcess } from './process.ts';
import { clusterReady, type ClusterReady } from './ready.ts';
import { type HowToEnd, type Restartable, restartable } from './restartable.ts';

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
  /** Keeps its state in a file under `dir`, so that it can be restarted. @default false: in memory */
  persistent?: boolean;
}

export interface RunningServer extends ClusterReady {
  address: string;
  namespace: string;
  /** `host:port` of its Prometheus metrics. */
  metricsAddress: string;
  /** Absent where the server brings no Web UI. */
  uiAddress?: string;
  logFile: string;
  /** Of the process group it was first started in. */
  pid: number;
  died: Promise<never>;
  stop: () => Promise<void>;
  /** Ends it, leaves it down for `downMs`, and returns once it serves again at the same address. Persistent ones only. */
  restart: (how: HowToEnd, downMs: number) => Promise<void>;
}

/**
 * The defaults are limits for tenants sharing a cluster. Here one demo tenant has the server for itself, and 30 starts a
 * second of all schedules together would be reached by the load alone, with a silent delay that looks like lateness.
 */
export const roomy = {
  'frontend.namespaceRPS.visibility': 500,
  'worker.schedulerNamespaceStartWorkflowRPS': 500,
  // `start-dev` has it on: then every execution of a listed page costs a read of the database, and two full pages a second
  // are more than a frontend may ask for ("System Persistence Max QPS Reached").
  'system.forceSearchAttributesCacheRefreshOnRead': false,
};

export async function startDevServer(options: ServerOptions): Promise<RunningServer> {
  const { title, dir, namespace, keywords = [], logLevel = 'error', persistent = false } = options;
  const settings = { ...roomy, ...options.dynamicConfig };
  const [port = 0, uiPort = 0, httpPort = 0, metricsPort = 0] = await lastingPorts(4);
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
    ...flags('db-filename', persistent ? [join(dir, `${title}.db`)] : []),
    // What a killed process wrote is with the operating system; to wait for the disk as well would guard a power cut.
    ...flags('sqlite-pragma', persistent ? ['synchronous=0'] : []),
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
  const env = { ...withoutTemporal(process.env), HOME: home };
  const server = await restartable(() => startProcess(title, command, dir, env));
  const address = `127.0.0.1:${port}`;
  const uiAddress = `http://127.0.0.1:${uiPort}`;
  try {
    const ready = await clusterReady(address, [namespace], server.died);
    const { logFile, pid, died, stop } = server;
    const restart = restarting({ address, namespace, persistent, server });
    const metricsAddress = `127.0.0.1:${metricsPort}`;
    return { ...ready, address, namespace, metricsAddress, uiAddress, logFile, pid, died, stop, restart };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** What is in memory is gone with the process: such a server would come back as another one. */
export function restarting(of: {
  address: string;
  namespace: string;
  persistent: boolean;
  server: Restartable;
}): RunningServer['restart'] {
  const { address, namespace, persistent, server } = of;
  return async (how, downMs) => {
    if (!persistent)
      throw new Error(`the server at ${address} keeps its state in memory; start it with persistent: true`);
    await server.restart(how, downMs);
    await clusterReady(address, [namespace], server.died);
  };
}

function flags(name: string, values: (string | number)[]): string[] {
  return values.flatMap((value) => [`--${name}`, `${value}`]);
}

/** The CLI reads `TEMPORAL_…` variables meant for clients. */
export function withoutTemporal(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
