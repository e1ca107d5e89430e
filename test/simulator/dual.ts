/**
 * Two services of a tenant at work on its schedules, beside a hand-over there and back, with calls whose answers are
 * lost. What they were told, and what is there in the end, is judged against what they asked for.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import Long from 'long';
import { type Destination, type Route, announce } from '../../src/routes/route.ts';
import { handOver } from '../../src/schedules/handover.ts';
import type { Engine } from '../../src/schedules/ports.ts';
import { ScheduleCallError } from '../../src/services/schedules/errors.ts';
import type { ScheduleMethods } from '../../src/services/schedules/methods.ts';
import { SideStore } from '../../src/services/schedules/side.ts';
import { drift } from '../../src/services/schedules/standby.ts';
import { reconcile } from '../../src/services/schedules/reconcile.ts';
import { tenantSchedules } from '../../src/services/schedules/tenant-schedules.ts';
import { whereabouts } from '../../src/services/schedules/whereabouts.ts';
import type { Schedule } from '../../src/schedules/times.ts';
import { Policy } from './buffer.ts';
import { SimCluster } from './cluster.ts';
import { type Call, type Fate, WRITES } from './network.ts';
import { clockOf, rawService } from './service.ts';
import { World } from './world.ts';
import { millis, seconds } from './written.ts';

export const OPERATIONS = [
  'create',
  'update',
  'pause',
  'unpause',
  'trigger',
  'backfill',
  'delete',
  'describe',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Step {
  id: string;
  does: Operation;
  thenMs: number;
}

export interface DualCase {
  seed: number;
  engines: [Engine, Engine];
  services: [Step[], Step[]];
  /** When each way begins, ms after the one before. */
  moves: number[];
  /** Of a hundred calls, how many are lost one way or the other. */
  lostPercent: number;
  applyMs: number;
}

type Outcome = 'done' | 'refused' | 'unknown';

interface Write {
  value: string | boolean;
  fromMs: number;
  toMs: number;
  outcome: Outcome;
}

/** One thing that writes of one schedule set. */
class Register {
  readonly writes: Write[] = [];

  /** What it may read as in the end: a write that nothing acknowledged has come after. */
  may(value: string | boolean): boolean {
    const done = this.writes.filter(({ outcome }) => outcome === 'done');
    return this.writes.some(
      (w) =>
        w.value === value &&
        w.outcome !== 'refused' &&
        !done.some((later) => later !== w && later.fromMs > (w.outcome === 'unknown' ? Infinity : w.toMs)),
    );
  }

  get told(): string {
    return this.writes.map((w) => `${w.value} ${w.outcome} [${w.fromMs}..${w.toMs}]`).join(', ');
  }
}

interface Kept {
  there: Register;
  tag: Register;
  paused: Register;
}

/** Set while the calls are a hand-over's. */
const handingOver = new AsyncLocalStorage<boolean>();

export class Dual {
  readonly case: DualCase;
  readonly world: World;
  readonly a: SimCluster;
  readonly b: SimCluster;
  readonly stores: [SideStore, SideStore];
  readonly kept = new Map<string, Kept>();
  readonly triggers = { done: 0, unknown: 0 };
  readonly counts = new Map<string, number>();
  readonly wrong: string[] = [];
  #route: Route = { to: { cluster: 'a', split: null }, from: null, at: null, undrained: [] };
  #faulty = false;
  #tag = 0;
  readonly #manual = new Map<string, Promise<void>>();

