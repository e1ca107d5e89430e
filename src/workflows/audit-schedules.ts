/**
 * What a tenant's schedules did over a time range, on one cluster or two: one verdict a nominal time, from the clusters
 * themselves. Reads only, takes no lock, and may run at any time. Pages of schedules, one activity each; ids and counts
 * only in payloads; from time to time it continues as new, so its history stays short however large the tenant is.
 */
import { continueAsNew, defineQuery, setCurrentDetails, setHandler, workflowInfo } from '@temporalio/workflow';
import type { Tally } from '../ledger/tally.ts';
import { addTally, emptyTally } from '../ledger/tally.ts';
import { type AuditReport, reportOf } from '../ledger/report.ts';
import * as activities from './activities.ts';
import { auditFailureOf } from './failures.ts';
import { auditDetails } from './audit-details.ts';
import { walkPages } from './page-walk.ts';
import { type AuditSchedulesInput, type AuditSettings, rangeOf, readAuditInput } from './audit-input.ts';

export interface AuditProgress extends AuditReport {
  /** Pages of schedules done. */
  pages: number;
  done: boolean;
}

export const auditProgressQuery = defineQuery<AuditProgress, [argument?: unknown]>('progress');

/** Carried through continue-as-new, never given by people. */
interface Carried {
  tally: Tally;
  cursor?: string;
  pages: number;
  /** The moment everything is judged at. */
  nowMs: number;
}

export async function AuditSchedules(...args: [input: AuditSchedulesInput, carried?: Carried]): Promise<AuditReport> {
  const { continuedFromExecutionRunId } = workflowInfo();
  const carried = continuedFromExecutionRunId === undefined ? undefined : args[1];
  const settings = readAuditInput(carried ? [args[0]] : args);
  const { tally, nowMs } = carried ?? { tally: emptyTally(), nowMs: Date.now() };
  let pages = carried?.pages ?? 0;
  const audited = auditedBy(settings, nowMs);

  let done = false;
  const progress = (): AuditProgress => ({ ...reportOf(audited, tally, Date.now()), pages, done });
  setHandler(auditProgressQuery, progress, {
    description: 'Verdicts, findings and lateness so far, and whether it is done. No input.',
  });
  setCurrentDetails(auditDetails(progress()));

  const { selection, pageSize } = settings;
  const cursor = await walkPages(carried?.cursor, {
    page: (at) =>
      activities.auditPage({ ...audited, selection, pageSize, ...(at === undefined ? {} : { cursor: at }) }, pages + 1),
    take: (page) => {
      addTally(tally, page.tally);
      pages++;
      done = page.next === undefined;
      setCurrentDetails(auditDetails(progress()));
    },
    failure: (error) => auditFailureOf(error, settings.tenant),
  });
  if (cursor !== undefined) await continueAsNew<typeof AuditSchedules>(args[0], { tally, cursor, pages, nowMs });
  return reportOf(audited, tally, Date.now());
}

function auditedBy(settings: AuditSettings, nowMs: number) {
  const { tenant, clusters, lateAfterMs } = settings;
  return { tenant, clusters, lateAfterMs, nowMs, ...rangeOf(settings, nowMs) };
}
