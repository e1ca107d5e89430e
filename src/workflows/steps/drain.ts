import { condition } from '@temporalio/workflow';
import type { Controls } from '../controls.ts';
import { formatDuration } from '../duration.ts';
import { count, newOnDemand } from '../progress.ts';
import type { Run } from '../run.ts';
import { type Strays, straysOf } from '../strays.ts';
import { summary } from '../summary.ts';
import { closeLook } from './bake.ts';
import { CONFIRM_MS, look, recordDrained } from './flip.ts';

const SOONEST_MS = 2_000;
const LATEST_MS = 6 * 3_600_000;
/** A drain may last for months and a look costs eleven events: looks become rarer, down to four a day. */
const LOOKS_A_PERIOD = 30;

/**
 * The source's workflows on demand run on until they end: none is cancelled or moved. Ends when none is open, when
 * `drainLimit` has passed, or when a person says so; what was started there after the change of the route needs a person.
 */
export async function drain(run: Run, controls: Controls): Promise<void> {
  if (run.onDemand === null) return;
  await controls.checkpoint();
  run.enter('draining');
  let looks = 0;
  let accepted = 0;
  let acceptedUnseen = false;
  /** Open ones were let go: by the limit, or by a person. */
  let letGo = false;
  for (;;) {
    if (!letGo) {
      const drained = await untilEmpty(run, controls);
      run.wait(null, null);
      looks += drained.looks;
      letGo = !drained.empty;
    }
    const strays = straysOf(run.progress.workflows ?? newOnDemand());
    const unseen: boolean = strays.unexamined > 0 && !acceptedUnseen;
    if (strays.found <= accepted && !unseen) break;
    await controls.untilProceed('hold', heldBy(run, strays));
    run.accept(strays.what);
    accepted = strays.found;
    acceptedUnseen ||= unseen;
    await look(run);
  }
  if (!letGo) await recordDrained(run, run.progress.from);
  // Nobody has watched the schedules meanwhile.
  if (looks > 2) await closeLook(run, controls);
}

/** Waits for the source to be empty, to the limit, or for a person. A pause stops the clock. */
async function untilEmpty(run: Run, controls: Controls): Promise<{ empty: boolean; looks: number }> {
  const { drainLimitMs } = run.settings;
  const { from, tenant } = run.progress;
  const proceeded = controls.proceeded();
  const startedAt = Date.now();
  let pausedMs = 0;
  let emptySince: number | null = null;
  // A look at a cluster that does not answer takes minutes: whoever does not want to wait may say so meanwhile, too.
  run.wait('drain', `a look at what is open on ${from}: \`proceed\` goes on without waiting for it to end`);
  for (let looks = 1; ; looks++) {
    const heldAt = Date.now();
    await controls.checkpoint();
    pausedMs += Date.now() - heldAt;
    const { unmeasured } = await look(run);
    const open = run.progress.workflows?.open ?? 0;
    const empty = unmeasured === null && open === 0;
    // A person or a pause may have ended the wait between two looks.
    if (empty && emptySince !== null && Date.now() - emptySince >= CONFIRM_MS) return { empty: true, looks };
    emptySince = empty ? (emptySince ?? Date.now()) : null;
    const passed = Date.now() - startedAt - pausedMs;
    if (proceeded() && !empty) {
      run.accept(leftOpen(run, unmeasured));
      return { empty: false, looks };
    }
    if (!empty && drainLimitMs !== null && passed >= drainLimitMs) {
      run.note(
        `${leftOpen(run, unmeasured)} after ${formatDuration(drainLimitMs)}, so it goes on, as \`drainLimit\` says`,
      );
      return { empty: false, looks };
    }
    const until = drainLimitMs === null ? Infinity : Math.max(SOONEST_MS, drainLimitMs - passed);
    const ms =
      emptySince !== null
        ? emptySince + CONFIRM_MS - Date.now()
        : Math.min(until, LATEST_MS, Math.max(SOONEST_MS, passed / LOOKS_A_PERIOD));
    run.wait('drain', waitingFor(run, { unmeasured, empty }));
    await condition(() => (proceeded() && !empty) || run.progress.paused, ms, {
      summary: summary(tenant, `wait for its open workflows on ${from} to end`),
    });
  }
}

function waitingFor(run: Run, { unmeasured, empty }: { unmeasured: string | null; empty: boolean }): string {
  const { from, workflows } = run.progress;
  if (empty) return `a second look at ${from}, which was found empty`;
  const { drainLimitMs } = run.settings;
  const limit = drainLimitMs === null ? '' : `, at most ${formatDuration(drainLimitMs)} in all`;
  if (unmeasured !== null) {
    return `${from} to be looked at (${unmeasured})${limit}: \`proceed\` goes on without knowing what is open there`;
  }
  const types = (workflows?.byType ?? []).slice(0, 3).map(({ type, open }) => `${open} ${type}`);
  const which = types.length === 0 ? '' : ` (${types.join(', ')}${(workflows?.byType.length ?? 0) > 3 ? ', …' : ''})`;
  return `${leftOpen(run, null)}${which}, to end${limit}: \`proceed\` goes on without waiting`;
}

function leftOpen({ progress: { from, workflows } }: Run, unmeasured: string | null): string {
  if (unmeasured !== null) return `${from} not looked at (${unmeasured})`;
  return `${count(workflows?.open ?? 0, 'workflow')} still open on ${from}`;
}

function heldBy({ progress: { from } }: Run, { what, examples }: Strays): string {
  return (
    `${what}${examples.length === 0 ? '' : ` (${examples.join('; ')})`}: ` +
    `let whoever starts them follow the route, then \`proceed\` accepts them and the result says so; ` +
    `\`rollback\` takes everything back to ${from}`
  );
}
