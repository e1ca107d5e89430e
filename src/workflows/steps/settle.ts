import { patched, sleep } from '@temporalio/workflow';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { formatDuration } from '../duration.ts';
import { count } from '../progress.ts';
import type { Run } from '../run.ts';
import { summary } from '../summary.ts';
import { patches } from '../patches.ts';
import { canRetry, forwardPass, retryPass } from './cut-over.ts';
import { lookAfterFlip, untilFlipped } from './flip.ts';
import type { Pass } from './hand-over.ts';

/** Further passes before a person is asked. */
const RETRIES = 3;
/** Passes that each handed over schedules created meanwhile: after so many somebody should look at who creates them. */
const ROUNDS_OF_NEW = 20;

/**
 * What users created or deleted meanwhile is caught, and what failed is tried again. Ends only when the target owns
 * every schedule and no start reaches the source any more: until then services create schedules there, too.
 */
export async function settle(run: Run, controls: Controls, first: Pass): Promise<void> {
  await controls.checkpoint();
  run.enter('settling');
  await untilFlipped(run);
  let pass = first;
  let roundsOfNew = 0;
  for (let retry = 0; ; retry++) {
    await controls.checkpoint();
    const { remaining, removed } = await activities.sweep(run.crossing);
    if (removed.length > 0) {
      run.note(`${count(removed.length)} deleted by users meanwhile, so the copies were removed: ${some(removed)}`);
    }
    const { failed } = run.progress.schedules;
    if (remaining === 0 && failed === 0) break;
    if (retry >= RETRIES) {
      await controls.untilProceed('hold', unsettled(run, remaining));
      retry = 0;
    } else if (roundsOfNew >= ROUNDS_OF_NEW && patched(patches.newOnesKeepComing)) {
      await controls.untilProceed('hold', keepComing(run, remaining));
      roundsOfNew = 0;
    } else if (failed > 0 || retry > 0) {
      await pauseBefore(run, retry, Math.max(failed, remaining));
    }
    // Nothing else is left: those that failed are tried again, and nobody else is looked at.
    if (canRetry(pass) && remaining <= pass.failedIds.length && patched(patches.retryOnlyFailed)) {
      pass = await retryPass(run, controls, pass.failedIds);
    } else pass = await forwardPass(run, controls);
    // New schedules keep coming and are handed over: that is progress, not a retry.
    if (pass.moved > 0 && pass.failed === 0) {
      retry = -1;
      roundsOfNew++;
    }
  }
  await lookAfterFlip(run);
}

async function pauseBefore(run: Run, retry: number, left: number): Promise<void> {
  const ms = 5000 * 2 ** retry;
  run.wait(null, `the next try in ${formatDuration(ms)}: ${count(left)} could not be handed over yet`);
  await sleep(ms, { summary: summary(run.progress.tenant, `wait before the next try of ${count(left)}`) });
  run.wait(null, null);
}

function unsettled({ progress: { from, failures, schedules } }: Run, remaining: number): string {
  const [first] = failures;
  const example = first ? ` (${first.object}: ${first.found}; ${first.remedy})` : '';
  const what = schedules.failed > 0 ? count(schedules.failed) : count(remaining);
  return (
    `${what} of ${schedules.total} could not be handed over${example}: ` +
    `\`proceed\` tries again, \`rollback\` takes everything back to ${from}`
  );
}

function keepComing({ progress: { from, to } }: Run, remaining: number): string {
  return (
    `${count(remaining)} created on ${from} since the last look, as in the ${ROUNDS_OF_NEW} looks before: ` +
    `let whoever creates them do so on ${to}, then \`proceed\` hands over what is left; ` +
    `\`rollback\` takes everything back to ${from}`
  );
}

function some(ids: readonly string[]): string {
  return ids.length <= 5 ? ids.join(', ') : `${ids.slice(0, 5).join(', ')} and ${ids.length - 5} more`;
}
