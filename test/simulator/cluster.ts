/** One simulated cluster behind the port the handover talks to, and what its users do to it directly. */
import type { ScheduleContent } from '../../src/schedules/canonical.ts';
import type { Described, Engine, Run, ScheduleCluster } from '../../src/schedules/ports.ts';
import { type Schedule, runId } from '../../src/schedules/times.ts';
import { type Call, type Method, type Network, TransportError } from './network.ts';
import { type Execution, type RunBehaviour, Runs } from './runs.ts';
import { type Dropped, type Pace, type Patch, QUICK, type Scheduler, idOf } from './scheduler.ts';
import { nextTime, seedOf, timesBetween } from './spec.ts';
import { V1Scheduler } from './v1.ts';
import { V2Scheduler } from './v2.ts';
import type { World } from './world.ts';

export interface ClusterOptions {
  engine: Engine;
  pace?: Partial<Pace>;
  runs?: Partial<RunBehaviour>;
  /** This cluster's clock minus the world's, ms. */
  skewMs?: number;
  network?: Partial<Network>;
}

/** How far off a measurement of a clock is, ms. */
const CLOCK_ERROR_MS = 30;

export class SimCluster implements ScheduleCluster {
  readonly profile: string;
  readonly engine: Engine;
  readonly world: World;
  readonly runs: Runs;
  readonly skewMs: number;
  /** Why nominal times did not run here, the last reason for each. */
  readonly dropped = new Map<number, Dropped>();
  readonly #schedulers = new Map<string, Scheduler>();
  readonly #pace: Pace;
  readonly #network: Partial<Network>;
  #requests = 0;

  constructor(world: World, profile: string, options: ClusterOptions) {
    this.world = world;
    this.profile = profile;
    this.engine = options.engine;
    this.skewMs = options.skewMs ?? 0;
    this.#pace = { ...QUICK, ...options.pace };
    this.#network = options.network ?? {};
    const behaviour = { takesMs: () => 0, fails: () => false, cancelMs: 200, ...options.runs };
    this.runs = new Runs(world, this.skewMs, behaviour);
    this.runs.onStart = (run) => world.tell(() => `${profile}: ${run.by} starts ${run.workflowId.slice(-9, -1)}`);
    this.runs.onClose = (run) => this.#closed(run);
  }

  #closed(run: Execution): void {
    if (run.closeMs > run.startMs)
      this.world.tell(() => `${this.profile}: ${run.workflowId.slice(-9, -1)} ${run.status}`);
    for (const scheduler of this.#schedulers.values()) scheduler.closed(run);
  }

  /** As it is now, whatever is under way. */
  schedule(id: string): Schedule | undefined {
    return this.#schedulers.get(id)?.content.schedule;
  }

