/** What a migration returns. */
import type { Audit, Breach, PreflightReport, Reason } from '../activities/types.ts';
import type { GateStatus } from '../gates/verdict.ts';
import type { Counts, OnDemand } from './progress.ts';
import { now, type Run } from './run.ts';

/** What a person let pass with `proceed`, so that no caveat is in a log only. */
export interface Accepted {
  at: string;
  what: string;
  duplicates: number;
  missed: number;
  wrongSide: number;
}

export type Outcome = 'completed' | 'rolled-back' | 'planned';

export interface MigrationResult {
  tenant: string;
  outcome: Outcome;
  /** Profile of the cluster that owns the tenant now. Null: never migrated, and a dry run found no schedules either. */
  owner: string | null;
  from: string;
  to: string;
  schedules: Counts;
  /** Only where workflows on demand moved too. */
  workflows?: OnDemand;
  /** Covers both ways when it was rolled back. */
  audit: Audit;
  /** The last 20 times the wrong cluster, or none, was found active after the cut-over. */
  breaches: Breach[];
  /** Only where one was asked for and the bake had begun. */
  gate?: GateStatus;
  warnings: Reason[];
  notes: string[];
  startedAt: string;
  finishedAt: string;
  /** Why it was rolled back. */
  reason?: string;
  /** Only after `proceed` on a ledger or a check that was not clean. */
  accepted?: Accepted;
  /** `proceed` ended the bake before its time. */
  bakeEndedEarly?: boolean;
  /** Of a dry run. */
  plan?: PreflightReport;
}

export function resultOf(run: Run, outcome: Outcome): MigrationResult {
  const {
    tenant,
    owner,
    from,
    to,
    schedules,
    workflows,
    audit,
    gate,
    breaches,
    warnings,
    notes,
    startedAt,
    rollbackReason,
  } = run.progress;
  return {
    tenant,
    outcome,
    owner,
    from,
    to,
    schedules,
    ...(workflows === null ? {} : { workflows }),
    audit,
    breaches,
    ...(gate && { gate }),
    warnings,
    notes,
    startedAt,
    finishedAt: now(),
    ...(rollbackReason === null ? {} : { reason: rollbackReason }),
    ...(run.accepted ? { accepted: run.accepted } : {}),
    ...(run.bakeEndedEarly ? { bakeEndedEarly: true } : {}),
    ...(outcome === 'planned' && run.plan ? { plan: run.plan } : {}),
  };
}
