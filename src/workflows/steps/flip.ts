/** The route of a tenant's workflows on demand changes at a moment T; see `routes/route.ts` for what happens around it. */
import { ActivityFailure, isCancellation, sleep, TemporalFailure } from '@temporalio/workflow';
import { HOLD_AFTER_MS, LEAD_MS, type Route } from '../../routes/route.ts';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { reasonOf, refusedBy } from '../failures.ts';
import { now, type Run } from '../run.ts';
import { straysOf } from '../strays.ts';
import { summary } from '../summary.ts';

/** After the hold: for what was started just before it to be seen in lists. */
const SEEN_AFTER_MS = 5_000;

/** Lists are eventually consistent: empty is what was empty twice, this far apart. */
export const CONFIRM_MS = 15_000;

/** Announces that workflows start on the target. The caller has armed the way back. */
export async function flip(run: Run, controls: Controls): Promise<void> {
  if (run.onDemand === null) return;
  await announced(run, run.progress.from, run.progress.to, () => controls.checkpoint());
}

/**
 * They start on the source again; asked as often as one likes. Where the record belongs to another migration by now, the
 * route does, too.
 */
export async function flipBack(run: Run): Promise<void> {
  if (run.onDemand === null) return;
  const { from, to } = run.progress;
  try {
    await announced(run, to, from, async () => undefined);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || refusedBy(error)?.type !== 'TenantLocked') throw error;
    run.note(`the route could not be changed back: ${reasonOf(error)}`);
  }
}

/** Until no start reaches the old side any more. */
export async function untilFlipped(run: Run): Promise<void> {
  const { route } = run.progress.workflows ?? {};
  if (!route) return;
  const ms = Date.parse(route.at) + HOLD_AFTER_MS + SEEN_AFTER_MS - Date.now();
  if (ms <= 0) return;
  run.wait(null, `workflows start on ${route.to} from ${route.at} on: until no start reaches ${route.from} any more`);
  await sleep(ms, { summary: summary(run.progress.tenant, `wait until workflows start on ${route.to}`) });
  run.wait(null, null);
}

/**
 * What is open on the old side, what was started there after the change, and on the new side before it. A look that fails
 * is noted, and says so.
 */
export async function look(run: Run): Promise<{ unmeasured: string | null }> {
  const { tenant, workflows } = run.progress;
  if (run.onDemand === null || !workflows?.route) return { unmeasured: null };
  const { from, to, at } = workflows.route;
  // Starts just before T are stamped by a server's clock, and those behind the hold by another.
  const between = new Date(Date.parse(at) + HOLD_AFTER_MS / 2).toISOString();
  const early = run.earlySince === null ? undefined : { cluster: to, after: run.earlySince, before: between };
  const input = { tenant, cluster: from, query: run.onDemand, after: between, ...(early && { early }) };
  try {
    run.sawWorkflows(await activities.lookAtWorkflows(input));
    return { unmeasured: null };
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    const unmeasured = reasonOf(error);
    run.note(`the workflows open on ${from} could not be looked at: ${unmeasured}`);
    return { unmeasured };
  }
}

/** A first look after the change: whoever bypasses the route is found early. */
export async function lookAfterFlip(run: Run): Promise<void> {
  await look(run);
  tellStrays(run);
}

export function tellStrays(run: Run): void {
  const { workflows } = run.progress;
  if (!workflows) return;
  const { found, what } = straysOf(workflows);
  if (found === 0) return;
  const [first] = [...workflows.wrongSide.first, ...workflows.early.first];
  run.note(
    `${what}${first ? `, first ${first.workflowId} at ${first.startedAt}` : ''}: ` +
      `whoever started them does not follow the route, or its clock is wrong`,
  );
}

/** `cluster` was found empty twice: who starts an id elsewhere need not ask there any more. */
export async function recordDrained(run: Run, cluster: string): Promise<void> {
  const { tenant } = run.progress;
  const event = `${cluster} is drained: no workflow on demand is open there`;
  try {
    await activities.recordDrained({ tenant, migration: run.crossing.migration, cluster, event });
    run.onWorkflows({ drained: true });
  } catch (error) {
    if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
    // Readers go on asking there first, which costs them a call and is never wrong.
    run.note(`that ${cluster} is drained could not be recorded: ${reasonOf(error)}`);
  }
}

async function announced(run: Run, from: string, to: string, checkpoint: () => Promise<void>): Promise<void> {
  const { tenant } = run.progress;
  const { migration } = run.crossing;
  // Where there is no route yet: a migration moves away from its own source, whichever way it goes now.
  const input = { tenant, migration, current: run.progress.from, to, event: `workflows start on ${to}` };
  for (;;) {
    await checkpoint();
    const answer = await activities.flipRoute(input);
    if ('notBefore' in answer) {
      const ms = Math.max(1000, Date.parse(answer.notBefore) - Date.now());
      run.wait(null, `the change of the route before this one to be through, at ${answer.notBefore}`);
      await sleep(ms, { summary: summary(tenant, 'wait for the change of the route before this one') });
      run.wait(null, null);
      continue;
    }
    run.earlySince = earlySince(answer.route, to);
    run.onWorkflows({ route: { from, to, at: answer.route.at ?? sinceWhen(run, to) }, drained: false });
    return;
  }
}

/** Readers know of a change from its announcement on. Where some workflows start on the new side already, none is too early. */
function earlySince({ from, at }: Route, to: string): string | null {
  if (from === null || at === null || from.cluster === to || from.split?.cluster === to) return null;
  return new Date(Date.parse(at) - LEAD_MS).toISOString();
}

/** A route that goes there without ever having changed: every reader knows of it by now. */
function sinceWhen({ progress: { workflows } }: Run, to: string): string {
  return workflows?.route?.to === to ? workflows.route.at : now();
}
