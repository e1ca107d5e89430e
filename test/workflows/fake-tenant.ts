/**
 * A tenant's schedules and workflows on two clusters, in memory, behind the activities' interface. Pages, cursors, cancellation and
 * idempotence behave as the real activities promise; what goes wrong is scripted by the test.
 */
import { activityInfo, CancelledFailure, cancellationSignal, heartbeat, sleep } from '@temporalio/activity';
import type {
  Audit,
  Breach,
  ClusterFacts,
  CopyResult,
  Crossing,
  CutOverResult,
  FerryActivities,
  MeasureCheckInput,
  PageInput,
  PreflightInput,
  PreflightReport,
  Reason,
  SweepResult,
  VerifyResult,
  WatchResult,
  WorkflowsInput,
  WorkflowsSeen,
  WrongSide,
} from '../../src/activities/types.ts';
import type { Phase, Taken } from '../../src/gates/measurement.ts';
import { addAudit, emptyAudit } from '../../src/schedules/audit.ts';

export type Faked = Omit<
  FerryActivities,
  | 'claimTenant'
  | 'recordOwner'
  | 'flipRoute'
  | 'recordDrained'
  | 'releaseTenant'
  | 'auditPage'
  | 'reconcilePage'
  | 'recordReconciled'
  | 'knowProfiles'
  | 'pausePage'
  | 'unpausePage'
  | 'surveyTenants'
  | 'watchMigrations'
>;
export type FakedName = keyof Faked;

/** Called before an activity does its work; `call` counts from 1 per activity. Throwing fails the attempt. */
type Before = (call: number, input: Pick<Crossing, 'from' | 'to'>) => Promise<void> | void;
/** Called before each schedule of a page. */
type BeforeSchedule = (schedule: string, input: PageInput) => Promise<void> | void;

/** A workflow on demand. */
export interface Started {
  workflowId: string;
  type: string;
  on: string;
  /** ISO. */
  startedAt: string;
  open: boolean;
}

export class FakeTenant implements Faked {
  /** Which profile runs each schedule. */
  readonly owners = new Map<string, string>();
  readonly copies = new Set<string>();
  /** Its workflows on demand. */
  readonly started: Started[] = [];
  /** Started after the change, and too many to look at each. */
  unexamined = 0;
  /** Activity attempts in order, such as `cutOverPage cloud>selfhosted`. */
  readonly calls: string[] = [];
  blockers: Reason[] = [];
  warnings: Reason[] = [];
  /** Per verify pass: what differs, is missing or extra on the first page. */
  findings: Partial<Pick<VerifyResult, 'different' | 'missing' | 'extra'>>[] = [];
  /** Schedules that cannot be copied or handed over as long as they are in here. */
  readonly stubborn = new Map<string, Reason>();
  /** Added to the audit of the next page handed over. */
  audit: Partial<Audit> = {};
  /** Per watch: what it finds. */
  breaches: Breach[][] = [];
  /** What the next watch proves of handovers it completes. */
  watched: Partial<Audit> = {};
  removed: string[] = [];
  /** What the measurements of a check say, by its name; each counts from 1. */
  measured: (check: string, call: number) => Phase | Promise<Phase> = () => 'successful';
  readonly measurements: MeasureCheckInput[] = [];

  readonly #before = new Map<FakedName, Before>();
  readonly #beforeSchedule = new Map<FakedName, BeforeSchedule>();
  readonly #counts = new Map<FakedName, number>();

  constructor(count: number, owner = 'cloud') {
    for (let n = 1; n <= count; n++) this.owners.set(`job-${String(n).padStart(4, '0')}`, owner);
  }

  activities(): Faked {
    const { preflight, copyPage, verifyPage, cutOverPage, sweep, watchOwnership, lookAtWorkflows, measureCheck } = this;
    return { preflight, copyPage, verifyPage, cutOverPage, sweep, watchOwnership, lookAtWorkflows, measureCheck };
  }

  before(activity: FakedName, hook: Before): this {
    this.#before.set(activity, hook);
    return this;
  }

  beforeSchedule(activity: FakedName, hook: BeforeSchedule): this {
    this.#beforeSchedule.set(activity, hook);
    return this;
  }

  called(activity: FakedName): number {
    return this.#counts.get(activity) ?? 0;
  }

  ownedBy(profile: string): number {
    return [...this.owners.values()].filter((owner) => owner === profile).length;
  }

  /** Starts some; `at`: Unix ms. */
  start(count: number, on: string, at: number, type = 'Order'): this {
    for (let n = 0; n < count; n++) {
      const workflowId = `order-${this.started.length + 1}`;
      this.started.push({ workflowId, type, on, startedAt: new Date(at + n).toISOString(), open: true });
    }
    return this;
  }

  end(): void {
    for (const each of this.started) each.open = false;
  }

  lookAtWorkflows = async ({ cluster, after, early }: WorkflowsInput): Promise<WorkflowsSeen> => {
    await this.#begin('lookAtWorkflows', { from: cluster, to: cluster });
    const { open, byType } = this.#open(cluster);
    const seen = { open, byType, wrongSide: this.#startedOn(cluster, after ?? '~', this.unexamined) };
    return early ? { ...seen, early: this.#startedOn(early.cluster, early.after, 0, early.before) } : seen;
  };

  #startedOn(cluster: string, after: string, unexamined: number, before = '~'): WrongSide {
    const those = this.started.filter(({ on, startedAt: at }) => on === cluster && at > after && at < before);
    const first = those.slice(0, 20).map(({ workflowId, type, startedAt }) => ({ workflowId, type, startedAt }));
    return { count: those.length, first, unexamined };
  }

  #open(cluster: string): Pick<WorkflowsSeen, 'open' | 'byType'> {
    const open = this.started.filter((each) => each.open && each.on === cluster);
    const types = [...new Set(open.map(({ type }) => type))].map((type) => {
      const those = open.filter((each) => each.type === type);
      return { type, open: those.length, oldestStartedAt: those[0]?.startedAt ?? '' };
    });
    return { open: open.length, byType: types };
  }

