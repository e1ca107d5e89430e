import type { Reason } from '../../activities/types.ts';
import { refusal } from '../../errors.ts';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { eachPage } from '../pages.ts';
import { count, LISTED, listReasons } from '../progress.ts';
import type { Run } from '../run.ts';

/** Paused standby copies on the target. A schedule that cannot be copied stops the migration while nothing has moved. */
export async function copy(run: Run, controls: Controls): Promise<void> {
  await controls.checkpoint();
  run.enter('copying');
  let copied = 0;
  let seen = 0;
  let failed = 0;
  const failures: Reason[] = [];
  await eachPage(controls, {
    crossing: run.crossing,
    pageSize: run.pageSize,
    treat: activities.copyPage,
    take: (result) => {
      seen += result.seen;
      copied += result.created + result.updated + result.unchanged;
      failed += result.failed.length;
      failures.push(...result.failed.slice(0, LISTED - failures.length));
      run.update({ failures: [...failures] });
      run.count({ copied, failed, total: Math.max(run.progress.schedules.total, seen) });
    },
  });
  run.count({ total: seen });
  if (failed === 0) return;
  throw refusal(
    'StepFailed',
    `${run.progress.tenant}: ${count(failed)} of ${seen} could not be copied to ${run.progress.to}. ` +
      `Nothing was handed over and the lock is free.\n${listReasons(failures, failed)}`,
  );
}
