/** One case played: a schedule, two clusters, attempts to hand it over and whatever befalls them; then calm until it is over. */
import { type Handover, type HandoverResult, handOver } from '../../src/schedules/handover.ts';
import type { ScheduleCluster } from '../../src/schedules/ports.ts';
import type { Schedule } from '../../src/schedules/times.ts';
import type { Attempt, Case, Fault, UserAct } from './case.ts';
import { SimCluster } from './cluster.ts';
import { type Call, Crash, type Fate, WRITES } from './network.ts';
import { fraction, seedOf } from './spec.ts';
import { Endless, World } from './world.ts';
import { written } from './written.ts';

export const ID = 's';

export interface Sides {
  source: ScheduleCluster;
  target: ScheduleCluster;
}

export interface PlayOptions {
  recording?: boolean;
  /** Stands between the handover and its clusters: how mutants are made. */
  mutant?: (now: () => number) => (sides: Sides) => Sides;
}

interface Running {
  at: Attempt;
  calls: number;
  stormUntil: number;
}

export class Play {
  readonly case: Case;
  readonly world: World;
  readonly a: SimCluster;
  readonly b: SimCluster;
  readonly user: Schedule;
  /** The same without jitter: its due times are its nominal times. */
  readonly plain: Schedule;
  /** What was done to it, by kind. */
  readonly faults = new Map<string, number>();
  readonly userActs: UserAct[] = [];
  /** A user has deleted it, or opened the paused copy by hand: what happens then is theirs. */
  outOfHands = false;
  attempts = 0;
  /** When attempts said that it was done, by the world's clock. */
  readonly settledMs: number[] = [];
  /** By the clock of its first owner: nominal times before are nobody's. */
  createdMs = 0;
  calls = 0;
  #order = [2166136261, 0x9e3779b9];
  readonly #options: PlayOptions;
  #running: Running | undefined;

  constructor(it: Case, options: PlayOptions = {}) {
    this.case = it;
    this.#options = options;
    this.world = new World(it.seed, { recording: options.recording });
    this.user = written(it, this.world.startMs);
    this.plain = { ...this.user, spec: { ...this.user.spec, jitter: undefined } };
    [this.a, this.b] = [this.#cluster('a', 0), this.#cluster('b', 1)];
    this.#happened(it.engines.join());
  }

  #cluster(profile: 'a' | 'b', side: 0 | 1): SimCluster {
    const it = this.case;
    const { seed } = it;
    const cluster = new SimCluster(this.world, profile, {
      engine: it.engines[side],
      pace: { applyMs: it.applyMs, startMs: it.startMs, consistentReads: it.consistentReads },
      skewMs: it.skewMs[side],
      runs: {
        takesMs: (id) => Math.floor(fraction(seed, seedOf(id)) * it.runMs),
        fails: (id) => it.failsOneIn > 0 && fraction(seed + 1, seedOf(id)) * it.failsOneIn < 1,
        cancelMs: it.cancelMs,
      },
      network: { before: (call) => this.#before(call), after: (call) => this.#after(call) },
    });
    const { onStart } = cluster.runs;
    cluster.runs.onStart = (run) => {
      this.#happened(profile + run.by);
      onStart(run);
    };
    return cluster;
  }

  #before(call: Call): Fate | undefined {
    const running = this.#running;
    if (!running) return undefined;
    const n = running.calls++;
    this.calls++;
    if (WRITES.has(call.method)) this.world.tell(() => `${call.method} ${call.cluster} (call ${n})`);
    if (running.at.user?.call === n) this.#user(running.at.user);
    let fate: Fate | undefined;
    for (const fault of running.at.faults) {
      if (fault.call === n && fault.kind !== 'crash-after') fate ??= this.#fate(call, fault, running);
    }
    if (!fate && running.stormUntil > this.world.now()) {
      this.#count('throttled');
      fate = { kind: 'throttled', answerMs: 100 + this.world.random(running.stormUntil - this.world.now()) };
    }
    this.#mix(call, fate);
    return fate;
  }

