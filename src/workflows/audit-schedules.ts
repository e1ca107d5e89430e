/**
 * What a tenant's schedules did over a time range, on one cluster or two: one verdict a nominal time, from the clusters
 * themselves. Reads only, takes no lock, and may run at any time. Pages of schedules, one activity each; ids and counts
 * only in payloads; from time to time it continues as new, so its history stays short however large the tenant is.
 */
import {
  continueAsNew,
  defineQuery,
  isCancellation,
  setCurrentDetails,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { AuditPageInput, AuditPageResult } from '../activities/types.ts';
import type { Tally } from '../ledger/tally.ts';
import { addTally, emptyTally } from '../ledger/tally.ts';
import { type AuditReport, reportOf } from '../ledger/report.ts';
import * as activities from './activities.ts';
import { auditFailureOf } from './failures.ts';
import { auditDetails } from './audit-details.ts';
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

/** Well below what the server suggests by. */
const HISTORY_LIMIT = 1000;

export async function AuditSchedules(...args: [input: AuditSchedulesInput, carried?: Carried]): Promise<AuditReport> {
  const { continuedFromExecutionRunId } = workflowInfo();
  const carried = continuedFromExecutionRunId === undefined ? undefined : args[1];
  const settings = readAuditInput(carried ? [args[0]] : args);
  const { tally, nowMs } = carried ?? { tally: emptyTally(), nowMs: Date.now() };
  let { cursor, pages } = carried ?? { cursor: undefined, pages: 0 };
  const audited = auditedBy(settings, nowMs);

  let done = false;
  const progress = (): AuditProgress => ({ ...reportOf(audited, tally, Date.now()), pages, done });
  setHandler(auditProgressQuery, progress, {
    description: 'Verdicts, findings and lateness so far, and whether it is done. No input.',
  });
  setCurrentDetails(auditDetails(progress()));

  for (;;) {
    const { selection, pageSize } = settings;
    const input = { ...audited, selection, pageSize, ...(cursor === undefined ? {} : { cursor }) };
    const page = await auditPage(input, pages + 1);
    addTally(tally, page.tally);
    cursor = page.next;
    pages++;
    done = cursor === undefined;
    setCurrentDetails(auditDetails(progress()));
    if (done) return reportOf(audited, tally, Date.now());
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > HISTORY_LIMIT) {
      await continueAsNew<typeof AuditSchedules>(args[0], { tally, cursor, pages, nowMs });
    }
  }
}

async function auditPage(input: AuditPageInput, page: number): Promise<AuditPageResult> {
  try {
    return await activities.auditPage(input, page);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    throw auditFailureOf(error, input.tenant);
  }
}

function auditedBy(settings: AuditSettings, nowMs: number) {
  const { tenant, clusters, lateAfterMs } = settings;
  return { tenant, clusters, lateAfterMs, nowMs, ...rangeOf(settings, nowMs) };
}
