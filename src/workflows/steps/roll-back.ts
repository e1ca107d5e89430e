import { condition, patched, sleep, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { formatDuration } from '../duration.ts';
import { reasonOf } from '../failures.ts';
import { patches } from '../patches.ts';
import { count } from '../progress.ts';
import type { Run } from '../run.ts';
import { summary } from '../summary.ts';
import { CONFIRM_MS, flipBack, look, recordDrained, tellStrays, untilFlipped } from './flip.ts';
import { handOver } from './hand-over.ts';

/** Waits between tries: doubling up to a minute for the first hour or so, then a quarter of an hour. */
const PATIENT_AFTER = 60;
/** The server ends a workflow at 51,200 events. An undo that came this far waits for a person instead. */
const HISTORY_LIMIT = 40_000;
/** Longer than a write can be under way after the deadline of its request. */
const LANDED_MS = 30_000;

/**
 * The same hand-over with the sides swapped, until nothing is left on the target. Runs non-cancellably and never gives
 * up: a tenant on two clusters is worse than a tenant that waits.
 */
export async function rollBack(run: Run, controls: Controls): Promise<void> {
  run.forgetForward();
  run.enter('rolling-back');
  const looksAgain = patched(patches.secondLook);
  let looked = !looksAgain;
  for (let tries = 0; ; tries++) {
    const left = await takeBack(run, controls);
    if (left === null && looked) break;
    if (left !== null) await untilNextTry(run, controls, tries, left);
    else await untilAllHasLanded(run);
    looked ||= left === null;
  }
  await untilFlipped(run);
  await tellWhatStays(run);
  const { tenant, from, to, rollbackReason } = run.progress;
  const event = `rolled back from ${to} to ${from}: ${rollbackReason ?? 'no reason given'}`;
  try {
    await activities.recordOwner({ tenant, migration: run.crossing.migration, owner: from, event });
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    // The clusters are right; the record belongs to whoever holds it now.
    run.note(`the owner could not be recorded: ${reasonOf(error)}`);
  }
  run.update({ owner: from });
  run.count({ handedOver: 0 });
}

/**
 * A write that an attempt before the rollback has sent may be under way still, for as long as a request may take: one that
 * lands on a schedule found untouched is seen by a second look, and by nothing else.
 */
async function untilAllHasLanded(run: Run): Promise<void> {
  await sleep(LANDED_MS, { summary: summary(run.progress.tenant, 'wait until nothing is under way any more') });
}

/**
 * Workflows that were started on the target meanwhile are nobody's to take back. It does not wait for them: the way back
 * is done. Where there are none, the target needs not be asked by those who start workflows.
 */
async function tellWhatStays(run: Run): Promise<void> {
  if (run.onDemand === null) return;
  const { tenant, to } = run.progress;
  let { unmeasured } = await look(run);
  if (isEmpty(run, unmeasured)) {
    await sleep(CONFIRM_MS, { summary: summary(tenant, `wait before a second look at ${to}, which was found empty`) });
    ({ unmeasured } = await look(run));
    if (isEmpty(run, unmeasured)) await recordDrained(run, to);
  }
  const { open = 0, drained } = run.progress.workflows ?? {};
  if (unmeasured === null) tellStrays(run);
  if (drained) return;
  const found =
    unmeasured === null
      ? `${count(open, 'workflow')} ${open === 1 ? `stays open on ${to} and ends` : `stay open on ${to} and end`} there`
      : `what is open on ${to} is not known`;
  run.note(
    `${found}: the route goes on naming it, so starts ask there first; ` +
      `when it is empty, \`ferry route ${tenant} --drained ${to}\` spares them that`,
  );
}

function isEmpty({ progress: { workflows } }: Run, unmeasured: string | null): boolean {
  return unmeasured === null && workflows?.open === 0;
}

/** One pass and one sweep. What is still to do, as words, or null. */
async function takeBack(run: Run, controls: Controls): Promise<string | null> {
  const { handedOver: before } = run.progress.schedules;
  try {
    // First, so that its T passes meanwhile.
    await flipBack(run);
    const pass = await handOver(run, controls, {
      crossing: run.back,
      treat: activities.takeBackPage,
      counted: ({ moved, failed }) => run.count({ handedOver: Math.max(0, before - moved), failed }),
    });
    const { remaining } = await activities.sweepBack(run.back);
    if (remaining === 0 && pass.failed === 0) return null;
    // As the sweep sees it: pages whose answer was lost have moved schedules nobody counted.
    run.count({ handedOver: Math.max(remaining, pass.failed) });
    const [first] = run.progress.failures;
    const example = first && pass.failed > 0 ? ` (${first.object}: ${first.found}; ${first.remedy})` : '';
    return `${count(Math.max(remaining, pass.failed))} still on ${run.progress.to}${example}`;
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    return `the way back failed (${reasonOf(error)})`;
  }
}

async function untilNextTry(run: Run, controls: Controls, tries: number, left: string): Promise<void> {
  const proceeded = controls.proceeded();
  if (workflowInfo().historyLength > HISTORY_LIMIT) {
    run.wait('undo', `${left}: it has tried for very long; \`proceed\` tries again`);
    await condition(proceeded);
  } else {
    const ms = tries < PATIENT_AFTER ? Math.min(60_000, 1000 * 2 ** tries) : 900_000;
    run.wait('undo', `${left}: tried again in ${formatDuration(ms)}, or now with \`proceed\``);
    await condition(proceeded, ms, { summary: summary(run.progress.tenant, 'wait before taking back what is left') });
  }
  run.wait(null, null);
}
