/** What an audit answers. Plain JSON, the same from the workflow and from the command line. */
import { type Summary, type Tally, summarize } from './tally.ts';
import { iso } from './verdict.ts';

export interface AuditReport extends Summary {
  tenant: string;
  /** Profiles, one or two. */
  audited: string[];
  /** First and last nominal time that was judged, inclusive. */
  range: { from: string; to: string };
  lateAfterMs: number;
  startedAt: string;
  finishedAt: string;
}

export interface Audited {
  tenant: string;
  clusters: string[];
  fromMs: number;
  /** Exclusive. */
  untilMs: number;
  lateAfterMs: number;
  /** When it began, and the moment everything was judged at, ms. */
  nowMs: number;
}

export function reportOf(of: Audited, tally: Tally, finishedMs: number): AuditReport {
  const { tenant, clusters, fromMs, untilMs, lateAfterMs, nowMs } = of;
  return {
    tenant,
    audited: clusters,
    range: { from: iso(fromMs), to: iso(untilMs - 1000) },
    lateAfterMs,
    ...summarize(tally),
    startedAt: new Date(nowMs).toISOString(),
    finishedAt: new Date(finishedMs).toISOString(),
  };
}
