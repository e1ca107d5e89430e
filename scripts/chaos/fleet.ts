/**
 * The ferry workers of a run: one that works, and one that is ready to take its place, as a deployment would have it.
 * Each is a process of its own, and dies by SIGKILL where it is told to.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Boundary, nameOf, type Order, type Report, REPORTS_FD } from './boundaries.ts';

const entry = fileURLToPath(new URL('./worker.ts', import.meta.url));

export type Death = Extract<Report, { report: 'dies' }> & { pid: number };

export interface FleetOptions {
  configFile: string;
  dir: string;
  /** @default the product's own */
  taskQueue?: string;
  /** What the working one reports, but for its death. */
  hear: (report: Report) => void;
  /** The working one has been killed at a boundary and is gone; the next one works. */
  died: (death: Death) => void;
  /** The working one ended and nobody had asked for it. */
  failed: (how: string) => void;
}

interface Process {
  child: ChildProcess;
  ready: Promise<void>;
  /** How it ended, once it has. */
  ended: Promise<string>;
  death: () => Death | undefined;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #log: FileHandle;
  readonly #living = new Set<ChildProcess>();
  #armed: Boundary[] = [];
  #active: Process | undefined;
  #stopping = false;
  #serving: Promise<void> = Promise.resolve();

  private constructor(options: FleetOptions, log: FileHandle) {
    this.#options = options;
    this.#log = log;
  }

  /** Returns once the first one works. */
  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options, await open(join(options.dir, 'ferry-workers.log'), 'a'));
    const first = await fleet.#prepare();
    fleet.#serving = fleet.#serve(first);
    return fleet;
  }

  /** The working one, and whoever takes its place, dies at the first of these it reaches; each kills once. */
  arm(boundaries: Boundary[]): void {
    this.#armed = boundaries;
    this.tell({ order: 'arm', boundaries });
  }

  get armed(): readonly Boundary[] {
    return this.#armed;
  }

  tell(order: Order): void {
    const { child } = this.#active ?? {};
    // An order to one that has just died is lost, as it would be with the next one.
    if (child?.connected) child.send(order, () => undefined);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const child of this.#living) child.kill('SIGKILL');
    await this.#serving;
    await this.#log.close();
  }

  async #serve(first: Process): Promise<void> {
    for (let active: Process | undefined = first; active && !this.#stopping;) {
      this.#active = active;
      this.tell({ order: 'arm', boundaries: this.#armed });
      this.tell({ order: 'run' });
      const spare = this.#prepare().catch(() => undefined);
      const how = await active.ended;
      const death = active.death();
      if (death) this.#armed = this.#armed.filter((each) => nameOf(each) !== nameOf(death.at));
      else if (!this.#stopping) this.#options.failed(how);
      active = await spare;
      if (death) this.#options.died(death);
    }
  }

  /** One that can work at once. While its control cluster is down it cannot start, and is started again. */
  async #prepare(): Promise<Process> {
    while (!this.#stopping) {
      const process = this.#spawn();
      if (await process.ready.then(() => true).catch(() => false)) return process;
      await delay(300);
    }
    throw new Error('the run is over');
  }

  #spawn(): Process {
    const { configFile, taskQueue } = this.#options;
    const child = fork(entry, taskQueue === undefined ? [configFile] : [configFile, taskQueue], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', this.#log.fd, this.#log.fd, 'ipc', 'pipe'],
    });
    this.#living.add(child);
    const ended = new Promise<string>((resolve) => {
      // `close` and not `exit`: by then its last words have been read.
      child.once('close', (code, signal) => {
        this.#living.delete(child);
        resolve(String(signal ?? code));
      });
    });
    let death: Death | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      void ended.then((how) => reject(new Error(`a ferry worker ended with ${how} before it was ready`)));
      const reports = child.stdio[REPORTS_FD];
      if (!(reports instanceof Readable)) throw new Error('a ferry worker was started without a pipe for its reports');
      createInterface({ input: reports }).on('line', (line) => {
        const report: Report = JSON.parse(line);
        if (report.report === 'ready') resolve();
        else if (report.report === 'dies') death = { ...report, pid: child.pid ?? 0 };
        else this.#options.hear(report);
      });
    });
    ready.catch(() => undefined);
    return { child, ready, ended, death: () => death };
  }
}