  constructor(it: DualCase, recording = false) {
    this.case = it;
    this.world = new World(it.seed, { recording });
    const cluster = (profile: string, engine: Engine): SimCluster =>
      new SimCluster(this.world, profile, {
        engine,
        pace: { applyMs: it.applyMs },
        network: { before: (call) => this.#fate(call) },
      });
    this.a = cluster('a', it.engines[0]);
    this.b = cluster('b', it.engines[1]);
    const store = (c: SimCluster) => new SideStore({ profile: c.profile, namespace: 'n', service: rawService(c) });
    this.stores = [store(this.a), store(this.b)];
  }

  /**
   * Never late: a delete, and a create, for they have no token; whoever sends one may find it done at any time after. Nor
   * an update of what is deleted and made anew: the tokens of the new one begin as those of the old one did. All of that
   * is so on one cluster too. A hand-over makes many more calls, and begins anew at each that is lost.
   */
  #fate(call: Call): Fate | undefined {
    if (WRITES.has(call.method))
      this.world.tell(
        () => `${handingOver.getStore() ? 'hand-over' : 'service'}: ${call.method} ${call.id} on ${call.cluster}`,
      );
    const of = handingOver.getStore() ? 400 : 100;
    if (!this.#faulty || this.world.random(of) >= this.case.lostPercent) return undefined;
    const answerMs = this.world.random(3_000);
    const kind = this.world.random(3);
    this.#count(`call ${['lost', 'undelivered', 'late'][kind]}`);
    if (kind === 2 && call.method === 'update' && call.id !== 'd')
      return { kind: 'late', byMs: this.world.random(8_000), answerMs };
    return { kind: kind === 0 ? 'lost' : 'undelivered', answerMs };
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #service(): ScheduleMethods {
    const sides = {
      tenant: 'acme',
      route: async () => this.#route,
      side: (profile: string) => (profile === 'a' ? this.stores[0] : this.stores[1]).side,
      present: ['a', 'b'],
    };
    return tenantSchedules(sides, { clock: clockOf(this.world), count: (counter) => this.#count(counter) });
  }

  async play(): Promise<void> {
    const { services, moves } = this.case;
    const ids = [...new Set(services.flat().map(({ id }) => id))];
    for (const id of ids) this.kept.set(id, { there: new Register(), tag: new Register(), paused: new Register() });
    await this.world.together([
      async () => {
        const service = this.#service();
        for (const id of ids) await this.#do(service, { id, does: 'create', thenMs: 0 });
        this.#faulty = true;
      },
      // Alone, an actor's sleep would take the others' time with it.
      async () => this.world.sleep(1_000),
    ]);
    await this.world.together(
      [
        ...services.map((steps) => async () => {
          const service = this.#service();
          for (const step of steps) {
            await this.#do(service, step);
            await this.world.sleep(step.thenMs);
          }
        }),
        async () => {
          let there = true;
          for (const waitMs of moves) {
            await this.world.sleep(waitMs);
            await this.#move(ids, there);
            there = !there;
          }
        },
      ].map((actor) => () => this.#told(actor)),
    );
    this.#faulty = false;
    await this.world.together([() => this.#told(() => this.#reconcile(ids)), () => this.world.sleep(1)]);
    await this.#judge(ids);
  }

  /** The world does not say what an actor ended with. */
  async #told(actor: () => Promise<void>): Promise<void> {
    try {
      await actor();
    } catch (error) {
      this.wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  async #move(ids: string[], there: boolean): Promise<void> {
    const to: Destination = { cluster: there ? 'b' : 'a', split: null };
    for (let change = this.#announce(to); 'notBefore' in change; change = this.#announce(to)) {
      await this.world.sleep(Date.parse(change.notBefore) - this.world.now());
    }
    const [source, target] = there ? [this.a, this.b] : [this.b, this.a];
    const handover = { source, target, time: this.world, migration: 'm', leadMs: 4_000, idleLimitMs: 60_000 };
    await Promise.all(
      ids.map(async (id) => {
        for (let attempt = 0; attempt < 200; attempt++) {
          try {
            const { outcome, reason } = await handingOver.run(true, () => handOver(handover, id));
            if (outcome !== 'failed') return;
            this.#count(`hand-over ${reason?.code}`);
            // A copy whose deletion was lost, on the side that is the source by now: who runs the migration reconciles.
            if (reason?.code === 'not-ours')
              await reconcile(this.stores, id, { time: this.world, migration: 'reconcile' });
            if (reason?.code === 'edited-on-both-sides') this.wrong.push(`${id}: ${reason.found}`);
          } catch (error) {
            // As an activity that fails: it is tried again.
            if (!(error instanceof Error) || error instanceof TypeError) throw error;
            this.#count(`hand-over ends: ${error.name}`);
          }
          await this.world.sleep(2_000);
        }
        this.wrong.push(`${id} was not handed over to ${target.profile}`);
      }),
    );
  }

  #announce(to: Destination) {
    const change = announce(this.#route, 'a', to, this.world.now());
    if ('route' in change) this.#route = change.route;
    return change;
  }

  async #do(service: ScheduleMethods, { id, does }: Step): Promise<void> {
    const kept = this.kept.get(id);
    if (!kept) throw new Error(`no ${id}`);
    const fromMs = this.world.now();
    const sets: [Register, string | boolean][] = [];
    const tag = `t${this.#tag++}`;
    let outcome: Outcome = 'done';
    const key = { namespace: 'n', scheduleId: id };
    const requestId = `${tag}-${does}`;
    try {
      switch (does) {
        case 'create':
          sets.push([kept.there, true], [kept.tag, tag], [kept.paused, false]);
          await service.createSchedule({ ...key, schedule: this.#written(id, tag), requestId });
          break;
        case 'update': {
          const { schedule, conflictToken } = await service.describeSchedule(key);
          sets.push([kept.tag, tag]);
          await service.updateSchedule({ ...key, schedule: tagged(schedule ?? {}, tag), conflictToken, requestId });
          break;
        }
        case 'pause':
        case 'unpause':
          sets.push([kept.paused, does === 'pause']);
          await service.patchSchedule({ ...key, patch: { [does]: `${does}d by ${tag}` }, requestId });
          break;
        case 'trigger':
          // Of two patches in one workflow task a V1 scheduler loses one, as it does without us.
          await this.#oneManual(id, () =>
            service.patchSchedule({ ...key, patch: { triggerImmediately: {} }, requestId }),
          );
          break;
        case 'backfill':
          await this.#oneManual(id, () => {
            const now = this.world.now();
            const range = { startTime: millis(now - 20_000), endTime: millis(now - 15_000) };
            return service.patchSchedule({ ...key, patch: { backfillRequest: [range] }, requestId });
          });
          break;
        case 'delete':
          sets.push([kept.there, false]);
          await service.deleteSchedule({ ...key });
          break;
        case 'describe': {
          const { schedule } = await service.describeSchedule(key);
          if ((schedule?.state?.notes ?? '').includes('[ferry')) this.wrong.push(`${id}: a note of ours was shown`);
          if ([schedule?.spec?.startTime, schedule?.spec?.endTime].some(Boolean))
            this.wrong.push(`${id}: a bound of ours was shown`);
        }
      }
    } catch (error) {
      if (!(error instanceof ScheduleCallError)) throw error;
      const surely = error.message.includes('nothing was written') || [5, 6, 9].includes(error.code);
      outcome = surely ? 'refused' : 'unknown';
      this.world.tell(() => `${does} ${id} ${tag}: ${error.message}`);
    }
    this.world.tell(() => `${does} ${id} ${tag} ${outcome}`);
    this.#count(`${does} ${outcome}`);
    if (does === 'trigger' && outcome !== 'refused') this.triggers[outcome]++;
    for (const [register, value] of sets) {
      register.writes.push({ value, fromMs, toMs: this.world.now(), outcome });
    }
  }

  async #oneManual(id: string, call: () => Promise<unknown>): Promise<void> {
    const before = this.#manual.get(id);
    let free = (): void => {};
    const mine = new Promise<void>((resolve) => (free = resolve));
    this.#manual.set(id, before ? before.then(() => mine) : mine);
    await before;
    try {
      await call();
    } finally {
      this.world.at(this.world.now() + 3_000, free);
    }
  }

  #written(id: string, tag: string): Schedule {
    return {
      spec: { interval: [{ interval: seconds(2), phase: seconds(0) }] },
      action: {
        startWorkflow: {
          workflowId: id,
          workflowType: { name: 'w' },
          taskQueue: { name: 'q' },
          input: { payloads: [{ data: Buffer.from(tag) }] },
        },
      },
      policies: { overlapPolicy: Policy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, catchupWindow: seconds(365 * 86_400) },
      state: { notes: 'a note', remainingActions: Long.ZERO },
    };
  }

  async #reconcile(ids: string[]): Promise<void> {
    await this.world.sleep(10_000);
    for (const id of ids) {
      const done = await reconcile(this.stores, id, { time: this.world, migration: 'reconcile' });
      this.#count(`reconcile ${done.did}`);
      if (done.did === 'refused') this.wrong.push(`${id}: ${done.found}`);
    }
    await this.world.sleep(3_000);
  }

  async #judge(ids: string[]): Promise<void> {
    for (const id of ids) {
      const kept = this.kept.get(id);
      const [a, b] = [await this.a.describe(id), await this.b.describe(id)];
      const at = whereabouts(a?.schedule, b?.schedule, { a: 'a', b: 'b' });
      const said = (text: string): void => void this.wrong.push(`${id}: ${text}`);
      if (!kept) continue;
      if (at.kind === 'absent') {
        if (at.orphan) said('an orphan is left');
        if (!kept.there.may(false)) said(`it is gone; ${kept.there.told}`);
        continue;
      }
      if (at.kind !== 'owned' || !a || !b) {
        said(`${at.kind} in the end`);
        continue;
      }
      const [owner, copy] = at.owner === 'a' ? [a, b] : [b, a];
      if (!kept.there.may(true)) said(`it is there; ${kept.there.told}`);
      const fields = drift(owner, copy);
      if (fields.length > 0) said(`the copy differs: ${fields.join(', ')}`);
      if (!copy.schedule.state?.paused) said('the copy is not paused');
      const tag = tagOf(owner.schedule);
      if (!kept.tag.may(tag)) said(`it reads ${tag}; ${kept.tag.told}`);
      const paused = Boolean(owner.schedule.state?.paused);
      if (!kept.paused.may(paused)) said(`it is ${paused ? '' : 'not '}paused; ${kept.paused.told}`);
    }
    this.#judgeRuns();
  }

