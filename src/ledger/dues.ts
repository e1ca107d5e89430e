/**
 * Expected times, asked of the servers. A server lists due times (nominal plus jitter) for a range of nominal times; its
 * jitter never reaches the next nominal time, so between two consecutive due times there is exactly one nominal.
 */
import type { Due } from '../schedules/verdicts.ts';
import { type AuditedCluster, MATCHING_TIMES_PAGE } from './ports.ts';

type Source = Pick<AuditedCluster, 'matchingTimes'>;

export interface NominalRange {
  /** Whole seconds, ms, inclusive. */
  fromMs: number;
  /** Whole seconds, ms, exclusive. */
  untilMs: number;
}

/** The due times of a range of nominal times, in order, a page in memory. */
export class DueCursor {
  readonly #source: Source;
  readonly #id: string;
  readonly #range: NominalRange;
  readonly #jitterMs: number;
  /** Due times from here on belong to nominal times after the range; undefined until asked. */
  #edge: number | undefined;
  #page: number[] = [];
  #at = 0;
  #after: number;
  #exhausted: boolean;

  constructor(source: Source, id: string, range: NominalRange, jitterMs: number) {
    this.#source = source;
    this.#id = id;
    this.#range = range;
    this.#jitterMs = jitterMs;
    this.#after = range.fromMs - 1;
    this.#exhausted = range.fromMs >= range.untilMs;
  }

  /** `take` may have more to give after a `load`. */
  get hungry(): boolean {
    return this.#at >= this.#page.length && !this.#exhausted;
  }

  get done(): boolean {
    return this.#at >= this.#page.length && this.#exhausted;
  }

  async load(): Promise<void> {
    const { untilMs } = this.#range;
    const last = untilMs - 1 + this.#jitterMs;
    if (this.#edge === undefined) {
      // The first due time of the next range, if one is near enough to be taken for one of ours.
      const beyond = this.#jitterMs === 0 ? [] : await this.#source.matchingTimes(this.#id, untilMs - 1, last);
      this.#edge = beyond[0] ?? Infinity;
    }
    const edge = this.#edge;
    const page = await this.#source.matchingTimes(this.#id, this.#after, last);
    this.#page = page.filter((dueMs) => dueMs < edge);
    this.#at = 0;
    this.#exhausted = page.length < MATCHING_TIMES_PAGE || this.#page.length < page.length;
  }

  /** The next one that is due before `beforeMs`. */
  take(beforeMs: number): Due | undefined {
    const dueMs = this.#page[this.#at];
    if (dueMs === undefined || dueMs >= beforeMs) return undefined;
    const due = { dueMs, afterMs: this.#after };
    this.#after = dueMs;
    this.#at++;
    return due;
  }
}

/** Due times of nominal times that are known, on a cluster with a jitter of its own. Cheap in ascending order. */
export class DueLookup {
  readonly #source: Source;
  readonly #id: string;
  readonly #untilMs: number;
  readonly #jitterMs: number;
  #page: number[] = [];
  #fromMs = Infinity;

  constructor(source: Source, id: string, untilMs: number, jitterMs: number) {
    this.#source = source;
    this.#id = id;
    this.#untilMs = untilMs;
    this.#jitterMs = jitterMs;
  }

  /** Undefined where the cluster's spec does not have the time. */
  async of(nominalMs: number): Promise<number | undefined> {
    const last = this.#page.at(-1);
    if (nominalMs < this.#fromMs || last === undefined || nominalMs > last) {
      this.#page = await this.#source.matchingTimes(this.#id, nominalMs - 1, this.#untilMs + this.#jitterMs);
      this.#fromMs = nominalMs;
    }
    const due = firstFrom(this.#page, nominalMs);
    return due !== undefined && due - nominalMs <= this.#jitterMs ? due : undefined;
  }
}

/** First of the ascending times that is at or after `ms`. */
function firstFrom(times: number[], ms: number): number | undefined {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? Infinity) < ms) low = middle + 1;
    else high = middle;
  }
  return times[low];
}

/**
 * Nominal time of a due time with jitter, by bisection: a server lists the due time for as long as it is asked for what
 * comes after an earlier moment than the nominal time. Reads only, and no calendar of our own.
 */
export async function nominalOf(source: Source, id: string, due: Due, jitterMs: number): Promise<number> {
  let high = Math.floor(due.dueMs / 1000) * 1000;
  if (jitterMs === 0) return high;
  let low = Math.floor(Math.max(due.afterMs, due.dueMs - jitterMs - 1000) / 1000) * 1000;
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    const [first] = await source.matchingTimes(id, middle, due.dueMs);
    if (first === due.dueMs) low = middle;
    else high = middle;
  }
  return high;
}
