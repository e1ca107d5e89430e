/** The composition root: profiles → connections → activities → worker. The only place that builds these. */
import { fileURLToPath } from 'node:url';
import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerInterceptors } from '@temporalio/worker';
import { createActivities } from './activities/index.ts';
import type { ClusterSource, HandoverSettings } from './activities/deps.ts';
import { Cluster } from './clusters/cluster.ts';
import { Profiles } from './clusters/profiles.ts';
import { ferryAttributesRegistered } from './clusters/control.ts';
import { createMeasures, type MetricsSystems } from './measures/index.ts';

export const TASK_QUEUE = 'ferry';

export interface FerryOptions {
  /** temporal.toml; without it, the CLI's default place. */
  configFile?: string;
  /** Profile of the control namespace. @default 'control' */
  controlProfile?: string;
  /** @default 'ferry' */
  taskQueue?: string;
  handover?: Partial<HandoverSettings>;
  /** Metrics systems that gates may ask. */
  metricsSystems?: MetricsSystems;
  /** TEMPORAL_… variables that are set and not applied; preflight says so. */
  ignoredEnvironment?: string[];
  /** gRPC interceptors for a profile's connection: tests lose calls with them. */
  interceptors?: (profile: string) => ConnectionOptions['interceptors'];
  /** Around every activity: tests kill the worker at its boundaries with them. */
  activityInterceptors?: WorkerInterceptors['activity'];
}

export interface Ferry {
  worker: Worker;
  control: Client;
  clusters: ClusterSource;
  close: () => Promise<void>;
}

/** One cluster per profile, connected on first use and shared. */
export class Clusters implements ClusterSource {
  readonly #open = new Map<string, Cluster>();
  readonly #profiles: Profiles;
  readonly #interceptors: FerryOptions['interceptors'];

  constructor(profiles: Profiles, interceptors?: FerryOptions['interceptors']) {
    this.#profiles = profiles;
    this.#interceptors = interceptors;
  }

  get(profile: string): Cluster {
    let cluster = this.#open.get(profile);
    if (!cluster) {
      cluster = Cluster.open(this.#profiles.load(profile), undefined, this.#interceptors?.(profile));
      this.#open.set(profile, cluster);
    }
    return cluster;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((cluster) => cluster.close()));
    this.#open.clear();
  }
}

/** Client of the control namespace, for the worker, the command line and the demo. */
export function controlClient(options: FerryOptions): { client: Client; close: () => Promise<void> } {
  const profile = new Profiles(options.configFile).load(options.controlProfile ?? 'control');
  const connection = Connection.lazy(profile.connect.connectionOptions as ConnectionOptions);
  const client = new Client({ connection, namespace: profile.namespace });
  return { client, close: () => connection.close() };
}

export async function createFerry(options: FerryOptions): Promise<Ferry> {
  const profiles = new Profiles(options.configFile);
  const profile = profiles.load(options.controlProfile ?? 'control');
  const taskQueue = options.taskQueue ?? TASK_QUEUE;
  const clusters = new Clusters(profiles, options.interceptors);
  const control = controlClient(options);
  const native = await NativeConnection.connect(profile.connect.connectionOptions);
  const activities = createActivities({
    clusters,
    control: control.client,
    taskQueue,
    searchAttributesRegistered: () => ferryAttributesRegistered(control.client),
    handover: options.handover,
    measures: createMeasures(options.metricsSystems),
    ignoredEnvironment: options.ignoredEnvironment,
    stopping: () => worker.getState() === 'STOPPING' || worker.getState() === 'DRAINING',
  });
  const worker: Worker = await Worker.create({
    connection: native,
    namespace: profile.namespace,
    taskQueue,
    workflowsPath: fileURLToPath(
      new URL(`./workflows/index${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
    ),
    activities,
    interceptors: { activity: options.activityInterceptors ?? [] },
    // Schedules behind a fence are seen through; those not begun are left to whoever takes the page up again.
    shutdownGraceTime: '2 minutes',
    maxConcurrentActivityTaskExecutions: 20,
    // A pause or a rollback reaches a running page with the answer to a heartbeat.
    maxHeartbeatThrottleInterval: '5 seconds',
  });
  const close = async (): Promise<void> => {
    await clusters.close();
    await control.close();
    await native.close();
  };
  return { worker, control: control.client, clusters, close };
}
