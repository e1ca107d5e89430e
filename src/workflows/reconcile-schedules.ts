/**
 * Brings the paused copies of a tenant's schedules in line with their owners, whichever cluster that is: makes what is
 * missing, updates what differs, removes what has outlived its schedule. Owners are only read; a copy that somebody has
 * edited where it rests is reported and left. Takes no lock, and may run beside a migration: what changes hands is left to
 * it. Pages of schedules, one activity each; it continues as new, so its history stays short.
 */
import {
  continueAsNew,
  defineQuery,
  setCurrentDetails,
  setHandler,
  type TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { Reason, ReconcilePageResult } from '../activities/types.ts';
import * as activities from './activities.ts';
import { stepFailureOf } from './failures.ts';
import { inWords, walkPages } from './page-walk.ts';
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
  setHandler(reconcileProgressQuery, () => report, {
    description: 'What was made, updated, removed and refused so far, and whether it is done. No input.',
  });
  setCurrentDetails(reconcileDetails(report));
  const failure = (error: TemporalFailure) => stepFailureOf(error, tenant, 'reconciling');
  const common = { tenant, reconciliation: workflowId, clusters, selection, pageSize };
  const cursor = await walkPages(carried?.cursor, {
    page: (at) =>
      activities.reconcilePage({ ...common, ...(at === undefined ? {} : { cursor: at }) }, report.pages + 1),
    take: (page) => {
      report = added(report, page);
      refused.push(
        ...page.refused.map(({ object }) => object.replace(/^schedule /, '')).slice(0, REFUSED - refused.length),
      );
      setCurrentDetails(reconcileDetails(report));
    },
    failure,
  });
  if (cursor !== undefined) await continueAsNew<typeof ReconcileSchedules>(args[0], { report, refused, cursor });
  // What is between two owners now may have been left behind: it stays recorded.
  if (report.moving === 0) {
    await inWords(() => activities.recordReconciled({ tenant, before: report.startedAt, refused }), failure);
  }
  report = { ...report, done: true, updatedAt: now() };
  setCurrentDetails(reconcileDetails(report));
  return report;
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
