/** Figures of many cases, in a form that can be sent between processes and added up. */
import type { Case } from './case.ts';
import type { Judged } from './judge.ts';

export interface Tally {
  /** Cases: one schedule each, handed over until it is settled, in as many attempts as it takes. */
  handovers: number;
  attempts: number;
  calls: number;
  judged: number;
  duplicates: number;
  misses: number;
  /** Cases with anything wrong at all. */
  broken: number;
  filled: number;
  backfilled: number;
  /** Pairs of runs open at once although the policy forbids it, where one was started by id because a write dropped it. */
  overlapsById: number;
  explained: Record<string, number>;
  faults: Record<string, number>;
  pairings: Record<string, number>;
  policies: Record<string, number>;
  /** Hashes of the interleavings. */
  interleavings: number[];
}

export function emptyTally(): Tally {
  return {
    handovers: 0,
    attempts: 0,
    calls: 0,
    judged: 0,
    duplicates: 0,
    misses: 0,
    broken: 0,
    filled: 0,
    backfilled: 0,
    overlapsById: 0,
    explained: {},
    faults: {},
    pairings: {},
    policies: {},
    interleavings: [],
  };
}

export function count(tally: Tally, it: Case, { wrong, verdicts, play }: Judged): void {
  tally.handovers++;
  tally.attempts += play.attempts;
  if (wrong.length > 0) tally.broken++;
  tally.calls += play.calls;
  tally.judged += play.outOfHands ? 0 : verdicts.judged;
  tally.duplicates += play.outOfHands ? 0 : verdicts.duplicates;
  tally.misses += play.outOfHands ? 0 : verdicts.misses;
  tally.filled += verdicts.filled;
  tally.backfilled += verdicts.backfilled;
  tally.overlapsById += verdicts.overlaps.fill;
  addAll(tally.explained, play.outOfHands ? {} : verdicts.explained);
  addAll(tally.faults, Object.fromEntries(play.faults));
  addAll(tally.pairings, { [`${it.engines[0]} to ${it.engines[1]}`]: 1 });
  addAll(tally.policies, { [it.policy]: 1 });
  tally.interleavings.push(play.interleaving());
}

/** Without the interleavings: the caller keeps the distinct ones. */
export function addTally(sum: Tally, more: Tally): void {
  for (const key of [
    'handovers',
    'attempts',
    'calls',
    'judged',
    'duplicates',
    'misses',
    'broken',
    'filled',
    'backfilled',
    'overlapsById',
  ] as const) {
    sum[key] += more[key];
  }
  for (const key of ['explained', 'faults', 'pairings', 'policies'] as const) addAll(sum[key], more[key]);
}

function addAll(sum: Record<string, number>, more: Record<string, number>): void {
  for (const [key, n] of Object.entries(more)) sum[key] = (sum[key] ?? 0) + n;
}
