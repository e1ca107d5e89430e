import { CancellationScope, getExternalWorkflowHandle, TemporalFailure } from '@temporalio/workflow';
import { reasonOf } from '../../failures.ts';
import { rollbackSignal } from '../../messages.ts';
import type { RolloutTenantsInput } from '../input.ts';
import { wayBackInput } from '../migrations.ts';
import type { Rollout } from '../rollout.ts';
import { allBack, calledOff, startableBack, startedBack, toCallOff } from '../back.ts';
import { tenantsOf } from '../state.ts';
import { startMigrations } from './start.ts';
import { watchUntil } from './watch.ts';

/**
 * Migrations that run are told to turn back, all at once; tenants that have moved are moved back by a migration the other
 * way, the last one first. One that does not get back holds up nobody else, and waits for a person.
 */
export async function goBack(rollout: Rollout, input: RolloutTenantsInput): Promise<void> {
  const { settings } = rollout;
  for (;;) {
    const running = toCallOff(rollout.state);
    rollout.change((state) => calledOff(state, running));
    await Promise.all(running.map((tenant) => callOff(rollout, tenant)));

    const tenants = startableBack(rollout.state, settings);
    rollout.change((state, at) => startedBack(state, tenants, at));
    await startMigrations(rollout, tenants, (tenant) => ({
      workflowId: rollout.wayBack(tenant),
      input: wayBackInput(settings, waveOf(rollout, tenant), tenant),
    }));

    const more = (): boolean => toCallOff(rollout.state).length + startableBack(rollout.state, settings).length > 0;
    await watchUntil(rollout, input, () => allBack(rollout.state) || more());
    if (allBack(rollout.state)) return;
  }
}

async function callOff(rollout: Rollout, tenant: string): Promise<void> {
  const reason = `rollback of ${rollout.id}: ${rollout.state.rollback?.reason ?? ''}`;
  const migration = getExternalWorkflowHandle(rollout.migration(tenant));
  try {
    await CancellationScope.nonCancellable(() => migration.signal(rollbackSignal, { reason }));
  } catch (error) {
    // Mostly it has ended meanwhile; the next look tells how, and it goes back as those do that have moved.
    if (!(error instanceof TemporalFailure)) throw error;
    rollout.note(`${tenant}: its migration did not take the \`rollback\`: ${reasonOf(error)}`);
  }
}

function waveOf(rollout: Rollout, tenant: string): number {
  return tenantsOf(rollout.state).find((each) => each.tenant === tenant)?.wave ?? 0;
}