  #judgeRuns(): void {
    const runs = [this.a, this.b].flatMap(({ runs: { byId } }) => [...byId.values()].flat());
    // Triggers are made of `t` alone.
    const triggered = runs.filter(({ by, workflowId }) => by === 'user' && workflowId.startsWith('t-')).length;
    const { done, unknown } = this.triggers;
    if (triggered < done || triggered > done + unknown) {
      this.wrong.push(`${triggered} triggers ran, ${done} were acknowledged and ${unknown} more sent`);
    }
    const seen = new Map<string, number>();
    for (const { by, workflowId } of runs) {
      if (by !== 'user' && !workflowId.startsWith('d')) seen.set(workflowId, (seen.get(workflowId) ?? 0) + 1);
    }
    for (const [workflowId, times] of seen) if (times > 1) this.wrong.push(`${workflowId} ran ${times} times`);
  }
}

function tagged(schedule: Schedule, tag: string): Schedule {
  const start = schedule.action?.startWorkflow;
  const input = { payloads: [{ data: Buffer.from(tag) }] };
  return { ...schedule, action: { startWorkflow: { ...start, input } } };
}

function tagOf({ action }: Schedule): string {
  return Buffer.from(action?.startWorkflow?.input?.payloads?.[0]?.data ?? []).toString();
}
