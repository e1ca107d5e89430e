/** One running migration: its snapshot, and the one place that publishes it to everything people look at. */
import { log, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { Claim, Crossing, PreflightReport, WorkflowsSeen } from '../activities/types.ts';
import { acceptedCommands, type Gate } from './commands.ts';
import { detailsOf } from './details.ts';
import type { Settings } from './input.ts';
import { publishMetrics } from './metrics.ts';
import {
  type Counts,
  LISTED,
  memoOf,
  newOnDemand,
  newProgress,
  type OnDemand,
  type Phase,
  type Progress,
  unexplained,
} from './progress.ts';
import type { Accepted } from './result.ts';
import { searchAttributesOf } from './search-attributes.ts';

type Publishable = Omit<Progress, 'phase' | 'phases' | 'accepts' | 'canRollback' | 'waitingFor' | 'updatedAt'>;

export class Run {
  readonly settings: Settings;
  readonly crossing: Crossing;
  progress: Progress;
  plan: PreflightReport | null = null;
  accepted: Accepted | null = null;
  bakeEndedEarly = false;
  /** Visibility query of the workflows on demand that move too; null: schedules only. */
  onDemand: string | null = null;
  /** ISO. From here up to T nobody should start workflows on the new side; null: some do rightly, or it never changed. */
  earlySince: string | null = null;
  /** An earlier migration was cut off: schedules may be on either side before this one hands over the first. */
  resuming = false;

  #searchAttributes = false;
  #gate: Gate = null;
  #waitingFor: string | null = null;
  #closed = false;
  #openInMemo: number | null = null;

  constructor(settings: Settings) {
    const { tenant, from, to, selection } = settings;
    this.settings = settings;
    this.crossing = { tenant, migration: workflowInfo().workflowId, from, to, selection };
    this.progress = newProgress(settings, now());
    this.#publish();
    this.#publishMemo();
  }

  /** The same crossing the other way round. */
  get back(): Crossing {
    return { ...this.crossing, from: this.crossing.to, to: this.crossing.from };
  }

  /** A quarter of the schedules a page keeps the history of a thousand schedules short, and pauses prompt for few. */
  get pageSize(): number {
    return this.settings.pageSize ?? Math.min(250, Math.max(10, Math.ceil(this.progress.schedules.total / 4)));
  }

  /** Its workflows on demand move too. */
  routes(query: string): void {
    this.onDemand = query;
    this.update({ workflows: newOnDemand() });
  }

  sawWorkflows({ open, byType, wrongSide, early }: WorkflowsSeen): void {
    this.onWorkflows({ open, byType, wrongSide, ...(early && { early }), checkedAt: now() });
  }

  onWorkflows(change: Partial<OnDemand>): void {
    this.update({ workflows: { ...(this.progress.workflows ?? newOnDemand()), ...change } });
  }

  claimed({ owner, tookOverFrom, searchAttributes }: Claim): void {
    this.#searchAttributes = searchAttributes;
    this.resuming = tookOverFrom !== null;
    this.update({ owner });
    if (tookOverFrom !== null) this.note(`took over from ${tookOverFrom}, which did not come to an end`);
  }

  /** A tenant nobody has migrated yet lives where its schedules are. */
  surveyed(report: PreflightReport): void {
    const { owner } = this.progress;
    const { from } = this.crossing;
    this.plan = report;
    this.update({
      warnings: report.warnings.slice(0, LISTED),
      owner: owner ?? (report.schedules.total > 0 || (report.workflows?.ever ?? 0) > 0 ? from : null),
    });
    if (report.workflows)
      this.onWorkflows({ open: report.workflows.open, byType: report.workflows.byType, checkedAt: now() });
    this.count({ total: report.schedules.total });
  }

  /** The only place that costs history events: one for the memo, one for the search attributes. */
  enter(phase: Phase): void {
    const at = now();
    const { tenant, phase: before } = this.progress;
    this.#gate = null;
    this.#waitingFor = null;
    if (phase !== before) {
      const phases = [...this.progress.phases, { phase, since: at }];
      this.progress = { ...this.progress, phase, phases };
    }
    this.#publish();
    this.#publishMemo();
    log.info(`${tenant}: ${before} -> ${phase}`, memoOf(this.progress));
  }

  update(change: Partial<Publishable>): void {
    this.progress = { ...this.progress, ...change };
    this.#publish();
  }

  count(change: Partial<Counts>): void {
    this.update({ schedules: { ...this.progress.schedules, ...change } });
  }

  /** What could not be treated on the way forward is no advice any more; what it was stays among the notes. */
  forgetForward(): void {
    const { failures, phase } = this.progress;
    const lines = failures.slice(0, 3).map(({ object, found }) => `${object}: ${found}`);
    if (lines.length > 0) this.note(`not treated while ${phase}: ${lines.join('; ')}`);
    this.update({ failures: [] });
    this.count({ failed: 0 });
  }

  note(text: string): void {
    this.update({ notes: [...this.progress.notes, `${now()} ${text}`].slice(-LISTED) });
    log.warn(`${this.progress.tenant}: ${text}`);
  }

  /** What it waits for, and what a `proceed` would mean meanwhile. `null` when it goes on. */
  wait(gate: Gate, waitingFor: string | null): void {
    this.#gate = gate;
    this.#waitingFor = waitingFor;
    this.#publish();
    // These may last for days: whoever reads the list must see it.
    if (gate === 'hold' || gate === 'undo') this.#publishMemo();
    // Waited for again and again: an event only where there is news.
    if (gate === 'drain' && this.#openInMemo !== this.progress.workflows?.open) this.#publishMemo();
  }

  /** People have seen what the ledger says and let it pass; it stays in the result. */
  accept(what: string): void {
    const { duplicates, missed, wrongSide } = this.progress.audit;
    this.accepted = {
      at: now(),
      what: this.accepted ? `${this.accepted.what}; ${what}` : what,
      duplicates,
      missed,
      wrongSide,
    };
  }

  /** Nominal times nothing accounts for and nobody accepted. */
  get unaccepted(): number {
    return unexplained(this.progress.audit) - (this.accepted ? unexplained(this.accepted) : 0);
  }

  /** From here on no command is taken: the migration turns back, or only the lock is left to give back. */
  close(waitingFor: string | null): void {
    this.#closed = true;
    this.#waitingFor = waitingFor;
    this.#publish();
  }

  #publish(): void {
    const { phase, paused } = this.progress;
    const accepts = acceptedCommands({ phase, paused, gate: this.#gate, closed: this.#closed });
    this.progress = {
      ...this.progress,
      accepts,
      canRollback: accepts.includes('rollback'),
      waitingFor: paused ? '`resume`: it is paused' : this.#waitingFor,
      updatedAt: now(),
    };
    setCurrentDetails(detailsOf(this.progress));
    publishMetrics(this.progress);
  }

  #publishMemo(): void {
    this.#openInMemo = this.progress.workflows?.open ?? null;
    upsertMemo({ progress: memoOf(this.progress) });
    if (this.#searchAttributes) upsertSearchAttributes(searchAttributesOf(this.progress));
  }
}

/** The workflow's clock: the same on every replay. */
export function now(): string {
  return new Date(Date.now()).toISOString();
}
