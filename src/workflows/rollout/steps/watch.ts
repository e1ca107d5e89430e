import { allHandlersFinished, CancellationScope, condition, continueAsNew, workflowInfo } from '@temporalio/workflow';
import type { MigrationSeen, Watched } from '../../../activities/types.ts';
import * as activities from '../../activities.ts';
import { summary } from '../../summary.ts';
import type { RolloutTenantsInput } from '../input.ts';
import type { Rollout } from '../rollout.ts';
import type { RolloutTenants } from '../rollout-tenants.ts';
import { isRunning, type RolloutState, seen, tenantsOf } from '../state.ts';

/** Well below what the server suggests by: a rollout lasts for weeks and is replayed on every worker restart. */
const HISTORY_LIMIT = 1000;
/** Between two looks that told nothing new, doubling. A look holds for minutes by itself, so rests are few and cost little. */
const REST_MS = 1_000;
const MAX_REST_MS = 60_000;

/**
 * The only way a rollout waits: until `done`, looking at its migrations meanwhile, and continuing as new where its
 * history has grown. Migrations are watched and never awaited, because they outlive this run of the workflow.
 */
export async function watchUntil(rollout: Rollout, input: RolloutTenantsInput, done: () => boolean): Promise<void> {
  let restMs = REST_MS;
  while (!done()) {
    await continueIfLong(rollout, input);
    const migrations = watched(rollout);
    if (migrations.length === 0) {
      await condition(() => done() || isLong());
      continue;
    }
    const news = await look(rollout, migrations, done);
    if (news === null) continue;
    if (news.length > 0) {
      rollout.change((state) => seen(state, news));
      restMs = REST_MS;
    } else {
      await condition(() => done() || isLong(), restMs, { summary: summary(rollout.id, 'rest before the next look') });
      restMs = Math.min(MAX_REST_MS, restMs * 2);
    }
  }
}

/** Null: what it waits for has come first, or what people sent has made its history long. */
async function look(rollout: Rollout, migrations: Watched[], done: () => boolean): Promise<MigrationSeen[] | null> {
  const scope = new CancellationScope();
  let news: MigrationSeen[] | undefined;
  let failed: { error: unknown } | undefined;
  const looking = scope.run(async () => {
    try {
      news = await activities.watchMigrations({ rollout: rollout.id, migrations });
    } catch (error) {
      failed = { error };
    }
  });
  await condition(() => done() || isLong() || news !== undefined || failed !== undefined);
  if (failed) throw failed.error;
  if (news !== undefined) return news;
  scope.cancel();
  await looking;
  return null;
}

function watched(rollout: Rollout): Watched[] {
  return tenantsOf(rollout.state)
    .filter(isRunning)
    .map(({ tenant, status, phase = null, waits = null }) => {
      const migration = status === 'going-back' ? rollout.wayBack(tenant) : rollout.migration(tenant);
      return { tenant, migration, phase, waits };
    });
}

async function continueIfLong({ state }: Rollout, input: RolloutTenantsInput): Promise<void> {
  if (!isLong()) return;
  await condition(allHandlersFinished);
  await continueAsNew<(input: RolloutTenantsInput, carried: RolloutState) => ReturnType<typeof RolloutTenants>>(
    input,
    state,
  );
}

function isLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > HISTORY_LIMIT;
}
