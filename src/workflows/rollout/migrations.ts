/** What the migrations of a rollout are started with, there and back. Pure. */
import type { MigrateTenantInput } from '../input.ts';
import type { RolloutSettings } from './input.ts';

/** Of `MigrateTenant`, and said by the rollout or never. */
export const SAID = ['tenant', 'from', 'to', 'dryRun'] as const;
/** What the migrations of a rollout have in common: any field of `MigrateTenant` that the rollout does not say itself. */
export type TenantSettings = Partial<Omit<MigrateTenantInput, (typeof SAID)[number]>>;

/** Stands for the tenant's name in `schedules` and `workflows`. */
export const PLACEHOLDER = '{tenant}';

/** What the migration of a tenant is started with. */
export function migrationInput({ from, to, waves }: RolloutSettings, wave: number, tenant: string): MigrateTenantInput {
  return { tenant, from, to, ...filled(waves[wave]?.settings ?? {}, tenant) };
}

/**
 * And what the migration back is: the same schedules and workflows, and no waiting, as in a migration's own rollback.
 * What judges or holds the way forward has no place here.
 */
export function wayBackInput({ from, to, waves }: RolloutSettings, wave: number, tenant: string): MigrateTenantInput {
  const { schedules, workflows, pageSize, openRunLimit } = filled(waves[wave]?.settings ?? {}, tenant);
  return {
    tenant,
    from: to,
    to: from,
    ...(schedules === undefined ? {} : { schedules }),
    ...(workflows === undefined ? {} : { workflows }),
    ...(pageSize === undefined ? {} : { pageSize }),
    ...(openRunLimit === undefined ? {} : { openRunLimit }),
    ...(workflows === 'none' ? {} : { drainLimit: '0' }),
    bake: '0',
  };
}

function filled(settings: TenantSettings, tenant: string): TenantSettings {
  const { schedules, workflows } = settings;
  // In a query the name stands between quotes, and the server takes a doubled one for one.
  const inQuery = (query: string): string => query.replaceAll(PLACEHOLDER, () => tenant.replaceAll("'", "''"));
  return {
    ...settings,
    ...(schedules === undefined
      ? {}
      : {
          schedules:
            typeof schedules === 'string'
              ? inQuery(schedules)
              : 'prefix' in schedules
                ? { prefix: schedules.prefix.replaceAll(PLACEHOLDER, () => tenant) }
                : schedules,
        }),
    ...(workflows === undefined ? {} : { workflows: inQuery(workflows) }),
  };
}
