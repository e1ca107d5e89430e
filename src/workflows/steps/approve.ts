import type { Controls } from '../controls.ts';
import { count } from '../progress.ts';
import type { Run } from '../run.ts';

/** Copies are ready and nothing has moved: the last moment to look before the cut-over. */
export async function approve(run: Run, controls: Controls): Promise<void> {
  if (run.settings.approval === 'auto') return;
  await controls.checkpoint();
  run.enter('awaiting-approval');
  const { from, to, schedules, workflows } = run.progress;
  const what = workflows === null ? count(schedules.total) : `${count(schedules.total)} and the start of workflows`;
  await controls.untilProceed(
    'approval',
    `\`proceed\`, to hand over ${what} from ${from} to ${to}; or \`rollback\`, to leave them`,
  );
}
