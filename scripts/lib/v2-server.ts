/** One `temporal-server` as people self-host it, all services in one process on SQLite, in memory or in a file. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import Long from 'long';
import { temporalServerPath } from './binaries.ts';
import { restarting, roomy, type RunningServer, type ServerOptions } from './dev-server.ts';
import { lastingPorts, startProcess } from './process.ts';
import { clusterReady, registerKeywords } from './ready.ts';
import { restartable } from './restartable.ts';
import { waitFor } from './wait.ts';

export interface V2ServerOptions extends ServerOptions {
  /** Which engine runs new schedules: true for CHASM (V2), false for the scheduler workflow (V1). @default true */
  chasm?: boolean;
}

export async function startV2Server(options: V2ServerOptions): Promise<RunningServer> {
  const { title, dir, namespace, keywords = [], chasm = true, logLevel = 'error', persistent = false } = options;
  const ports = await lastingPorts(10);
  const address = `127.0.0.1:${ports[0]}`;
  const settings = {
    ...roomy,
    'history.enableCHASMSchedulerCreation': chasm,
    'history.chasmSchedulerCreationRolloutPercent': chasm ? 100 : 0,
    // A new namespace is to be usable at once; by default it waits for a cache.
    'system.namespaceCacheRefreshInterval': '1s',
    ...options.dynamicConfig,
  };
  const dynamicFile = join(dir, `${title}-dynamic.yaml`);
  // JSON is YAML.
  const dynamic = Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [key, [{ value, constraints: {} }]]),
  );
  await writeFile(dynamicFile, JSON.stringify(dynamic, null, 1));
  const configFile = join(dir, `${title}.yaml`);
  const store = persistent ? inFile(join(dir, `${title}.db`)) : inMemory();
  await writeFile(configFile, JSON.stringify(serverConfig(ports, store, dynamicFile, logLevel), null, 1));

  const command = [await temporalServerPath(), '--config-file', configFile, '--allow-no-auth', 'start'];
  const server = await restartable(() => startProcess(title, command, dir));
  try {
    const ready = await clusterReady(address, [], server.died);
    await Promise.race([createNamespace(address, namespace, keywords), server.died]);
    await clusterReady(address, [namespace], server.died);
    const { logFile, pid, died, stop } = server;
    const restart = restarting({ address, namespace, persistent, server });
    const metricsAddress = metricsAt(ports);
    return { ...ready, address, namespace, metricsAddress, logFile, pid, died, stop, restart };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function createNamespace(address: string, namespace: string, keywords: string[]): Promise<void> {
  const connection = Connection.lazy({ address });
  try {
    await connection.withDeadline(Date.now() + 10_000, () =>
      connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: { seconds: Long.fromNumber(24 * 3600) },
      }),
    );
    if (keywords.length === 0) return;
    await waitFor({ what: `namespace ${namespace} at ${address}` }, async () =>
      registerKeywords(connection, namespace, keywords),
    );
  } finally {
    await connection.close();
  }
}

const sqlite = { pluginName: 'sqlite', connectAddr: 'localhost', connectProtocol: 'tcp', maxConns: 1, maxIdleConns: 1 };

/** No maxConnLifetime: an in-memory database is gone with its last connection. */
function inMemory(): object {
  return { sql: { ...sqlite, databaseName: 'default', connectAttributes: { mode: 'memory', cache: 'private' } } };
}

/** `setup` makes the tables where there are none; `synchronous` as for the dev server. */
function inFile(databaseName: string): object {
  const connectAttributes = { cache: 'private', setup: 'true', journal_mode: 'wal', synchronous: '0' };
  return { sql: { ...sqlite, databaseName, connectAttributes } };
}

function metricsAt(ports: number[]): string {
  return `127.0.0.1:${ports[9] ?? 0}`;
}

function serverConfig(ports: number[], store: object, dynamicFile: string, logLevel: string): object {
  const port = (index: number) => ports[index] ?? 0;
  const service = (grpc: number, membership: number, more = {}) => ({
    rpc: { grpcPort: port(grpc), membershipPort: port(membership), bindOnLocalHost: true, ...more },
  });
  const off = { state: 'disabled' };
  return {
    log: { stdout: true, level: logLevel },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      numHistoryShards: 1,
      datastores: { main: store, visibility: store },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      metrics: { prometheus: { listenAddress: metricsAt(ports), timerType: 'histogram' } },
    },
    services: {
      frontend: service(0, 1, { httpPort: port(2) }),
      history: service(3, 4),
      matching: service(5, 6),
      worker: service(7, 8),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${port(0)}`,
          httpAddress: `127.0.0.1:${port(2)}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    archival: { history: off, visibility: off },
    namespaceDefaults: { archival: { history: off, visibility: off } },
    publicClient: { hostPort: `127.0.0.1:${port(0)}` },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '10s' },
  };
}
