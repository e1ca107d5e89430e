/** Signals, updates and queries of `RolloutTenants`. The commands have the names they have on a migration. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { pauseSignal, pauseUpdate, proceedSignal, proceedUpdate } from '../messages.ts';
import { resumeSignal, resumeUpdate, rollbackSignal, rollbackUpdate } from '../messages.ts';
import type { Overview, RolloutCommand, TenantsPage } from './overview.ts';

export const skipSignal = defineSignal<[argument?: unknown]>('skip');
export const skipUpdate = defineUpdate<string, [argument: unknown]>('skip');

export const overviewQuery = defineQuery<Overview, [argument?: unknown]>('overview');
export const tenantsQuery = defineQuery<TenantsPage, [argument?: unknown]>('tenants');

export const rolloutCommands = {
  pause: {
    signal: pauseSignal,
    update: pauseUpdate,
    description: 'Starts no further tenant. Migrations that run go on. No input.',
  },
  resume: { signal: resumeSignal, update: resumeUpdate, description: 'Goes on where `pause` stopped. No input.' },
  proceed: {
    signal: proceedSignal,
    update: proceedUpdate,
    description:
      'Answers what the rollout waits for (see `waitingFor`). After a stop it goes on with the rest; {"retry": true} tries again what went wrong.',
  },
  skip: { signal: skipSignal, update: skipUpdate, description: 'Leaves a tenant out. Input: {"tenant": "…"}.' },
  rollback: {
    signal: rollbackSignal,
    update: rollbackUpdate,
    description:
      'Takes back what this rollout has moved, the last first, and ends. Optional input: {"scope": "wave" or "all", "reason": "…"}; without a scope the wave.',
  },
} as const satisfies Record<RolloutCommand, object>;

export const rolloutQueries = {
  overview:
    'Phase, waves, counts, what runs, what went wrong, what it waits for and which commands make sense. No input.',
  tenants: 'Every tenant, 100 a page. Optional input: {"from": 0, "limit": 100, "status": "…", "wave": "…"}.',
};
