import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import type { Run } from '../run.ts';
import { flip } from './flip.ts';
import { handOver, type Pass } from './hand-over.ts';

/**
 * Announces the change of the route, and hands over every schedule meanwhile, page by page. The caller has armed the way back: from the first call on it may be
 * needed.
 */
export async function cutOver(run: Run, controls: Controls): Promise<Pass> {
  await controls.checkpoint();
  run.enter('cutting-over');
  await flip(run, controls);
  return forwardPass(run, controls);
}

/**
 * Also used to catch what is left later. During a pass the counts only grow; at its end they are exact, because a whole
 * pass has looked at every schedule. (An attempt that died did work nobody counted.)
 */
export async function forwardPass(run: Run, controls: Controls): Promise<Pass> {
  const { handedOver: before, total } = run.progress.schedules;
  const pass = await handOver(run, controls, {
    crossing: run.crossing,
    treat: activities.cutOverPage,
    counted: ({ seen, moved, there, failed }) =>
      run.count({ handedOver: Math.max(before + moved, there), failed, total: Math.max(total, seen) }),
  });
  run.count({ total: pass.seen, handedOver: pass.there });
  return pass;
}

/** Only what failed in the pass before; the others stay where they are. */
export async function retryPass(run: Run, controls: Controls, only: string[]): Promise<Pass> {
  const { handedOver } = run.progress.schedules;
  return handOver(run, controls, {
    crossing: run.crossing,
    only,
    treat: activities.cutOverPage,
    counted: ({ there, failed }) => run.count({ handedOver: handedOver + there, failed }),
  });
}

export function canRetry(pass: Pass): pass is Pass & { failedIds: string[] } {
  return pass.failedIds !== undefined && pass.failedIds.length > 0;
}
