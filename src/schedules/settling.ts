/** What settling one side works on, and what it finds. */
import type { Asking } from './asking.ts';
import type { Described } from './ports.ts';
import type { Due } from './verdicts.ts';

export interface Range {
  /** Nominal times after this count, ms. */
  afterNominalMs: number;
  /**
   * Nominal times from here on are not ours to prove, ms: the other side's, whatever bound the spec shows when it is
   * asked, or the scheduler's own, with all its policies, because no write of ours can have dropped them.
   */
  beforeNominalMs: number;
  /** Nominal times from `fromMs` on that were due before `toMs` its scheduler has not generated: they do not wait in its buffer. */
  idle?: { fromMs: number; toMs: number };
  /** Proven before: what has not run was left out then, by a policy that saw other runs than there are to see now. */
  decided?: boolean;
  /** Of those, due times from here on count, ms: what came before was generated before we touched anything. */
  fromDueMs: number;
  /** Due times up to here are looked at, ms. */
  untilMs: number;
  /**
   * `source`: the side is about to be paused, so nothing may be left ahead of it. `shut`: it is our paused copy, which
   * runs nothing by itself, but what it is asked.
   */
  role: 'source' | 'target' | 'shut';
  /** Of a limited schedule: its count is made right in the end by a known one, so it is lowered before anything is started. */
  reserves?: boolean;
  /** Of a limited schedule that is shut: what the other side has left for it, its own count being an old copy's. */
  allowance?: number;
}

export interface Settled {
  due: Due[];
  /** Due times that ran on this side, whoever started them. */
  ran: number;
  /** Of those, started by id: their scheduler has not counted them. Told of limited schedules only. */
  uncounted: number;
  /** Started by id just now. */
  started: number;
  /** Runs were asked for by an attempt that was cut off, and nothing shows yet whether they will come. */
  unproven: boolean;
  /** The schedule as last read. */
  after: Described;
  nominalOf: (due: Due) => Promise<number | undefined>;
}

/** Nothing to prove. */
export function settledAlready(after: Described): Settled {
  return { due: [], ran: 0, uncounted: 0, started: 0, unproven: false, after, nominalOf: async () => undefined };
}

/** Sent and seen done, by whichever of the clocks makes it longer, ms. */
export interface Wrote {
  fromMs: number;
  toMs: number;
}

/** While it is under way: what was found, or started, by id alone. */
export interface Settling extends Settled {
  byId: { due: Due; startMs: number }[];
  asking: Asking;
  range: Range;
  /** When runs were asked of a V2 scheduler with jitter: each is a write, which drops what is due around it. */
  wrote: Wrote[];
}
