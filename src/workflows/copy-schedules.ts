/**
 * Copies a tenant's schedules from one cluster to the other, as a migration does before its cut-over: the copies are
 * paused, and those that are there are brought in line. Nothing is handed over, and the source is only read.
 */
import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import * as activities from './activities.ts';
import {
  addRefusals,
  type Carried,
  given,
  NO_REFUSALS,
  type Refusals,
  runStep,
  type StepReport,
} from './single-step.ts';
import { copyDetails } from './step-details.ts';
import { type CrossingStepInput, readCrossingStep } from './step-input.ts';

export interface CopyReport extends StepReport, Refusals {
  from: string;
  to: string;
  /** Copies. */
  created: number;
  updated: number;
  unchanged: number;
  /** Of the unchanged: not `from`'s to copy, since it has a paused copy itself or is in a hand-over. */
  elsewhere: number;
}

export async function CopySchedules(
  ...args: [input: CrossingStepInput, carried?: Carried<CopyReport>]
): Promise<CopyReport> {
  const { own, carried } = given(args);
  const { pageSize, ...crossing } = readCrossingStep('CopySchedules', own);
  const { tenant, from, to } = crossing;
  const migration = workflowInfo().workflowId;
  return await runStep(
    {
      doing: 'copying',
      tenant,
      profiles: [from, to],
      lock: { ...crossing, step: 'CopySchedules' },
      none: { from, to, created: 0, updated: 0, unchanged: 0, elsewhere: 0, ...NO_REFUSALS },
      page: (at, page) => activities.copyPage({ ...crossing, migration, pageSize, ...at }, page),
      add: (report: CopyReport, page) => ({
        ...report,
        created: report.created + page.created,
        updated: report.updated + page.updated,
        unchanged: report.unchanged + page.unchanged,
        elsewhere: report.elsewhere + (page.elsewhere ?? 0),
        ...addRefusals(report, page.failed),
      }),
      details: copyDetails,
    },
    carried,
    (next) => continueAsNew<typeof CopySchedules>(args[0], next),
  );
}
