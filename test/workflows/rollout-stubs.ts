/** For the rollout of hundreds: the real rollout, and migrations that only last as long as their tenant says. */
import { CancellationScope, condition, setHandler, sleep, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { rollbackSignal } from '../../src/workflows/messages.ts';
import type { MigrateTenantInput } from '../../src/workflows/input.ts';

export { RolloutTenants } from '../../src/workflows/rollout/rollout-tenants.ts';

/** Stands in for the real one: bakes for its bake, and ends as its memo and result say. */
export async function MigrateTenant({ tenant, from = '', to = '', bake = '0' }: MigrateTenantInput) {
  let turned = false;
  setHandler(rollbackSignal, () => {
    turned = true;
  });
  const at = (phase: string): void => {
    const { startTime } = workflowInfo();
    upsertMemo({ progress: { phase, from, to, waitingFor: null, updatedAt: startTime.toISOString() } });
  };
  at('baking');
  if (bake === '0') await CancellationScope.nonCancellable(() => sleep(1));
  else await condition(() => turned, bake as '1 hour');
  const outcome = turned ? 'rolled-back' : 'completed';
  at(outcome);
  return { tenant, outcome };
}