  describe = async (id: string): Promise<Described | undefined> =>
    this.#call('describe', id, () => this.#schedulers.get(id)?.describe(), {
      until: () => this.#schedulers.get(id)?.busyUntil(),
    });

  create = (id: string, content: ScheduleContent): Promise<'created' | 'exists'> => {
    let made: Scheduler | undefined;
    return this.#call('create', id, () => {
      const there = this.#schedulers.get(id);
      // The same request again: its request id says so.
      if (there) return there === made ? 'created' : 'exists';
      made = this.#make(content);
      this.#schedulers.set(id, made);
      return 'created';
    });
  };

  #make(content: ScheduleContent): Scheduler {
    const surroundings = {
      world: this.world,
      runs: this.runs,
      seed: seedOf(`${this.profile}-${idOf(content.schedule)}`),
      now: () => this.world.now() + this.skewMs,
      skewMs: this.skewMs,
      pace: this.#pace,
      dropped: (nominalMs: number, why: Dropped) => {
        if (this.dropped.get(nominalMs) === why) return;
        this.dropped.set(nominalMs, why);
        this.world.tellEach(`${this.profile} leaves out (${why})`, () =>
          new Date(nominalMs).toISOString().slice(11, 19),
        );
      },
    };
    return this.engine === 'v1' ? new V1Scheduler(surroundings, content) : new V2Scheduler(surroundings, content);
  }

  /** Whether its scheduler still has this time to run. */
  holds(id: string, nominalMs: number): boolean {
    return this.#schedulers.get(id)?.holds(nominalMs) ?? false;
  }

  /** Whether a run of it is open, or waits. */
  busy(id: string): boolean {
    const described = this.#schedulers.get(id)?.describe();
    return described !== undefined && (described.buffered > 0 || described.running.length > 0);
  }

  update: ScheduleCluster['update'] = (id, schedule, token, searchAttributes) => {
    const content = searchAttributes ? { schedule, searchAttributes } : { schedule };
    const requestId = this.#requestId();
    return this.#call(
      'update',
      id,
      () => this.#schedulers.get(id)?.update(content, token, requestId, 'write') ?? 'gone',
      {
        unknown: 'accepted',
      },
    );
  };

  /** The same from a service of the tenant: unconditional where it gives no token, and its outcome may be unknown. */
  sendUpdate(
    id: string,
    content: ScheduleContent,
    token: Uint8Array | undefined,
    requestId: string,
  ): Promise<'accepted' | 'conflict' | 'gone'> {
    const act = () => this.#schedulers.get(id)?.update(content, token, requestId, 'user') ?? 'gone';
    return this.#call('update', id, act);
  }

  sendPatch(id: string, patch: Patch, requestId: string): Promise<'accepted' | 'gone'> {
    return this.#call('patch', id, () => {
      const scheduler = this.#schedulers.get(id);
      scheduler?.patch(patch, requestId, 'user');
      return scheduler ? 'accepted' : 'gone';
    });
  }

  delete = (id: string): Promise<void> => this.#call('delete', id, () => this.remove(id));

  matchingTimes = (id: string, fromMs: number, untilMs: number): Promise<number[]> =>
    this.#call('matchingTimes', id, () => {
      const scheduler = this.#schedulers.get(id);
      const schedule = scheduler?.content.schedule;
      if (!schedule) throw new Error(`NOT_FOUND: schedule ${id}`);
      const seed = seedOf(`${this.profile}-${idOf(schedule)}`);
      return timesBetween(schedule, seed, fromMs, untilMs).map((time) => time.dueMs);
    });

  describeRun = (workflowId: string): Promise<Run | undefined> =>
    this.#call('describeRun', workflowId, () => {
      const run = this.runs.latest(workflowId);
      if (!run) return undefined;
      const open = run.status === 'open';
      return { workflowId, open, startMs: run.startMs, closeMs: open ? undefined : run.closeMs };
    });

  countRuns = (id: string, sinceMs: number): Promise<number> =>
    this.#call('countRuns', id, () => {
      const runs = [...this.runs.byId.values()].flat();
      return runs.filter(({ startMs }) => startMs >= sinceMs).length;
    });

  startExactly = (
    scheduleId: string,
    schedule: Schedule,
    nominalMs: number,
    delayMs: number,
  ): Promise<'started' | 'exists'> => {
    let made: Execution | undefined;
    return this.#call('startExactly', scheduleId, () => {
      const workflowId = runId(idOf(schedule), nominalMs);
      if (made) return 'started';
      made = this.runs.start(workflowId, 'fill', true, delayMs);
      return made ? 'started' : 'exists';
    });
  };

  backfill: ScheduleCluster['backfill'] = (id, ranges, policy, requestId) =>
    this.#call(
      'backfill',
      id,
      () => {
        const scheduler = this.#schedulers.get(id);
        scheduler?.patch({ backfill: { ranges, policy } }, requestId, 'write');
        return scheduler ? 'accepted' : 'gone';
      },
      { unknown: 'unknown' },
    );

  endRun: ScheduleCluster['endRun'] = (workflowId, how) =>
    this.#call('endRun', workflowId, () => {
      if (how === 'cancel') this.runs.cancel(workflowId);
      else this.runs.terminate(workflowId);
    });

  behindMs = async (): Promise<number> => Math.max(0, CLOCK_ERROR_MS - this.skewMs);

  aheadMs = async (): Promise<number> => Math.max(0, CLOCK_ERROR_MS + this.skewMs);

  nominalTimes = (schedule: Schedule, fromMs: number, untilMs: number): Promise<number[]> =>
    this.#call('nominalTimes', '', () => {
      const plain = { ...schedule, spec: { ...schedule.spec, jitter: null, startTime: null, endTime: null } };
      return timesBetween(plain, 0, fromMs, untilMs).map((time) => time.nominalMs);
    });

  /** Due time of a nominal one here. */
  dueOf(schedule: Schedule, nominalMs: number): number {
    return nextTime(schedule, seedOf(`${this.profile}-${idOf(schedule)}`), nominalMs - 1)?.dueMs ?? nominalMs;
  }

  /** A user's PatchSchedule. */
  patch(id: string, patch: Patch): void {
    this.world.tell(() => `user on ${this.profile}: ${JSON.stringify(patch)}`);
    this.#schedulers.get(id)?.patch(patch, this.#requestId(), 'user');
  }

  /** A user's UpdateSchedule: what they read a moment ago, changed. */
  edit(id: string, change: (schedule: Schedule) => Schedule): void {
    const scheduler = this.#schedulers.get(id);
    if (!scheduler) return;
    this.world.tell(() => `user on ${this.profile}: edit`);
    const { schedule, token } = scheduler.describe();
    scheduler.update({ schedule: change(schedule) }, token, this.#requestId(), 'user');
  }

  /** Takes it away, its runs stay. */
  remove(id: string): void {
    this.#schedulers.get(id)?.stop();
    this.#schedulers.delete(id);
  }

  #requestId(): string {
    return `${this.profile}-${this.#requests++}`;
  }

  async #call<T>(
    method: Method,
    id: string,
    act: () => T,
    how: { unknown?: T; until?: () => number | undefined } = {},
  ): Promise<T> {
    const call: Call = { cluster: this.profile, method, id };
    const fate = this.#network.before?.(call);
    const outcome =
      fate === undefined ? await this.#deliver(call, act, how.until) : await this.#afflict(call, act, fate);
    this.#network.after?.(call);
    if ('answer' in outcome) return outcome.answer;
    if (how.unknown !== undefined && outcome.code !== 'RESOURCE_EXHAUSTED') return how.unknown;
    throw new TransportError(outcome.code, method);
  }

  async #deliver<T>(call: Call, act: () => T, until?: () => number | undefined): Promise<{ answer: T }> {
    await this.world.sleep(this.#travelMs(call));
    for (let at = until?.(); at !== undefined; at = until?.()) await this.world.sleep(at - this.world.now());
    const answer = act();
    await this.world.sleep(this.#travelMs(call));
    return { answer };
  }

  async #afflict<T>(
    call: Call,
    act: () => T,
    fate: NonNullable<ReturnType<Network['before']>>,
  ): Promise<{ answer: T } | { code: TransportError['code'] }> {
    const { world } = this;
    const start = world.now();
    if (fate.kind === 'twice') {
      await this.#deliver(call, act);
      await world.sleep(fate.byMs);
      return this.#deliver(call, act);
    }
    if (fate.kind === 'lost') await this.#deliver(call, act);
    if (fate.kind === 'late') world.at(start + fate.byMs, () => this.#arrivesLate(call, act));
    await world.sleep(fate.answerMs);
    if (fate.kind === 'throttled') return { code: 'RESOURCE_EXHAUSTED' };
    return { code: fate.kind === 'lost' ? 'UNAVAILABLE' : 'DEADLINE_EXCEEDED' };
  }

  /** Nobody waits for its answer any more. */
  #arrivesLate(call: Call, act: () => unknown): void {
    this.world.tell(() => `${call.method} ${call.cluster} arrives late`);
    act();
  }

  #travelMs(call: Call): number {
    return this.#network.travelMs?.(call) ?? 1 + this.world.random(20);
  }
}
