/**
 * A tenant's schedules on two clusters, in memory, behind the activities' interface. Pages, cursors, cancellation and
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
  PageInput,
  PreflightReport,
  Reason,
  SweepResult,
  VerifyResult,
  WatchResult,
} from '../../src/activities/types.ts';
import { addAudit, emptyAudit } from '../../src/schedules/audit.ts';

export type Faked = Omit<
  FerryActivities,
  'claimTenant' | 'recordOwner' | 'releaseTenant' | 'auditPage' | 'reconcilePage' | 'recordReconciled'
>;
export type FakedName = keyof Faked;

/** Called before an activity does its work; `call` counts from 1 per activity. Throwing fails the attempt. */
type Before = (call: number, input: Crossing) => Promise<void> | void;
/** Called before each schedule of a page. */
type BeforeSchedule = (schedule: string, input: PageInput) => Promise<void> | void;

export class FakeTenant implements Faked {
  /** Which profile runs each schedule. */
  readonly owners = new Map<string, string>();
  readonly copies = new Set<string>();
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

  readonly #before = new Map<FakedName, Before>();
  readonly #beforeSchedule = new Map<FakedName, BeforeSchedule>();
  readonly #counts = new Map<FakedName, number>();

  constructor(count: number, owner = 'cloud') {
    for (let n = 1; n <= count; n++) this.owners.set(`job-${String(n).padStart(4, '0')}`, owner);
  }

  activities(): Faked {
    const { preflight, copyPage, verifyPage, cutOverPage, sweep, watchOwnership } = this;
    return { preflight, copyPage, verifyPage, cutOverPage, sweep, watchOwnership };
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

  preflight = async (input: Crossing & { resuming: boolean }): Promise<PreflightReport> => {
    await this.#begin('preflight', input);
    return {
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

  async #begin(activity: FakedName, input: Crossing): Promise<void> {
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
