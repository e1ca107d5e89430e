/**
 * What the single steps have in common: they look whether the worker knows the clusters, take the tenant's lock where they
 * change schedules, walk over pages, and show how far they are. Every ending gives the lock back, a cancel request
 * included. A step that was terminated leaves it behind: the next step or migration takes it over, and is not told that
 * schedules may have been handed over, since no single step does that.
 */
import {
  CancellationScope,
  CancelledFailure,
  defineQuery,
  log,
  setCurrentDetails,
  setHandler,
  TemporalFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { Crossing, Cursor, Reason, SingleStep } from '../activities/types.ts';
import type { ReasonCode } from '../reasons.ts';
import * as activities from './activities.ts';
import { reasonOf, refusedBy, stepFailureOf } from './failures.ts';
import { inWords, walkPages } from './page-walk.ts';
import { now } from './run.ts';

/** Every report says this, beside its counts. */
export interface StepReport {
  tenant: string;
  seen: number;
  pages: number;
  /** For a person, about the whole. */
  notes: string[];
  startedAt: string;
  updatedAt: string;
  done: boolean;
}

/** What was left for a person. */
export interface Refusals {
  refused: number;
  byCode: Partial<Record<ReasonCode, number>>;
  /** The first of them. */
  reasons: Reason[];
}

/** Carried through continue-as-new, never given by people. */
export interface Carried<Report> {
  report: Report;
  cursor: Cursor;
}

export interface Step<Report extends StepReport, Page extends { seen: number; next?: Cursor }> {
  /** `copying`, … */
  doing: string;
  tenant: string;
  /** Profiles the step cannot do without. */
  profiles: string[];
  /** Null: it changes nothing, and may run beside anything. */
  lock: (Omit<Crossing, 'migration'> & { step: SingleStep }) | null;
  /** Its counts, all of them nought. */
  none: Omit<Report, keyof StepReport>;
  page: (at: { cursor?: Cursor }, page: number) => Promise<Page>;
  add: (report: Report, page: Page) => Report;
  details: (report: Report) => string;
}

export const stepProgressQuery = defineQuery<StepReport, [argument?: unknown]>('progress');

const LISTED = 50;

export async function runStep<Report extends StepReport, Page extends { seen: number; next?: Cursor }>(
  step: Step<Report, Page>,
  carried: Carried<Report> | undefined,
  goOn: (carried: Carried<Report>) => Promise<never>,
): Promise<Report> {
  const { tenant, doing, lock } = step;
  const failure = (error: TemporalFailure) => stepFailureOf(error, tenant, doing);
  let report = carried?.report ?? begun(step);
  const show = (next: Report): void => {
    report = next;
    setCurrentDetails(step.details(report));
  };
  setHandler(stepProgressQuery, () => report, {
    description: 'What was done and what was left for a person so far, and whether it is done. No input.',
  });
  show(report);

  if (!carried) {
    await inWords(() => activities.knowProfiles({ tenant, profiles: step.profiles }), failure);
    if (lock) {
      // Not cancellable: a lock that was granted unheard could not be given back.
      const interrupted = await CancellationScope.nonCancellable(() => inWords(() => claim(lock), failure));
      if (interrupted !== null) show({ ...report, notes: [...report.notes, cutOff(interrupted)] });
    }
  }
  const cursor = await releasedOnFailure(lock, doing, async () => {
    const next = await walkPages(carried?.cursor, {
      page: (at) => step.page(at === undefined ? {} : { cursor: at }, report.pages + 1),
      take: (page) => {
        const { seen, pages } = report;
        show({ ...step.add(report, page), seen: seen + page.seen, pages: pages + 1, updatedAt: now() });
      },
      failure,
    });
    // The next run would not hear of it.
    if (next !== undefined && CancellationScope.current().consideredCancelled) throw new CancelledFailure('cancelled');
    return next;
  });
  if (cursor !== undefined) return await goOn({ report, cursor });
  if (lock) await release(lock, `${lock.step} is done`);
  show({ ...report, done: true, updatedAt: now() });
  return report;
}

function begun<Report extends StepReport>({ tenant, none }: Pick<Step<Report, never>, 'tenant' | 'none'>): Report {
  const at = now();
  const common: StepReport = { tenant, seen: 0, pages: 0, notes: [], startedAt: at, updatedAt: at, done: false };
  return { ...common, ...none } as Report;
}

type Lock = NonNullable<Step<StepReport, never>['lock']>;

/** The migration that was cut off before, if one was. */
async function claim(lock: Lock): Promise<string | null> {
  try {
    return (await activities.claimTenant({ ...lock, migration: workflowInfo().workflowId })).tookOverFrom;
  } catch (error) {
    // Refused means that somebody else holds it. Anything else may have been granted without our hearing of it.
    if (error instanceof TemporalFailure && refusedBy(error)?.type !== 'TenantLocked') {
      await release(lock, `${lock.step} failed: ${reasonOf(error)}`);
    }
    throw error;
  }
}

async function releasedOnFailure<T>(lock: Lock | null, doing: string, walk: () => Promise<T>): Promise<T> {
  try {
    return await walk();
  } catch (error) {
    // Anything else is a bug: the task is retried until it is fixed.
    if (lock && error instanceof TemporalFailure) await release(lock, `${doing} stopped: ${reasonOf(error)}`);
    throw error;
  }
}

async function release({ tenant, step }: Lock, event: string): Promise<void> {
  const { workflowId } = workflowInfo();
  try {
    await CancellationScope.nonCancellable(() =>
      activities.releaseTenant({ tenant, migration: workflowId, event: event.slice(0, 300) }),
    );
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    // Only a refusal comes here, everything else is retried. The next claim finds this workflow ended and takes over.
    log.warn(`${tenant}: ${step} could not give the lock back: ${reasonOf(error)}`);
  }
}

function cutOff(migration: string): string {
  return (
    `${migration} did not come to an end: schedules may be on either side or between the two, and those are left alone. ` +
    'Start a migration, either way, which brings them home.'
  );
}

export const NO_REFUSALS: Refusals = { refused: 0, byCode: {}, reasons: [] };

export function addRefusals({ refused, byCode, reasons }: Refusals, more: readonly Reason[]): Refusals {
  const codes = { ...byCode };
  for (const { code } of more) codes[code] = (codes[code] ?? 0) + 1;
  return { refused: refused + more.length, byCode: codes, reasons: listed(reasons, more) };
}

/** As many as a payload and a person can take. */
export function listed<T>(list: readonly T[], more: readonly T[]): T[] {
  return [...list, ...more].slice(0, LISTED);
}

/** Whatever people give beside the input is for the check of it to refuse. */
export function given<Input, Report>(
  args: [input: Input, carried?: Carried<Report>],
): { own: unknown[]; carried: Carried<Report> | undefined } {
  const continued = workflowInfo().continuedFromExecutionRunId !== undefined;
  return continued ? { own: [args[0]], carried: args[1] } : { own: args, carried: undefined };
}
