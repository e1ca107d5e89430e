import { refusal } from '../../errors.ts';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { count, listReasons } from '../progress.ts';
import type { Run } from '../run.ts';

/** Reads only. Gathers every reason against the crossing, and the plan; a dry run reports them instead of failing. */
export async function preflight(run: Run, controls: Controls): Promise<void> {
  await controls.checkpoint();
  run.enter('preflight');
  const report = await activities.preflight({ ...run.crossing, resuming: run.resuming, workflows: run.onDemand });
  run.surveyed(report);
  if (report.blockers.length === 0 || run.settings.dryRun) return;
  const { tenant, from, to } = run.progress;
  throw refusal(
    'PreflightFailed',
    `${tenant} cannot move from ${from} to ${to} yet, for ${count(report.blockers.length, 'reason')}. ` +
      `Nothing was changed.\n${listReasons(report.blockers)}`,
  );
}
