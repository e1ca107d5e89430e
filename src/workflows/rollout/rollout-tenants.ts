/**
 * A fleet, wave after wave: each tenant by a `MigrateTenant` of its own, `<rollout id>/<tenant>`, that lives on whatever
 * becomes of the rollout. Where it stands and what may happen next is in `state.ts`; this reads as the steps it takes.
 *
 * Endings: `completed` and `rolled-back` return a result. A cancel request ends the rollout where it stands: migrations that
 * run go on to their own end, and nothing is taken back. Started again with the same waves it does not redo what is done.
 */
import { allHandlersFinished, condition, isCancellation, workflowInfo } from '@temporalio/workflow';
import { now } from '../run.ts';
import { listen } from './handlers.ts';
import { readRolloutInput, type RolloutTenantsInput } from './input.ts';
import { type RolloutResult, resultOf } from './overview.ts';
import { Rollout } from './rollout.ts';
import { ended, nextWave, type RolloutState } from './state.ts';
import { judgeWave } from './steps/between-waves.ts';
import { goBack } from './steps/go-back.ts';
import { approveWave, migrateWave } from './steps/migrate-wave.ts';
import { survey } from './steps/survey.ts';

/** `carried`: by continue-as-new, never given by people. */
export async function RolloutTenants(
  ...args: [input: RolloutTenantsInput, carried?: RolloutState]
): Promise<RolloutResult> {
  const carried = workflowInfo().continuedFromExecutionRunId === undefined ? undefined : args[1];
  const [input] = args;
  const rollout = new Rollout(readRolloutInput(carried ? [input] : args), carried);
  listen(rollout);
  try {
    // ** Step 1: survey. What is on the target, and what is under way, is not done again.
    if (rollout.state.tenants === null) await survey(rollout);

    // ** Step 2: wave by wave. Approval, migrations, verdict; a rollback ends each of them early.
    while (rollout.state.wave < rollout.settings.waves.length && !rollout.turning) {
      await approveWave(rollout, input);
      await migrateWave(rollout, input);
      await judgeWave(rollout, input);
      if (!rollout.turning && rollout.state.stage === 'judging') rollout.change(nextWave);
    }

    // ** Step 3: back, where people ask for it.
    if (rollout.turning) await goBack(rollout, input);
    return await end(rollout, rollout.turning ? 'rolled-back' : 'completed');
  } catch (error) {
    if (isCancellation(error)) rollout.change((state) => ended(state, 'cancelled'));
    throw error;
  }
}

async function end(rollout: Rollout, outcome: RolloutResult['outcome']): Promise<RolloutResult> {
  rollout.change((state) => ended(state, outcome));
  await condition(allHandlersFinished);
  return resultOf(rollout.state, rollout.settings, outcome, now());
}
