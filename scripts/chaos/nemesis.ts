/**
 * Breaks servers, connections and answers, one at a time, in an order the seed decides. Every fault is short: what runs
 * late because of it must stay within the schedules' own catchup windows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Outage } from '../../test/support/ledger.ts';
import type { HowToEnd } from '../lib/restartable.ts';
import type { Random } from '../lib/payloads.ts';
import { type ProfileName, profileNames, type Stack } from '../lib/stack.ts';
import type { Cutter } from '../lib/tcp-cutter.ts';
import type { FaultLog } from './faults.ts';
import type { Fleet } from './fleet.ts';

export interface Prey {
  servers: Stack['servers'];
  /** Between the ferry workers and each cluster. */
  cutters: Record<ProfileName, Cutter>;
  fleet: Fleet;
}

/** From the end of one fault to the next, ms: at least, and less than. */
export type Pause = readonly [least: number, most: number];

type Card = () => Promise<void>;

/** The product gives a call 15 s. */
const PAST_DEADLINE_MS = 16_000;

export class Nemesis {
  /** When servers were away, as their own schedulers would tell it. */
  readonly outages: Outage[] = [];
  readonly #prey: Prey;
  readonly #log: FaultLog;
  readonly #random: Random;
  readonly #pauseMs: Pause;
  readonly #oneAtATime = new PQueue({ concurrency: 1 });
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(prey: Prey, log: FaultLog, random: Random, pauseMs: Pause) {
    this.#pauseMs = pauseMs;
    this.#prey = prey;
    this.#log = log;
    this.#random = random;
  }

  /** `failed`: a server did not come back. */
  start(failed: (reason: unknown) => void): void {
    this.#running = this.#run().catch(failed);
  }

  /** Returns when the last fault is over. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Does something while nothing is broken. */
  async calm<T>(task: () => Promise<T>): Promise<T> {
    return this.#oneAtATime.add(task);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    for (let deck: Card[] = []; !signal.aborted;) {
      if (deck.length === 0) deck = this.#shuffled();
      const card = deck.pop();
      if (card) await this.#oneAtATime.add(card);
      await delay(this.#between(...this.#pauseMs), undefined, { signal }).catch(() => undefined);
    }
  }

  #shuffled(): Card[] {
    const data: ProfileName[] = ['cloud', 'selfhosted'];
    const deck: Card[] = [
      ...profileNames.flatMap((name) => [
        () => this.#restart(name, 'SIGTERM'),
        () => this.#restart(name, 'SIGKILL'),
        () => this.#cut(name),
        () => this.#cut(name),
        () => this.#refuse(name),
        () => this.#stall(name, this.#between(2_000, 5_000)),
        () => this.#deafen(name),
      ]),
      ...data.flatMap((name) => [() => this.#throttle(name), () => this.#lose(), () => this.#lose()]),
      () => this.#stall(data[this.#random.below(data.length)] ?? 'cloud', PAST_DEADLINE_MS),
    ];
    return deck
      .map((card) => ({ card, lot: this.#random.below(1_000_000) }))
      .toSorted((a, b) => a.lot - b.lot)
      .map(({ card }) => card);
  }

  async #restart(name: ProfileName, how: HowToEnd): Promise<void> {
    const downMs = this.#between(500, 3_000);
    const fromMs = Date.now();
    this.#log.add(
      how === 'SIGKILL' ? 'server killed (SIGKILL)' : 'server ended (SIGTERM)',
      `${name}, down for ${downMs} ms`,
    );
    const outage: Outage = { side: name, fromMs, toMs: Infinity };
    this.outages.push(outage);
    await this.#prey.servers[name].restart(how, downMs);
    outage.toMs = Date.now();
  }

  async #cut(name: ProfileName): Promise<void> {
    const cutter = this.#prey.cutters[name];
    const open = cutter.connections();
    if (open === 0) return;
    this.#log.add('connections cut', `${open} to ${name}`);
    cutter.cut();
  }

  async #refuse(name: ProfileName): Promise<void> {
    const ms = this.#between(1_000, 5_000);
    this.#log.add('connections refused', `${name} for ${ms} ms`);
    await this.#prey.cutters[name].refuse(ms);
  }

  async #stall(name: ProfileName, ms: number): Promise<void> {
    const kind = ms >= PAST_DEADLINE_MS ? 'connections stalled past the deadline' : 'connections stalled';
    this.#log.add(kind, `${name} for ${ms} ms`);
    await this.#prey.cutters[name].stall(ms);
  }

  async #deafen(name: ProfileName): Promise<void> {
    const ms = this.#between(500, 3_000);
    this.#log.add('answers held back, then cut', `${name} for ${ms} ms`);
    await this.#prey.cutters[name].deafen(ms);
  }

  /** Logged by the worker, answer by answer, where it happens. */
  async #lose(): Promise<void> {
    this.#prey.fleet.tell({ order: 'lose', answers: 1 + this.#random.below(3) });
  }

  /** Logged when the first call has been refused. */
  async #throttle(profile: ProfileName): Promise<void> {
    const ms = this.#between(1_000, 4_000);
    this.#prey.fleet.tell({ order: 'throttle', profile, ms });
    await delay(ms);
  }

  #between(least: number, most: number): number {
    return least + this.#random.below(most - least);
  }
}
