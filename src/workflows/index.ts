/** Exactly the workflow types: these names are typed in the Web UI and recorded in histories. */
export { AuditSchedules } from './audit-schedules.ts';
export { CopySchedules } from './copy-schedules.ts';
export { MigrateTenant } from './migrate-tenant.ts';
export { PauseSchedules, UnpauseSchedules } from './pause-schedules.ts';
export { ReconcileSchedules } from './reconcile-schedules.ts';
export { RolloutTenants } from './rollout/rollout-tenants.ts';
export { Tenant } from './tenant.ts';
export { VerifySchedules } from './verify-schedules.ts';
