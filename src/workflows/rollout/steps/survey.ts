import { isCancellation, TemporalFailure } from '@temporalio/workflow';
import { refusal } from '../../../errors.ts';
import type { Survey } from '../../../activities/types.ts';
import * as activities from '../../activities.ts';
import { rolloutFailureOf } from '../../failures.ts';
import type { Rollout } from '../rollout.ts';
import { ended, surveyed, tenantsOf, waveName } from '../state.ts';

/** Which tenants there are, and which of them need nothing done: what an earlier run has done is not done again. */
export async function survey(rollout: Rollout): Promise<void> {
  const { from, to, waves } = rollout.settings;
  const found = await look(rollout, { rollout: rollout.id, from, to, waves: waves.map(({ tenants }) => tenants) });
  rollout.change((state) => surveyed(state, found));
  for (const [index, members] of found.waves.entries()) {
    if (members.length === 0) rollout.note(`wave ${waveName(rollout.settings, index)} has no tenant`);
  }
  if (tenantsOf(rollout.state).length === 0) {
    rollout.change((state) => ended(state, 'failed'));
    throw refusal(
      'InvalidInput',
      `No wave has a tenant: the queries match no schedule on ${from} that carries TenantId.`,
    );
  }
}

async function look(rollout: Rollout, input: Parameters<typeof activities.surveyTenants>[0]): Promise<Survey> {
  try {
    return await activities.surveyTenants(input);
  } catch (error) {
    if (!(error instanceof TemporalFailure) || isCancellation(error)) throw error;
    rollout.change((state) => ended(state, 'failed'));
    throw rolloutFailureOf(error);
  }
}