  preflight = async (input: PreflightInput): Promise<PreflightReport> => {
    await this.#begin('preflight', input);
    const ever = this.started.filter(({ on }) => on === input.from).length;
    return {
      ...(typeof input.workflows === 'string' && { workflows: { ...this.#open(input.from), ever, route: null } }),
      blockers: this.blockers,
      warnings: this.warnings,
      schedules: { total: this.owners.size, paused: 0, active: this.owners.size },
      facts: { from: clusterFacts(input.from), to: clusterFacts(input.to), clockSkewMs: 3, clockSkewErrorMs: 1 },
      plan: {
        schedules: [...this.owners.keys()].slice(0, 3).map((schedule) => ({
          schedule,
          writes: [`${input.to}: create paused copy`],
          warnings: [],
        })),
        omitted: Math.max(0, this.owners.size - 3),
        rpcEstimate: this.owners.size * 10,
      },
    };
  };

  copyPage = async (input: PageInput): Promise<CopyResult> => {
    await this.#begin('copyPage', input);
    const result: CopyResult = { seen: 0, created: 0, updated: 0, unchanged: 0, failed: [] };
    result.next = await this.#page('copyPage', input, (schedule) => {
      result.seen++;
      const refused = this.stubborn.get(schedule);
      if (refused) result.failed.push(refused);
      else if (this.copies.has(schedule)) result.unchanged++;
      else result.created++;
      if (!refused) this.copies.add(schedule);
    });
    return result;
  };

  verifyPage = async (input: PageInput): Promise<VerifyResult> => {
    await this.#begin('verifyPage', input);
    const found = input.cursor === undefined ? this.findings.shift() : undefined;
    const result: VerifyResult = { seen: 0, matching: 0, different: [], missing: [], extra: [], ...found };
    const wrong = new Set([...result.different.map(({ schedule }) => schedule), ...result.missing]);
    result.next = await this.#page('verifyPage', input, (schedule) => {
      result.seen++;
      if (!wrong.has(schedule)) result.matching++;
    });
    return result;
  };

  cutOverPage = async (input: PageInput): Promise<CutOverResult> => {
    await this.#begin('cutOverPage', input);
    const result: CutOverResult = {
      seen: 0,
      handedOver: 0,
      alreadyThere: 0,
      userPaused: 0,
      failed: [],
      failedIds: [],
      audit: addAudit(emptyAudit(), { ...emptyAudit(), ...this.audit }),
    };
    this.audit = {};
    result.next = await this.#page('cutOverPage', input, (schedule) => {
      result.seen++;
      const refused = this.stubborn.get(schedule);
      if (this.owners.get(schedule) === input.to) {
        result.alreadyThere++;
      } else if (refused) {
        result.failed.push(refused);
        result.failedIds?.push(schedule);
      } else {
        this.owners.set(schedule, input.to);
        result.handedOver++;
        result.audit.runs++;
      }
    });
    return result;
  };

  sweep = async (input: Crossing): Promise<SweepResult> => {
    await this.#begin('sweep', input);
    return { removed: this.removed.splice(0), remaining: this.ownedBy(input.from) };
  };

  watchOwnership = async (input: Crossing): Promise<WatchResult> => {
    await this.#begin('watchOwnership', input);
    const audit = { ...emptyAudit(), ...this.watched };
    this.watched = {};
    return { checked: this.owners.size, breaches: this.breaches.shift() ?? [], audit };
  };

  measureCheck = async (input: MeasureCheckInput): Promise<Taken> => {
    await this.#begin('measureCheck', input);
    this.measurements.push(input);
    const { name } = input.check;
    const call = this.measurements.filter(({ check }) => check.name === name).length;
    const phase = await this.measured(name, call);
    return { at: new Date().toISOString(), phase, value: call, message: `${phase} the ${call}.` };
  };

  async #begin(activity: FakedName, input: Pick<Crossing, 'from' | 'to'>): Promise<void> {
    const call = this.called(activity) + 1;
    this.#counts.set(activity, call);
    this.calls.push(`${activity} ${input.from}>${input.to}`);
    await this.#before.get(activity)?.(call, input);
  }

  /** Every schedule from the cursor on, until the page is full or a cancellation is heard between two of them. */
  async #page(activity: FakedName, input: PageInput, treat: (schedule: string) => void): Promise<string | undefined> {
    const all = input.only ?? [...this.owners.keys()].toSorted();
    const start = Number(input.cursor ?? 0);
    for (let at = start; at < all.length; at++) {
      if (at - start >= input.pageSize || cancellationSignal().aborted) return String(at);
      const schedule = all[at] ?? '';
      await this.#beforeSchedule.get(activity)?.(schedule, input);
      treat(schedule);
    }
    return undefined;
  }
}

/** For hooks: holds an activity, heartbeating, until it hears of its cancellation. */
export async function untilCancelled(): Promise<void> {
  while (!cancellationSignal().aborted) {
    heartbeat(`attempt ${activityInfo().attempt}`);
    try {
      await sleep(20);
    } catch (error) {
      if (!(error instanceof CancelledFailure)) throw error;
    }
  }
}

export function reason(schedule: string, found = 'it is stubborn'): Reason {
  return { object: `schedule ${schedule}`, code: 'still-running', found, remedy: 'persuade it' };
}

function clusterFacts(profile: string): ClusterFacts {
  return { profile, namespace: 'default', clusterId: `id-${profile}`, serverVersion: '1.32.0', engine: 'v1' };
}
