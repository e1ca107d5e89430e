/**
 * Compares a tenant's schedules on one cluster with those of the other, field by field. Reads only, repairs nothing, takes
 * no lock, and may run at any time.
 */
import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { Difference } from '../activities/types.ts';
import * as activities from './activities.ts';
import { type Carried, given, listed, runStep, type StepReport } from './single-step.ts';
import { verifyDetails } from './step-details.ts';
import { type CrossingStepInput, readCrossingStep } from './step-input.ts';

export interface VerifyReport extends StepReport {
  from: string;
  to: string;
  counts: { matching: number; different: number; missing: number; extra: number };
  /** The first 50, with the paths of the fields that differ; never values, which may be secret. */
  different: Difference[];
  /** On `from` and not on `to`: the first 50. */
  missing: string[];
  /** On `to`, matching the selection, and not on `from`: no more than 50 are looked for. */
  extra: string[];
}

export async function VerifySchedules(
  ...args: [input: CrossingStepInput, carried?: Carried<VerifyReport>]
): Promise<VerifyReport> {
  const { own, carried } = given(args);
  const { pageSize, ...crossing } = readCrossingStep('VerifySchedules', own);
  const { tenant, from, to } = crossing;
  const migration = workflowInfo().workflowId;
  const counts = { matching: 0, different: 0, missing: 0, extra: 0 };
  return await runStep(
    {
      doing: 'comparing',
      tenant,
      profiles: [from, to],
      lock: null,
      none: { from, to, counts, different: [], missing: [], extra: [] },
      page: (at, page) => activities.verifyPage({ ...crossing, migration, pageSize, ...at }, page),
      add: (report: VerifyReport, page) => ({
        ...report,
        counts: {
          matching: report.counts.matching + page.matching,
          different: report.counts.different + page.different.length,
          missing: report.counts.missing + page.missing.length,
          extra: report.counts.extra + page.extra.length,
        },
        different: listed(report.different, page.different),
        missing: listed(report.missing, page.missing),
        extra: listed(report.extra, page.extra),
      }),
      details: verifyDetails,
    },
    carried,
    (next) => continueAsNew<typeof VerifySchedules>(args[0], next),
  );
}
