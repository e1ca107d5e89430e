import { condition } from '@temporalio/workflow';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { LISTED } from '../progress.ts';
import type { Run } from '../run.ts';
import { summary } from '../summary.ts';
import { gate } from './gate.ts';

/**
 * The target owns the tenant and the source stands by. Looks regularly that never both sides are active; a pause stops
 * the clock, and with it the checks; `proceed` ends it early. The last look is always taken, also without a bake.
 */
export async function bake(run: Run, controls: Controls): Promise<void> {
  await controls.checkpoint();
  run.enter('baking');
  const ended = controls.proceeded();
  let endsAt = Date.now() + run.settings.bakeMs;
  while (Date.now() < endsAt && !ended()) {
    const heldAt = Date.now();
    await controls.checkpoint();
    endsAt += Date.now() - heldAt;

    const ends = new Date(endsAt).toISOString();
    run.wait('bake', `the end of the bake at ${ends}: \`proceed\` ends it now`);
    const slice = Math.min(endsAt - Date.now(), run.settings.bakeCheckEveryMs);
    const interrupted = await condition(() => ended() || run.progress.paused, slice, {
      summary: summary(run.progress.tenant, `bake until ${ends}`),
    });
    if (!interrupted && Date.now() < endsAt) await watch(run);
  }
  run.bakeEndedEarly = Date.now() < endsAt;
  run.wait(null, null);
  await controls.checkpoint();
  await lastLook(run, controls);
  await gate(run, controls);
}

/** A breach found by the last check and not repaired would be a caveat only a log shows. */
async function lastLook(run: Run, controls: Controls): Promise<void> {
  const open = await watch(run);
  if (open.length === 0) return;
  await controls.untilProceed(
    'hold',
    `the last check found ${open.join(', ')}: \`proceed\` checks again and accepts what is still there, ` +
      `\`rollback\` takes everything back to ${run.progress.from}`,
  );
  const still = await watch(run);
  if (still.length > 0) run.accept(still.join(', '));
}

/** The breaches it could not repair, as words. Runs of the wrong side go into the ledger, which gates completion. */
async function watch(run: Run): Promise<string[]> {
  const { breaches } = await activities.watchOwnership(run.crossing);
  if (breaches.length === 0) return [];
  const { audit } = run.progress;
  const wrongSide = breaches.reduce((sum, breach) => sum + breach.wrongSideRuns, audit.wrongSide);
  run.update({
    audit: { ...audit, wrongSide },
    breaches: [...run.progress.breaches, ...breaches].slice(-LISTED),
  });
  for (const { schedule, kind, detail, repaired } of breaches.slice(0, 5)) {
    run.note(`schedule ${schedule} was ${kind}, ${repaired ? 'repaired' : 'not repaired'}: ${detail}`);
  }
  return breaches.filter(({ repaired }) => !repaired).map(({ schedule, kind }) => `schedule ${schedule} ${kind}`);
}
