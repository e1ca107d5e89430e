/** A service's workers on every cluster its tenants may be on, as one thing to run and to shut down. */
import { setTimeout as delay } from 'node:timers/promises';
import { NativeConnection, Runtime, TransportError, Worker, type WorkerOptions } from '@temporalio/worker';
import { Profiles } from '../clusters/profiles.ts';

export interface RunWorkersOptions extends Omit<WorkerOptions, 'connection' | 'namespace'> {
  /** temporal.toml; without it, the CLI's default place. */
  configFile?: string;
  /** Profiles to work for; those this environment does not have are left out. @default ['cloud', 'selfhosted'] */
  clusters?: readonly string[];
  /** What differs on one cluster, such as fewer slots on the one that is drained. */
  on?: (profile: string) => Partial<Omit<WorkerOptions, 'connection' | 'namespace'>>;
}

export interface RunningWorkers {
  /** The profiles that are worked for. */
  clusters: readonly string[];
  /**
   * Resolves when all workers have ended in order, after `shutdown` or the signals of the SDK's runtime (SIGTERM and
   * SIGINT by default). Rejects, with the others shut down first, where a worker fails for good: a wrong key, a namespace
   * that is not there.
   */
  done: Promise<void>;
  /** All of them take no new work and finish what they have; no cluster is waited for that does not answer. Resolves with `done`. */
  shutdown: () => Promise<void>;
}

const RETRY_MS = 2_000;
const RETRY_LIMIT_MS = 30_000;

/**
 * One worker per cluster with the same options. A cluster that cannot be reached is tried again every 2 to 30 s and does
 * not disturb the others. Throws where no profile is there to work for; what else is wrong rejects `done`. With
 * `workflowsPath` each worker bundles the workflow code for itself: give a `workflowBundle` to bundle it once.
 */
export function runWorkers(options: RunWorkersOptions): RunningWorkers {
  const { configFile, clusters: wanted = ['cloud', 'selfhosted'], on, ...shared } = options;
  const profiles = new Profiles(configFile);
  const known = profiles.names();
  const clusters = wanted.filter((name) => known.includes(name));
  // Names the profiles there are, and what to do.
  if (clusters.length === 0) profiles.load(wanted[0] ?? '');
  return new Fleet(profiles, shared, on).run(clusters);
}

class Fleet {
  readonly #profiles: Profiles;
  readonly #shared: WorkerOptions;
  readonly #on: RunWorkersOptions['on'];
  readonly #workers = new Set<Worker>();
  readonly #stop = new AbortController();

  constructor(profiles: Profiles, shared: WorkerOptions, on: RunWorkersOptions['on']) {
    this.#profiles = profiles;
    this.#shared = shared;
    this.#on = on;
  }

  run(clusters: readonly string[]): RunningWorkers {
    // The runtime takes the signals and tells its workers: while no cluster is reached there are none.
    const onSignal = (): void => this.#shutDown();
    Runtime.instance().registerShutdownSignalCallback(onSignal);
    const runs = clusters.map(async (profile) => {
      try {
        await this.#keep(profile);
      } finally {
        // Ended in order by a signal, or failed: the others follow.
        this.#shutDown();
      }
    });
    const done = (async () => {
      const failed = (await Promise.allSettled(runs)).find((run) => run.status === 'rejected');
      Runtime.instance().deregisterShutdownSignalCallback(onSignal);
      if (failed) throw failed.reason;
    })();
    // Whoever waits for it still sees the rejection.
    done.catch(() => undefined);
    const shutdown = (): Promise<void> => {
      this.#shutDown();
      return done;
    };
    return { clusters, done, shutdown };
  }

  async #keep(profile: string): Promise<void> {
    let pause = RETRY_MS;
    while (!this.#stop.signal.aborted) {
      try {
        return await this.#work(profile);
      } catch (error) {
        if (!(error instanceof TransportError)) throw error;
        Runtime.instance().logger.warn(
          `cluster ${profile} cannot be reached, so no worker runs for it; trying again in ${pause / 1000} s`,
          { error },
        );
      }
      // An abort ends the wait, and the loop with it.
      await delay(pause, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      pause = Math.min(pause * 2, RETRY_LIMIT_MS);
    }
  }

  async #work(profile: string): Promise<void> {
    const { connect, namespace } = this.#profiles.load(profile);
    const connection = await this.#connected(NativeConnection.connect(connect.connectionOptions));
    if (connection === undefined) return;
    try {
      const options = { ...this.#shared, ...this.#on?.(profile), connection, namespace };
      const worker = await Worker.create(options);
      const running = worker.run();
      this.#workers.add(worker);
      try {
        // Asked to stop while it was being made.
        if (this.#stop.signal.aborted) worker.shutdown();
        await running;
      } finally {
        this.#workers.delete(worker);
      }
    } finally {
      await connection.close();
    }
  }

  /**
   * Undefined: asked to stop first. A cluster that takes a connection and does not answer is connected to for half a minute, and
   * connecting cannot be called off: what comes late is closed.
   */
  async #connected(connecting: Promise<NativeConnection>): Promise<NativeConnection | undefined> {
    const { signal } = this.#stop;
    const over = new AbortController();
    const stopped = new Promise<undefined>((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', () => resolve(undefined), { once: true, signal: over.signal });
    });
    try {
      const connection = await Promise.race([connecting, stopped]);
      // That it did not come about, or does not close, is nobody's trouble any more.
      if (connection === undefined) connecting.then((late) => late.close()).catch(() => undefined);
      return connection;
    } finally {
      over.abort();
    }
  }

  #shutDown(): void {
    this.#stop.abort();
    for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }
}
