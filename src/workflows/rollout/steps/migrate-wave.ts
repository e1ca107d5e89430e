import type { RolloutTenantsInput } from '../input.ts';
import { migrationInput } from '../migrations.ts';
import type { Rollout } from '../rollout.ts';
import { began, gateOf, startable, started, waveEnded } from '../state.ts';
import { startMigrations } from './start.ts';
import { watchUntil } from './watch.ts';

/** Before the first tenant of a wave a person may have a say, and a pause holds. */
export async function approveWave(rollout: Rollout, input: RolloutTenantsInput): Promise<void> {
  if (rollout.state.stage !== 'before') return;
  const { settings } = rollout;
  const free = (): boolean =>
    rollout.turning ||
    rollout.state.stage !== 'before' ||
    (gateOf(rollout.state, settings) === null && !rollout.state.paused);
  await watchUntil(rollout, input, free);
  if (rollout.turning || rollout.state.stage !== 'before') return;
  rollout.change(began);
}

/**
 * The tenants of a wave, in order, so many at a time. With the first that goes wrong no further one starts; those that run
 * go on to their own end, and a person decides what becomes of the rest.
 */
export async function migrateWave(rollout: Rollout, input: RolloutTenantsInput): Promise<void> {
  const { settings } = rollout;
  const next = (): string[] => startable(rollout.state, settings);
  const over = (): boolean => rollout.turning || rollout.state.stage !== 'migrating' || waveEnded(rollout.state);
  for (;;) {
    await watchUntil(rollout, input, () => over() || next().length > 0);
    if (over()) return;
    // None: a pause has come just now.
    const tenants = next();
    const { wave } = rollout.state;
    rollout.change((state, at) => started(state, tenants, at));
    await startMigrations(rollout, tenants, (tenant) => ({
      workflowId: rollout.migration(tenant),
      input: migrationInput(settings, wave, tenant),
    }));
  }
}