  #after(call: Call): void {
    const running = this.#running;
    if (!running?.at.faults.some((f) => f.kind === 'crash-after' && f.call === running.calls - 1)) return;
    this.#count('crash');
    this.world.tell(() => `crash after ${call.method} ${call.cluster}`);
    throw new Crash(`after ${call.method}`);
  }

  #fate(call: Call, { kind, ms }: Fault, running: Running): Fate | undefined {
    const told = kind === 'crash-before' ? 'crash' : kind;
    if ((kind === 'late' || kind === 'twice') && !WRITES.has(call.method)) return undefined;
    // Never sent again by the client: a V2 scheduler would run it twice.
    if (kind === 'twice' && call.method === 'backfill') return undefined;
    this.#count(told);
    this.world.tell(() => `${kind} (${ms} ms): ${call.method} ${call.cluster}`);
    switch (kind) {
      case 'crash-before':
        throw new Crash(`before ${call.method}`);
      case 'storm':
        running.stormUntil = this.world.now() + ms;
        return { kind: 'throttled', answerMs: 100 + this.world.random(ms) };
      case 'late':
        return { kind, byMs: ms, answerMs: this.world.random(15_000) };
      case 'twice':
        return { kind, byMs: Math.min(ms, 2_000) };
      case 'lost':
      case 'undelivered':
        return { kind, answerMs: Math.min(ms, 15_000) };
      default:
        return undefined;
    }
  }

  #count(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
  }

  #mix({ cluster, method }: Call, fate: Fate | undefined): void {
    this.#happened(`${cluster}${method}${fate?.kind ?? ''}`);
  }

  #happened(what: string): void {
    let [x = 0, y = 0] = this.#order;
    for (let i = 0; i < what.length; i++) {
      x = Math.imul(x ^ what.charCodeAt(i), 16777619);
      y = Math.imul(y ^ what.charCodeAt(i), 0x85ebca6b) + 1;
    }
    this.#order = [x, y];
  }

  /** A number for the order of everything that happened: calls, what became of each, and what the schedulers started between them. */
  interleaving(): number {
    const [x = 0, y = 0] = this.#order;
    return (x >>> 0) * 2 ** 21 + ((y >>> 0) & 0x1fffff);
  }

  /** The side that is not our paused copy; undefined while both rest: then a user waits. */
  owner(): SimCluster | undefined {
    return [this.a, this.b].find((side) => {
      const schedule = side.schedule(ID);
      return schedule && !isStandby(schedule);
    });
  }

  #user(act: UserAct): void {
    const side = act.on === 'owner' ? this.owner() : this[act.on];
    if (!side?.schedule(ID)) return;
    this.userActs.push(act);
    this.#count(`user ${act.does}`);
    const now = this.world.now();
    this.outOfHands ||= act.does === 'delete' || (act.does === 'unpause' && isStandby(side.schedule(ID) ?? {}));
    switch (act.does) {
      case 'delete':
        this.world.tell(() => `user on ${side.profile}: delete`);
        return side.remove(ID);
      case 'edit':
        return side.edit(ID, (s) => ({
          ...s,
          action: { startWorkflow: { ...s.action?.startWorkflow, cronSchedule: 'x' } },
        }));
      case 'pause':
        return side.patch(ID, { pause: 'paused by hand' });
      case 'unpause':
        return side.patch(ID, { unpause: 'unpaused by hand' });
      case 'trigger':
        return side.patch(ID, { trigger: {} });
      case 'backfill':
        return side.patch(ID, { backfill: { ranges: [{ fromMs: now - 20_000, toMs: now - 10_000 }] } });
    }
  }

  async attempt(at: Attempt): Promise<HandoverResult | undefined> {
    this.attempts++;
    const between = at.forward ? { source: this.a, target: this.b } : { source: this.b, target: this.a };
    const { source, target } = this.#options.mutant?.(() => this.world.now())(between) ?? between;
    const handover: Handover = { source, target, time: this.world, migration: 'm', leadMs: 4_000, idleLimitMs: 60_000 };
    const hurriedAt = this.world.now() + (at.hurriedMs ?? Infinity);
    handover.hurried = () => this.world.now() >= hurriedAt;
    this.#running = { at, calls: 0, stormUntil: 0 };
    this.world.tell(() => (at.forward ? 'a to b' : 'b to a'));
    try {
      if (at.zombieMs === undefined) return await this.#handOver(handover);
      this.#count('zombie');
      const { zombieMs } = at;
      let first: HandoverResult | undefined;
      await this.world.together([
        async () => (first = await this.#handOver(handover)),
        async () => {
          await this.world.sleep(zombieMs);
          await this.#handOver(handover);
        },
      ]);
      return first;
    } finally {
      this.#running = undefined;
      this.world.advance(at.thenWaitMs);
    }
  }

  async #handOver(handover: Handover): Promise<HandoverResult | undefined> {
    try {
      const result = await handOver(handover, ID);
      this.world.tell(() => `${result.outcome} ${result.reason?.code ?? ''}`);
      if (result.outcome !== 'failed') this.settledMs.push(this.world.now());
      return result;
    } catch (error) {
      if (!(error instanceof Error) || error instanceof TypeError || error instanceof Endless) throw error;
      // A dying worker ends the attempt, and so does anything else: the step is tried again.
      this.world.tell(() => `ends: ${error.message}`);
      return undefined;
    }
  }

  /** Returns who owns it in the end, and whether the last attempt says so. */
  async run(): Promise<{ owner: 'a' | 'b'; result?: HandoverResult }> {
    await this.a.create(ID, { schedule: this.user });
    this.createdMs = this.world.now() + this.a.skewMs;
    this.world.advance(5_000 + this.world.random(10_000));
    for (const at of this.case.attempts) await this.attempt(at);
    const forward = this.case.attempts.at(-1)?.forward ?? true;
    let result: HandoverResult | undefined;
    for (let i = 0; i < 10; i++) {
      result = await this.attempt({ forward, faults: [], thenWaitMs: 25_000 });
      if (result && result.outcome !== 'failed') break;
    }
    // The watch takes off a bound that had to stay.
    this.world.advance(125_000);
    await this.attempt({ forward, faults: [], thenWaitMs: 60_000 });
    return { owner: forward ? 'b' : 'a', result };
  }
}

/** Told from the note alone, as a person would. */
export function isStandby(schedule: Schedule): boolean {
  return (schedule.state?.notes ?? '').startsWith('[ferry standby ');
}
