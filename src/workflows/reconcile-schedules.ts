/**
 * Brings the paused copies of a tenant's schedules in line with their owners, whichever cluster that is: makes what is
 * missing, updates what differs, removes what has outlived its schedule. Owners are only read; a copy that somebody has
 * edited where it rests is reported and left. Takes no lock, and may run beside a migration: what changes hands is left to
 * it. Pages of schedules, one activity each; it continues as new, so its history stays short.
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
import type { Reason, ReconcilePageInput, ReconcilePageResult } from '../activities/types.ts';
import * as activities from './activities.ts';
import { reconcileFailureOf } from './failures.ts';
import { reconcileDetails } from './reconcile-details.ts';
import { type ReconcileSchedulesInput, readReconcileInput } from './reconcile-input.ts';
import { now } from './run.ts';

export interface ReconcileReport {
  tenant: string;
  clusters: [string, string];
  seen: number;
  created: number;
  updated: number;
  removed: number;
  unchanged: number;
  /** Left to the hand-over they are in. */
  moving: number;
  /** How many copies were left as they are, for a person. */
  refused: number;
  /** The first of those. */
  reasons: Reason[];
  pages: number;
  startedAt: string;
  updatedAt: string;
  done: boolean;
}

export const reconcileProgressQuery = defineQuery<ReconcileReport, [argument?: unknown]>('progress');

/** Carried through continue-as-new, never given by people. */
interface Carried {
  report: ReconcileReport;
  refused: string[];
  cursor: string;
}

/** Well below what the server suggests by. */
const HISTORY_LIMIT = 1000;
const REASONS = 20;
/** As many as the record keeps. */
const REFUSED = 100;

export async function ReconcileSchedules(
  ...args: [input: ReconcileSchedulesInput, carried?: Carried]
): Promise<ReconcileReport> {
  const { continuedFromExecutionRunId, workflowId } = workflowInfo();
  const carried = continuedFromExecutionRunId === undefined ? undefined : args[1];
  const { tenant, clusters, selection, pageSize } = readReconcileInput(carried ? [args[0]] : args);
  let report = carried?.report ?? empty(tenant, clusters);
  const refused = carried?.refused ?? [];
  let cursor = carried?.cursor;
  setHandler(reconcileProgressQuery, () => report, {
    description: 'What was made, updated, removed and refused so far, and whether it is done. No input.',
  });
  setCurrentDetails(reconcileDetails(report));
  const common = { tenant, reconciliation: workflowId, clusters, selection, pageSize };
  for (;;) {
    const input = { ...common, ...(cursor === undefined ? {} : { cursor }) };
    const page = await reconcilePage(input, report.pages + 1);
    report = added(report, page);
    refused.push(
      ...page.refused.map(({ object }) => object.replace(/^schedule /, '')).slice(0, REFUSED - refused.length),
    );
    cursor = page.next;
    setCurrentDetails(reconcileDetails(report));
    if (cursor === undefined) break;
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > HISTORY_LIMIT) {
      await continueAsNew<typeof ReconcileSchedules>(args[0], { report, refused, cursor });
    }
  }
  // What is between two owners now may have been left behind: it stays recorded.
  if (report.moving === 0) await recorded({ tenant, before: report.startedAt, refused });
  report = { ...report, done: true, updatedAt: now() };
  setCurrentDetails(reconcileDetails(report));
  return report;
}

async function reconcilePage(input: ReconcilePageInput, page: number): Promise<ReconcilePageResult> {
  try {
    return await activities.reconcilePage(input, page);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    throw reconcileFailureOf(error, input.tenant);
  }
}

async function recorded(input: Parameters<typeof activities.recordReconciled>[0]): Promise<void> {
  try {
    await activities.recordReconciled(input);
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    throw reconcileFailureOf(error, input.tenant);
  }
}

function empty(tenant: string, clusters: [string, string]): ReconcileReport {
  const at = now();
  const none = { seen: 0, created: 0, updated: 0, removed: 0, unchanged: 0, moving: 0, refused: 0 };
  return { tenant, clusters, ...none, reasons: [], pages: 0, startedAt: at, updatedAt: at, done: false };
}

function added(report: ReconcileReport, page: ReconcilePageResult): ReconcileReport {
  return {
    ...report,
    seen: report.seen + page.seen,
    created: report.created + page.created,
    updated: report.updated + page.updated,
    removed: report.removed + page.removed,
    unchanged: report.unchanged + page.unchanged,
    moving: report.moving + page.moving,
    refused: report.refused + page.refused.length,
    reasons: [...report.reasons, ...page.refused].slice(0, REASONS),
    pages: report.pages + 1,
    updatedAt: now(),
  };
}
