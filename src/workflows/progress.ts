/**
 * One snapshot of a migration. The query, the details in the Web UI, the memo, the search attributes and the log lines
 * are all derived from it, so they cannot disagree. Plain data and pure changes.
 */
import { emptyAudit } from '../schedules/audit.ts';
import type { Audit, Breach, Reason, TypeCount, WrongSide } from '../activities/types.ts';
import type { Settings } from './input.ts';

/** In the order they are passed; the last five are endings or lead to one. */
export type Phase =
  | 'claiming'
  | 'preflight'
  | 'copying'
  | 'verifying'
  | 'awaiting-approval'
  | 'cutting-over'
  | 'settling'
  | 'baking'
  | 'draining'
  | 'completed'
  /** A dry run has ended with its plan. */
  | 'planned'
  | 'rolling-back'
  | 'rolled-back'
  | 'failed';

export const COMMANDS = ['rollback', 'pause', 'resume', 'proceed'] as const;
export type Command = (typeof COMMANDS)[number];

export interface Counts {
  total: number;
  copied: number;
  verified: number;
  /** Owned by the target now; goes down again during a rollback. */
  handedOver: number;
  /** Could not be treated in the last pass. */
  failed: number;
}

/** The tenant's workflows on demand. They end where they run; new ones start where the route says. */
export interface OnDemand {
  /** The last change of the route: `to` starts them from `at` (ISO) on. Null: not announced yet. */
  route: { from: string; to: string; at: string } | null;
  /** On the source; during a rollback on the target. As of `checkedAt`. */
  open: number;
  /** The 20 types with the most open ones. */
  byType: TypeCount[];
  /** Started on the old side after the route had changed. */
  wrongSide: WrongSide;
  /** Started on the new side before it changes. */
  early: WrongSide;
  /** The source, during a rollback the target, was found empty, and that is on record. */
  drained: boolean;
  /** When the cluster was last looked at, ISO. */
  checkedAt: string | null;
}

export interface PhaseEntry {
  phase: Phase;
  since: string;
}

export interface Progress {
  tenant: string;
  from: string;
  to: string;
  phase: Phase;
  /** Profile of the cluster that owns the tenant: as recorded, else as preflight found it. Null while neither is known. */
  owner: string | null;
  schedules: Counts;
  /** Null: only schedules move. */
  workflows: OnDemand | null;
  /** What must happen for it to go on, as a sentence; null while it works. */
  waitingFor: string | null;
  canRollback: boolean;
  paused: boolean;
  /** The commands that make sense now. */
  accepts: Command[];
  rollbackReason: string | null;
  audit: Audit;
  /** The first 20 schedules of the last pass that could not be treated. */
  failures: Reason[];
  /** The last 20. */
  breaches: Breach[];
  /** The first 20. */
  warnings: Reason[];
  /** The last 20 things worth telling, such as a command that came when it made no sense. */
  notes: string[];
  phases: PhaseEntry[];
  startedAt: string;
  updatedAt: string;
}

export const LISTED = 20;

export const NO_STRAYS: WrongSide = { count: 0, first: [], unexamined: 0 };

export function newOnDemand(): OnDemand {
  return { route: null, open: 0, byType: [], wrongSide: NO_STRAYS, early: NO_STRAYS, drained: false, checkedAt: null };
}

export function newProgress({ tenant, from, to }: Settings, at: string): Progress {
  return {
    tenant,
    from,
    to,
    phase: 'claiming',
    owner: null,
    schedules: { total: 0, copied: 0, verified: 0, handedOver: 0, failed: 0 },
    workflows: null,
    waitingFor: null,
    canRollback: true,
    paused: false,
    accepts: ['rollback', 'pause'],
    rollbackReason: null,
    audit: emptyAudit(),
    failures: [],
    breaches: [],
    warnings: [],
    notes: [],
    phases: [{ phase: 'claiming', since: at }],
    startedAt: at,
    updatedAt: at,
  };
}

type Unexplained = Pick<Audit, 'duplicates' | 'missed' | 'wrongSide'>;

/** Nominal times nothing accounts for; more than what people accepted stops completion. */
export function unexplained({ duplicates, missed, wrongSide }: Unexplained): number {
  return duplicates + missed + wrongSide;
}

export function isEnding(phase: Phase): boolean {
  return phase === 'completed' || phase === 'planned' || phase === 'rolled-back' || phase === 'failed';
}

/** The little that fits a memo and is worth reading in a list, or after the workers are gone. */
export function memoOf(progress: Progress) {
  const { phase, from, to, owner, schedules, workflows, waitingFor, rollbackReason, updatedAt } = progress;
  const { route = null, open = 0, drained = false } = workflows ?? {};
  const brief = workflows && { route, open, wrongSide: workflows.wrongSide.count + workflows.early.count, drained };
  return { phase, from, to, owner, schedules, workflows: brief, waitingFor, rollbackReason, updatedAt };
}

export type ProgressMemo = ReturnType<typeof memoOf>;

export function listReasons(reasons: readonly Reason[], total = reasons.length): string {
  const shown = reasons.slice(0, LISTED).map(({ object, found, remedy }) => `${object}: ${found}; ${remedy}`);
  const more = total - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `- ${line}`).join('\n');
}

/** `1 schedule`, `3 schedules`. */
export function count(n: number, noun = 'schedule'): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
