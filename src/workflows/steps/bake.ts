import { ActivityFailure, condition, isCancellation, patched } from '@temporalio/workflow';
import type { Audit, Breach } from '../../activities/types.ts';
import { addAudit } from '../../schedules/audit.ts';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { reasonOf } from '../failures.ts';
import { patches } from '../patches.ts';
import { LISTED } from '../progress.ts';
import type { Run } from '../run.ts';
import { summary } from '../summary.ts';
import { BakeGate } from './bake-gate.ts';
import { gate as ledgerGate } from './gate.ts';

/**
 * The target owns the tenant and the source stands by. Looks regularly that never both sides are active, and measures what
 * its gate is about; a pause stops the clock, and with it both. A gate that failed turns back or holds, one that could not
 * tell holds: a person decides. `proceed` ends the bake, whatever the gate says by then. The last look is always taken,
 * also without a bake.
 */
export async function bake(run: Run, controls: Controls): Promise<void> {
  await controls.checkpoint();
  run.enter('baking');
  const { bakeMs, bakeCheckEveryMs, gates } = run.settings;
  const gate = gates && new BakeGate(run, controls, gates);
  const ended = controls.proceeded();
  let endsAt = Date.now() + bakeMs;
  let lookAt: number | null = null;
  while (!ended() && (Date.now() < endsAt || (await gate?.holdsAtTheEnd()))) {
    const heldAt = Date.now();
    await controls.checkpoint();
    const stoodMs = Date.now() - heldAt;
    endsAt += stoodMs;
    gate?.delay(stoodMs);
    if (Date.now() < endsAt) await gate?.measure();

    const ends = new Date(endsAt).toISOString();
    if (!gate?.holds) run.wait('bake', `the end of the bake at ${ends}: \`proceed\` ends it now`);
    lookAt ??= Date.now() + bakeCheckEveryMs;
    const until = gate?.holds ? lookAt : Math.min(endsAt, lookAt, gate?.nextAt ?? Infinity);
    const interrupted = await condition(() => ended() || run.progress.paused, Math.max(1, until - Date.now()), {
      summary: summary(run.progress.tenant, `bake until ${ends}`),
    });
    // The clock of the looks starts anew after a pause.
    if (interrupted) lookAt = null;
    else if ((!gate || Date.now() >= lookAt) && (Date.now() < endsAt || gate?.holds)) {
      await watch(run);
      lookAt = null;
    }
  }
  run.bakeEndedEarly = Date.now() < endsAt;
  gate?.conclude();
  run.wait(null, null);
  await controls.checkpoint();
  await closeLook(run, controls);
}

/** The look that is always taken before it completes, and what a person has to say about it. */
export async function closeLook(run: Run, controls: Controls): Promise<void> {
  await lastLook(run, controls);
  await ledgerGate(run, controls);
}

/**
 * A breach found by the last check and not repaired would be a caveat only a log shows. A check that could not be made
 * is neither good nor bad: it is made again when a person says so, and when it fails again a person may do without. A
 * source that is gone for good would hold its tenant for ever otherwise.
 */
async function lastLook(run: Run, controls: Controls): Promise<void> {
  let look = await watch(run);
  if (clean(look)) return;
  for (let tries = 0; ; tries++) {
    await controls.untilProceed('hold', heldBy(look, run.progress.from, tries > 0));
    look = await watch(run);
    if (look.unmeasured === null) break;
    if (tries > 0 && patched(patches.doneWithout))
      return run.accept(`no last check of both sides (${look.unmeasured})`);
  }
  if (look.open.length > 0) run.accept(look.open.join(', '));
}

interface Look {
  /** Breaches that could not be repaired, as words. */
  open: string[];
  /** Why the clusters could not be looked at, or null. */
  unmeasured: string | null;
}

function clean({ open, unmeasured }: Look): boolean {
  return open.length === 0 && unmeasured === null;
}

function heldBy({ open, unmeasured }: Look, from: string, again: boolean): string {
  const back = `\`rollback\` takes everything back to ${from}`;
  if (unmeasured === null) {
    return `the last check found ${open.join(', ')}: \`proceed\` checks again and accepts what is still there, ${back}`;
  }
  return again
    ? `the last check could not be made again (${unmeasured}): \`proceed\` tries once more, and completes without it ` +
        `if that fails too, which the result says; ${back}`
    : `the last check could not be made (${unmeasured}): \`proceed\` tries again, ${back}`;
}

/** Runs of the wrong side, and what it proved where a handover was completed, go into the ledger, which gates completion. */
async function watch(run: Run): Promise<Look> {
  let breaches: Breach[];
  let proven: Audit | undefined;
  try {
    ({ breaches, audit: proven } = await activities.watchOwnership(run.crossing));
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    const unmeasured = reasonOf(error);
    run.note(`a check of both sides could not be made: ${unmeasured}`);
    return { open: [], unmeasured };
  }
  if (proven) run.update({ audit: addAudit(run.progress.audit, proven) });
  if (breaches.length === 0) return { open: [], unmeasured: null };
  const { audit } = run.progress;
  const wrongSide = breaches.reduce((sum, breach) => sum + breach.wrongSideRuns, audit.wrongSide);
  run.update({
    audit: { ...audit, wrongSide },
    breaches: [...run.progress.breaches, ...breaches].slice(-LISTED),
  });
  for (const { schedule, kind, detail, repaired } of breaches.slice(0, 5)) {
    run.note(`schedule ${schedule} was ${kind}, ${repaired ? 'repaired' : 'not repaired'}: ${detail}`);
  }
  const open = breaches.filter(({ repaired }) => !repaired);
  return { open: open.map(({ schedule, kind }) => `schedule ${schedule} ${kind}`), unmeasured: null };
}
