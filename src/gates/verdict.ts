/** What the checks of a gate say together. Pure. */
import { clip } from './measurement.ts';
import { finalVerdictOf, type Limits, type Said, type Tally, type Verdict, verdictOf } from './tally.ts';

export interface Checked {
  name: string;
  limits: Limits;
  /** Reported only. */
  dryRun: boolean;
  tally: Tally;
}

export interface CheckStatus extends Omit<Tally, 'errorsInARow'>, Said {
  name: string;
  dryRun: boolean;
}

export interface GateStatus extends Said {
  checks: CheckStatus[];
}

/** Before: what a gate turns on. The first of these that any check says is the gate's. */
const DECISIVE: readonly Verdict[] = ['failed', 'error', 'inconclusive'];

/** `over`: its time has passed, so every check has to have an answer. */
export function gateStatus(checks: readonly Checked[], over: boolean): GateStatus {
  const statuses = checks.map(({ name, dryRun, limits, tally }): CheckStatus => {
    const { errorsInARow: _, ...counts } = tally;
    return { name, dryRun, ...counts, ...(over ? finalVerdictOf : verdictOf)(tally, limits) };
  });
  const gating = statuses.filter(({ dryRun }) => !dryRun);
  for (const verdict of DECISIVE) {
    const found = gating.filter((check) => check.verdict === verdict);
    if (found.length > 0) return { verdict, message: listed(found), checks: statuses };
  }
  const running = gating.filter((check) => check.verdict === 'running').length;
  if (running > 0)
    return { verdict: 'running', message: `${running} of ${gating.length} checks go on`, checks: statuses };
  const message = gating.length === 0 ? 'every check is a dry run' : `good: all of ${gating.length}`;
  return { verdict: 'successful', message, checks: statuses };
}

/** Of the checks behind a verdict, each with its arithmetic. */
function listed(checks: readonly CheckStatus[]): string {
  return clip(checks.map(({ name, verdict, message }) => `${name}: ${wordy(verdict, message)}`).join('; '), 600);
}

function wordy(verdict: Verdict, message: string): string {
  return verdict === 'error' ? `could not be measured, ${message}` : message;
}
