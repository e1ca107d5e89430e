/**
 * One tenant, one direction. Reads top to bottom as the steps it takes; how people steer it is in `controls.ts`, what
 * they see is in `progress.ts`. It has no run timeout: a bake or a person may take days.
 *
 * Endings: `completed`, `planned` and `rolled-back` return a result; a failure before the first hand-over fails the
 * workflow; a cancel request takes everything back like `rollback` and then ends the workflow as cancelled. Every ending
 * releases the tenant's lock.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  CancelledFailure,
  isCancellation,
  patched,
  TemporalFailure,
} from '@temporalio/workflow';
import * as activities from './activities.ts';
import { Controls } from './controls.ts';
import { failureOf, reasonOf } from './failures.ts';
import { listen } from './handlers.ts';
import { type MigrateTenantInput, readMigrateTenantInput } from './input.ts';
import { patches } from './patches.ts';
import { type MigrationResult, type Outcome, resultOf } from './result.ts';
import { Run } from './run.ts';
import { approve } from './steps/approve.ts';
import { bake } from './steps/bake.ts';
import { copy } from './steps/copy.ts';
import { cutOver } from './steps/cut-over.ts';
import { drain } from './steps/drain.ts';
import { gate } from './steps/gate.ts';
import { preflight } from './steps/preflight.ts';
import { rollBack } from './steps/roll-back.ts';
import { settle } from './steps/settle.ts';
import { verify } from './steps/verify.ts';

export async function MigrateTenant(...args: [input: MigrateTenantInput]): Promise<MigrationResult> {
  const root = CancellationScope.current();
  const run = new Run(readMigrateTenantInput(args, () => patched(patches.workflowsToo)));
  const controls = new Controls(run);
  listen(run, controls);

  // ** Step 1: claim. Not cancellable: a lock that was granted unheard could not be given back.
  await CancellationScope.nonCancellable(() => claim(run));
  const { workflows } = run.settings;
  if (workflows !== null && patched(patches.workflowsToo)) run.routes(workflows);

  /** What has to be undone if the way forward ends here. */
  let armed = false;
  try {
    const outcome = await controls.forward(async (): Promise<Outcome> => {
      // ** Step 2: preflight. Every reason against it at once; a dry run ends here with the plan.
      await preflight(run, controls);
      if (run.settings.dryRun) return commit(run, 'planned');

      // ** Step 3: copy and verify. The target's copies are paused: nothing runs there yet.
      await copy(run, controls);
      await verify(run, controls);
      await approve(run, controls);

      // ** Step 4: cut over. (WARNING: from the first call on, schedules and starts may be on either side.)
      await controls.checkpoint();
      armed = true;
      const pass = await cutOver(run, controls);
      await settle(run, controls, pass);
      await recordNewOwner(run);
      await gate(run, controls);

      // ** Step 5: bake. The target owns the tenant, the source stands by.
      await bake(run, controls);

      // ** Step 6: drain. What was started on demand on the source before the change of the route ends there.
      await drain(run, controls);
      return commit(run, 'completed');
    });
    return await end(run, outcome, endingOf(run, outcome));
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error; // A bug: the task is retried until it is fixed.
    return await CancellationScope.nonCancellable(() =>
      turnBack(run, controls, { armed, cancelled: root.consideredCancelled, error }),
    );
  }
}

function endingOf(run: Run, outcome: Outcome): string {
  const { from, to } = run.crossing;
  if (outcome === 'planned') return `planned from ${from} to ${to}, nothing changed`;
  return `${outcome}: ${to} owns the tenant`;
}

async function claim(run: Run): Promise<void> {
  try {
    run.claimed(await activities.claimTenant(run.crossing));
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    const failure = failureOf(error, run.progress.tenant, 'claiming');
    // Refused means that somebody else holds it. Anything else may have been granted without our hearing of it.
    if (failure.type !== 'TenantLocked') await release(run, `failed: ${reasonOf(error)}`);
    return fail(run, failure);
  }
}

/** From here on it is too late to turn back: only the lock is left. Last in the cancellable part, so nothing is lost. */
function commit(run: Run, outcome: Outcome): Outcome {
  run.close('the lock to be given back');
  return outcome;
}

async function recordNewOwner(run: Run): Promise<void> {
  const { tenant, from, to } = run.progress;
  const { migration } = run.crossing;
  await activities.recordOwner({ tenant, migration, owner: to, event: `handed over from ${from} to ${to}` });
  run.update({ owner: to });
}

/** How the way forward ended early. */
interface Stop {
  /** The first hand-over has been asked for. */
  armed: boolean;
  /** The workflow was asked to cancel. */
  cancelled: boolean;
  error: TemporalFailure;
}

/** The way forward has ended early: by a person, by a cancel request, or by a failure. */
async function turnBack(run: Run, controls: Controls, stop: Stop): Promise<MigrationResult> {
  const { armed, error } = stop;
  const { tenant, phase, from, to } = run.progress;
  const requested = controls.rollbackRequested;
  const cancelled = stop.cancelled && !requested;
  if (!requested && !cancelled && !armed) {
    await release(run, `failed while ${phase}: ${reasonOf(error)}`);
    return await fail(run, failureOf(error, tenant, phase));
  }
  if (cancelled) run.update({ rollbackReason: 'cancelled', paused: false });
  else if (!requested) run.update({ rollbackReason: `failed while ${phase}: ${reasonOf(error)}`, paused: false });
  else if (!isCancellation(error)) run.note(`${phase} failed just before it turned back: ${reasonOf(error)}`);
  run.close(null);

  // Taken over from a migration that was cut off: what that one handed over goes back too, once preflight has reached
  // both clusters.
  if (armed || (run.resuming && phase !== 'claiming' && phase !== 'preflight')) {
    await rollBack(run, controls);
  } else {
    const remain = phase === 'claiming' || phase === 'preflight' ? '' : `; paused copies remain on ${to}`;
    run.note(`nothing was handed over, so there was nothing to take back${remain}`);
    if (run.resuming) run.note(`what an earlier migration handed over is where it was: start a migration to ${from}`);
  }
  const result = await end(run, 'rolled-back', `rolled back: ${run.progress.rollbackReason ?? 'no reason given'}`);
  if (cancelled) throw isCancellation(error) ? error : new CancelledFailure('cancelled');
  return result;
}

async function end(run: Run, outcome: Outcome, event: string): Promise<MigrationResult> {
  return await CancellationScope.nonCancellable(async () => {
    await release(run, event);
    run.enter(outcome);
    await condition(allHandlersFinished);
    return resultOf(run, outcome);
  });
}

async function release(run: Run, event: string): Promise<void> {
  const { tenant } = run.progress;
  try {
    await activities.releaseTenant({ tenant, migration: run.crossing.migration, event: event.slice(0, 300) });
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    // Only a refusal comes here, everything else is retried. The next claim finds this workflow ended and takes over.
    run.note(`the lock could not be given back: ${reasonOf(error)}`);
  }
}

async function fail(run: Run, failure: TemporalFailure): Promise<never> {
  run.close(null);
  run.update({ paused: false });
  run.note(failure.message);
  run.enter('failed');
  await condition(allHandlersFinished);
  throw failure;
}
