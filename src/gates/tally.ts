/** What the measurements of one check add up to. Pure; a check that has come to its verdict is not measured any more. */
import type { Taken } from './measurement.ts';

/** How much of what a check bears. */
export interface Limits {
  /** Judged measurements after which it is over; null: until the gate is. */
  count: number | null;
  failureLimit: number;
  inconclusiveLimit: number;
  /** In a row. */
  errorLimit: number;
}

export interface Tally {
  successful: number;
  failed: number;
  inconclusive: number;
  /** All of them; only those in a row decide. */
  errors: number;
  errorsInARow: number;
  last: Omit<Taken, 'phase'> | null;
}

export type Verdict = 'running' | 'successful' | 'failed' | 'inconclusive' | 'error';

export interface Said {
  verdict: Verdict;
  /** With the arithmetic: `failed 3 > limit 2 (last: 0.09 > 0.05)`. */
  message: string;
}

export function emptyTally(): Tally {
  return { successful: 0, failed: 0, inconclusive: 0, errors: 0, errorsInARow: 0, last: null };
}

export function addTaken(tally: Tally, { phase, ...last }: Taken): Tally {
  if (phase === 'error') {
    return { ...tally, errors: tally.errors + 1, errorsInARow: tally.errorsInARow + 1, last };
  }
  const next = { ...tally, errorsInARow: 0, last };
  return phase === 'waiting' ? next : { ...next, [phase]: tally[phase] + 1 };
}

/** Measurements that said something. Errors say nothing about what was to be measured. */
export function judged({ successful, failed, inconclusive }: Tally): number {
  return successful + failed + inconclusive;
}

/** While its gate goes on. */
export function verdictOf(tally: Tally, limits: Limits): Said {
  const { failed, inconclusive, errorsInARow, last } = tally;
  const { count, failureLimit, inconclusiveLimit, errorLimit } = limits;
  const beyond = (verdict: Verdict, what: string, n: number, limit: number): Said => ({
    verdict,
    message: `${what} ${n} > limit ${limit}${lastly(tally)}`,
  });
  if (failed > failureLimit) return beyond('failed', 'failed', failed, failureLimit);
  if (inconclusive > inconclusiveLimit) return beyond('inconclusive', 'inconclusive', inconclusive, inconclusiveLimit);
  if (errorsInARow > errorLimit) return beyond('error', 'errors in a row', errorsInARow, errorLimit);
  const done = judged(tally);
  if (count !== null && done >= count) return over(tally, `count ${count} reached`);
  if (last === null) return { verdict: 'running', message: 'not measured yet' };
  const of = count === null ? '' : ` of ${count}`;
  return { verdict: 'running', message: `measured ${done}${of}${lastly(tally)}` };
}

/** When its gate is over, however far it came. */
export function finalVerdictOf(tally: Tally, limits: Limits): Said {
  const said = verdictOf(tally, limits);
  return said.verdict === 'running' ? over(tally, 'the time is over') : said;
}

/** Under all its limits; one measurement must have been good, or there is nothing to go by. */
function over(tally: Tally, why: string): Said {
  const { successful, failed, inconclusive, errors, last } = tally;
  if (successful > 0)
    return { verdict: 'successful', message: `good ${successful} of ${judged(tally)}, ${why}${lastly(tally)}` };
  const verdict = 'inconclusive';
  if (last === null) return { verdict, message: `never measured, and ${why}` };
  const counts = `${failed} failed, ${inconclusive} inconclusive, ${errors} errors`;
  return { verdict, message: `none was good (${counts}), and ${why}${lastly(tally)}` };
}

function lastly({ last }: Tally): string {
  return last === null ? '' : ` (last: ${last.message})`;
}
