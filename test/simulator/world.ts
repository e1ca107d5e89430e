/**
 * Virtual time: it jumps from one event to the next. Two simulated clusters, the handover and its users share one world;
 * everything random in it comes from its seed, so that a case can be played again.
 */
import type { Time } from '../../src/schedules/ports.ts';

/** No case takes this long unless something never ends, ms. */
const ENDLESS_MS = 4 * 3_600_000;

export class Endless extends Error {
  override name = 'Endless';
}

interface Event {
  atMs: number;
  act: () => void;
}

export class World implements Time {
  #now: number;
  /** Ascending; few are ever pending. */
  readonly #events: Event[] = [];
  #random: number;
  #actors = 0;
  /** What happened, for people; empty unless `recording`. */
  readonly told: string[] = [];
  readonly startMs: number;
  readonly recording: boolean;
  /** After every event: invariants that must hold at every moment are looked at here. */
  watch: () => void = () => {};

  constructor(seed: number, { startMs = Date.UTC(2026, 0, 1), recording = false } = {}) {
    this.#now = startMs;
    this.startMs = startMs;
    this.#random = seed >>> 0;
    this.recording = recording;
  }

  now(): number {
    return this.#now;
  }

  /** In [0, max), whole. */
  random(max: number): number {
    // mulberry32
    this.#random = (this.#random + 0x6d2b79f5) >>> 0;
    let t = this.#random;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * max);
  }

  tell(line: () => string): void {
    if (!this.recording) return;
    this.told.push(`${this.seconds()} ${line()}`);
  }

  /** One line for as many of the same kind in a row: `what first … last`. */
  tellEach(what: string, item: () => string): void {
    if (!this.recording) return;
    const line = this.told.at(-1);
    const start = `${what} `;
    const at = line?.indexOf(start) ?? -1;
    if (line === undefined || at < 0) this.tell(() => start + item());
    else {
      const [first] = line.slice(at + start.length).split(' … ');
      this.told[this.told.length - 1] = `${line.slice(0, at)}${start}${first} … ${item()}`;
    }
  }

  /** Since the world's start, for people. */
  seconds(): string {
    return ((this.#now - this.startMs) / 1000).toFixed(3);
  }

  at(atMs: number, act: () => void): void {
    const event = { atMs: Math.max(atMs, this.#now), act };
    let i = this.#events.length;
    while (i > 0 && (this.#events[i - 1]?.atMs ?? 0) > event.atMs) i--;
    this.#events.splice(i, 0, event);
  }

  advance(ms: number): void {
    const end = this.#now + Math.max(ms, 0);
    if (end - this.startMs > ENDLESS_MS) throw new Endless(`still not over after ${ENDLESS_MS / 3_600_000} h`);
    // What was done between two events shows from now on, not from the next one.
    this.watch();
    while (this.#step(end));
    this.#now = end;
  }

  /** The next event up to `endMs`; false when there is none. */
  #step(endMs: number): boolean {
    const next = this.#events[0];
    if (!next || next.atMs > endMs) return false;
    this.#events.shift();
    this.#now = next.atMs;
    next.act();
    this.watch();
    return true;
  }

  sleep(ms: number): Promise<void> {
    if (this.#actors > 1) return new Promise((wake) => this.at(this.#now + ms, wake));
    // Alone, nobody else can act between now and then.
    this.advance(ms);
    return DONE;
  }

  /** Several at once, such as an attempt and the zombie of the one before it: their calls interleave in virtual time. */
  async together(actors: (() => Promise<unknown>)[]): Promise<void> {
    this.#actors += actors.length;
    const all = actors.map((actor) => actor().finally(() => this.#actors--));
    const over = Promise.all(all).then(
      () => true,
      () => true,
    );
    while (this.#actors > 0) {
      // Everything an event woke comes to rest again before the next event.
      // eslint-disable-next-line no-await-in-loop
      await quiet();
      if (this.#actors > 0) this.#step(Infinity);
    }
    await over;
  }
}

const DONE = Promise.resolve();

function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
