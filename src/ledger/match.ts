/** Which runs are the ones of a due time, and which were started by hand. Pure. */
import type { Due } from '../schedules/verdicts.ts';
import type { LedgerRun } from './ports.ts';

/** A run of the interval, and when its nominal time would be due on the cluster that ran it. */
export interface Candidate {
  run: LedgerRun;
  dueMs: number;
}

export type Matched = { matched: Candidate[]; manual: LedgerRun[] } | 'ask';

/** A scheduler starts nothing early; this much its clock may differ from the one that stamps the run. */
const EARLY_MS = 1000;

/**
 * `candidates`: all runs with a nominal time in (afterMs, dueMs]. The spec has exactly one nominal time there. Without
 * jitter it is the due time. With jitter it is the one of the runs, if they agree and none began too early to be the
 * scheduler's; else `ask`: the server has to be asked for the nominal time, to be given as `nominalMs`.
 */
export function match(due: Due, jitterMs: number, candidates: Candidate[], nominalMs?: number): Matched {
  if (candidates.length === 0) return { matched: [], manual: [] };
  const nominal = nominalMs ?? (jitterMs === 0 ? due.dueMs : undefined);
  if (nominal !== undefined) {
    return {
      matched: candidates.filter(({ run }) => run.nominalMs === nominal),
      manual: candidates.filter(({ run }) => run.nominalMs !== nominal).map(({ run }) => run),
    };
  }
  const agree = candidates.every(({ run }) => run.nominalMs === candidates[0]?.run.nominalMs);
  const inTime = candidates.every(({ run, dueMs }) => run.startMs >= dueMs - EARLY_MS);
  return agree && inTime ? { matched: candidates, manual: [] } : 'ask';
}
