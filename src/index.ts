/**
 * For programs: start and steer migrations from your own code, or run the worker in your own process.
 *
 *     import { controlClient, commands, progressQuery, TASK_QUEUE, type MigrateTenant } from 'temporal-ferry';
 */
export { type Ferry, type FerryOptions, TASK_QUEUE, controlClient, createFerry } from './compose.ts';
export { optionsFromEnvironment, runWorker } from './worker.ts';
export { type Health, TenantClients, type TenantClientsOptions } from './services/tenant-clients.ts';
export { AbsentCluster, BadRoute, RouteUnavailable, RoutingError, UnknownTenant } from './services/errors.ts';
export type { Destination, Route, Split } from './routes/route.ts';
export { UnknownProfile } from './clusters/profiles.ts';
export { type RunWorkersOptions, type RunningWorkers, runWorkers } from './services/run-workers.ts';
export type { FailureType } from './errors.ts';

export type { MigrateTenant } from './workflows/migrate-tenant.ts';
export { type AuditProgress, type AuditSchedules, auditProgressQuery } from './workflows/audit-schedules.ts';
export {
  type ReconcileReport,
  type ReconcileSchedules,
  reconcileProgressQuery,
} from './workflows/reconcile-schedules.ts';
export type { RolloutTenants } from './workflows/rollout/rollout-tenants.ts';
export type { RolloutTenantsInput, WaveInput } from './workflows/rollout/input.ts';
export { readRolloutInput } from './workflows/rollout/input.ts';
export { overviewQuery, rolloutCommands, skipSignal, skipUpdate, tenantsQuery } from './workflows/rollout/messages.ts';
export type {
  Overview,
  OverviewMemo,
  RolloutCommand,
  RolloutPhase,
  RolloutResult,
  TenantsAsked,
  TenantsPage,
} from './workflows/rollout/overview.ts';
export type { ReconcileSchedulesInput } from './workflows/reconcile-input.ts';
export type { CopyReport, CopySchedules } from './workflows/copy-schedules.ts';
export type { PauseReport, PauseSchedules, UnpauseReport, UnpauseSchedules } from './workflows/pause-schedules.ts';
export { type StepReport, stepProgressQuery } from './workflows/single-step.ts';
export type { CrossingStepInput, OneSidedStepInput } from './workflows/step-input.ts';
export type { VerifyReport, VerifySchedules } from './workflows/verify-schedules.ts';
export type { Counter, ScheduleHooks, StandbyBehind } from './services/schedules/hooks.ts';
export { ScheduleCallError } from './services/schedules/errors.ts';
export { recordStandbyBehind } from './services/schedules/record.ts';
export type { AuditSchedulesInput } from './workflows/audit-input.ts';
export type { AuditReport } from './ledger/report.ts';
export type { Line as AuditLine, Verdict } from './ledger/verdict.ts';
export type { CheckInput, GatesInput } from './gates/settings.ts';
export type { CheckStatus, GateStatus } from './gates/verdict.ts';
export type { MeasureInput } from './gates/measures.ts';
export type { Tenant, TenantMemo } from './workflows/tenant.ts';
export type { TenantRecord } from './workflows/tenant-record.ts';
export { type MigrateTenantInput, type Settings, readMigrateTenantInput, tenantQuery } from './workflows/input.ts';
export type { Command, Counts, OnDemand, Phase, PhaseEntry, Progress, ProgressMemo } from './workflows/progress.ts';
export type { Accepted, MigrationResult, Outcome } from './workflows/result.ts';
export {
  type RollbackArgument,
  commands,
  pauseSignal,
  pauseUpdate,
  planQuery,
  proceedSignal,
  proceedUpdate,
  progressQuery,
  recordQuery,
  resumeSignal,
  resumeUpdate,
  rollbackSignal,
  rollbackUpdate,
  tenantWorkflowId,
} from './workflows/messages.ts';
export {
  FerryDirection,
  FerryOwner,
  FerryPhase,
  FerryTenant,
  searchAttributeKeys,
} from './workflows/search-attributes.ts';
export type {
  Audit,
  Breach,
  ClusterFacts,
  Difference,
  PreflightReport,
  Reason,
  ScheduleWrite,
  Selection,
  TenantEvent,
  TypeCount,
  WorkflowsFound,
  WrongSide,
  WrongSideStart,
} from './activities/types.ts';
