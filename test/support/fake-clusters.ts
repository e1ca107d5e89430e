/**
 * Two clusters' schedules in memory, under virtual time: what the handover needs of a V1 and of a V2 scheduler, with the
 * habits that make it hard. V1: updates are queued, applied later and dropped without a word on a stale token; times
 * since its last action are looked at again after an update. V2: writes are applied at once or refused, and every one
 * drops what is due but not generated, or jittered ahead. Specs are one interval with phase.
 */
import Long from 'long';
import proto from '@temporalio/proto';
import type { ScheduleContent } from '../../src/schedules/canonical.ts';
import type { Described, Engine, RecentAction, Run, ScheduleCluster, Time } from '../../src/schedules/ports.ts';
import { type Schedule, durationMs, runId, toMs, toNumber } from '../../src/schedules/times.ts';

const { SCHEDULE_OVERLAP_POLICY_ALLOW_ALL } = proto.temporal.api.enums.v1.ScheduleOverlapPolicy;
const TICK_MS = 50;
const FUTURE = 10;
const LISTED = 1000;

/** A worker that dies: nothing of the handover may catch it. */
export class Crash extends Error {}

export type Call = { cluster: FakeCluster; method: string; id: string };

export class World implements Time {
  time: number;
  readonly clusters: FakeCluster[] = [];
  /** Seen around every call; may throw a Crash, act as a user, or answer `lost` for a write that is never delivered. */
  before: (call: Call) => 'lost' | void = () => {};
  after: (call: Call) => void = () => {};
  /** Seen at every tick. */
  watch: () => void = () => {};
  readonly #seed: number;
  #drawn = 0;

  constructor(seed: number, startMs = Date.UTC(2026, 0, 1)) {
    this.time = startMs;
    this.#seed = seed;
  }

  now(): number {
    return this.time;
  }

  async sleep(ms: number): Promise<void> {
    this.advance(ms);
  }

  random(max: number): number {
    return Math.floor(fraction(`${this.#seed}/${this.#drawn++}`) * max);
  }

  advance(ms: number): void {
    const end = this.time + ms;
    for (let tick = (Math.floor(this.time / TICK_MS) + 1) * TICK_MS; tick <= end; tick += TICK_MS) {
      this.time = tick;
      for (const cluster of this.clusters) cluster.tick();
      this.watch();
    }
    this.time = end;
  }
}

interface Kept {
  content: ScheduleContent;
  token: number;
  updatedMs?: number;
  /** High-water mark: nominal times up to here are done with. */
  mark: number;
  future: number[];
  recent: RecentAction[];
  /** Updates a V1 scheduler has not come to yet. */
  queue: { atMs: number; apply: () => void }[];
}

export type FakeRun = Run & { startMs: number; closeMs: number; by: 'scheduler' | 'fill' };

/** `applyMs`: how long a V1 update is queued at most; `runMs`: how long its runs take; `skewMs`: its clock minus the world's. */
interface Personality {
  engine: Engine;
  applyMs: number;
  runMs: number;
  skewMs: number;
}

export class FakeCluster implements ScheduleCluster {
  readonly profile: string;
  readonly world: World;
  readonly is: Personality;
  readonly runs = new Map<string, FakeRun>();
  readonly kept = new Map<string, Kept>();

  constructor(world: World, profile: string, is: Pick<Personality, 'engine'> & Partial<Personality>) {
    this.profile = profile;
    this.world = world;
    this.is = { applyMs: 300, runMs: 0, skewMs: 0, ...is };
    world.clusters.push(this);
  }

  /** This cluster's own clock. */
  get #now(): number {
    return this.world.time + this.is.skewMs;
  }

  describe = (id: string): Promise<Described | undefined> => this.#call('describe', id, () => this.#described(id));

  #described(id: string): Described | undefined {
    const s = this.kept.get(id);
    if (!s) return undefined;
    const v1 = this.is.engine === 'v1';
    return {
      ...s.content,
      token: Uint8Array.from(v1 ? new Long(s.token).toBytesBE() : new Long(s.token).toBytesLE()),
      engine: this.is.engine,
      updatedMs: s.updatedMs,
      futureMs: v1 ? this.#future(s, id, s.mark) : s.future,
      recent: [...s.recent],
      running: this.#open(s).map((run) => run.workflowId),
      buffered: 0,
      remaining: toNumber(s.content.schedule.state?.remainingActions),
    };
  }

  create = (id: string, content: ScheduleContent): Promise<'created' | 'exists'> =>
    this.#call('create', id, () => {
      if (this.kept.has(id)) return 'exists';
      const s: Kept = { content, token: 1, mark: this.#now, future: [], recent: [], queue: [] };
      this.kept.set(id, s);
      this.#process(id, s, true);
      return 'created';
    });

  update: ScheduleCluster['update'] = (id, schedule, token, searchAttributes) =>
    this.#call('update', id, (lost) => {
      const s = this.kept.get(id);
      if (!s) return 'gone';
      if (lost) return 'accepted';
      const known = Number(this.is.engine === 'v1' ? Long.fromBytesBE([...token]) : Long.fromBytesLE([...token]));
      const content = searchAttributes ? { schedule, searchAttributes } : { schedule };
      if (this.is.engine === 'v2') return this.#apply(id, s, known, content) ? 'accepted' : 'conflict';
      const atMs = Math.max(this.world.time + this.world.random(this.is.applyMs), s.queue.at(-1)?.atMs ?? 0);
      s.queue.push({ atMs, apply: () => this.#apply(id, s, known, content) });
      return 'accepted';
    });

  delete = (id: string): Promise<void> => this.#call('delete', id, () => void this.kept.delete(id));

  matchingTimes = (id: string, fromMs: number, untilMs: number): Promise<number[]> =>
    this.#call('matchingTimes', id, () =>
      this.#dueTimes(this.kept.get(id)?.content.schedule ?? {}, id, fromMs, untilMs).map(([, due]) => due),
    );

  describeRun = (workflowId: string): Promise<Run | undefined> =>
    this.#call('describeRun', workflowId, () => {
      const run = this.runs.get(workflowId);
      return run && { ...run, open: run.closeMs > this.#now };
    });

  startExactly = (id: string, schedule: Schedule, nominalMs: number, delayMs: number): Promise<'started' | 'exists'> =>
    this.#call('startExactly', id, () => (this.#start(schedule, nominalMs, delayMs, 'fill') ? 'started' : 'exists'));

  backfill: ScheduleCluster['backfill'] = (id) =>
    this.#call('backfill', id, () => {
      throw new Error('not simulated');
    });

  endRun: ScheduleCluster['endRun'] = (workflowId) =>
    this.#call('endRun', workflowId, () => {
      throw new Error('not simulated');
    });

  behindMs = async (): Promise<number> => 0;

  nominalTimes = ({ spec }: Schedule, fromMs: number, untilMs: number): Promise<number[]> =>
    this.#call('nominalTimes', '', () =>
      this.#dueTimes({ spec: { interval: spec?.interval } }, '', fromMs, untilMs).map(([nominal]) => nominal),
    );

  /** What a user writes: applied at once, whatever the token. */
  edit(id: string, change: (schedule: Schedule) => Schedule): void {
    const s = this.kept.get(id);
    if (s) this.#apply(id, s, s.token, { schedule: change(s.content.schedule) });
  }

  /** PatchSchedule: on V1 it leaves no stamp. */
  pause(id: string, paused: boolean, notes: string): void {
    const stamp = this.kept.get(id)?.updatedMs;
    this.edit(id, (schedule) => ({ ...schedule, state: { ...schedule.state, paused, notes } }));
    const s = this.kept.get(id);
    if (s && this.is.engine === 'v1') s.updatedMs = stamp;
  }

  tick(): void {
    for (const [id, s] of this.kept) {
      this.#process(id, s, false);
      while (s.queue[0] && s.queue[0].atMs <= this.world.time) s.queue.shift()?.apply();
    }
  }

  #apply(id: string, s: Kept, token: number, content: ScheduleContent): boolean {
    if (token !== s.token) return false;
    if (this.is.engine === 'v1') this.#process(id, s, true);
    s.content = { ...s.content, ...content };
    s.updatedMs = this.#now;
    s.token++;
    this.#process(id, s, true);
    return true;
  }

  /** Generates what is due. `woken`: by a write, so that a V2 scheduler moves its mark to now. */
  #process(id: string, s: Kept, woken: boolean): void {
    const now = this.#now;
    const { state } = s.content.schedule;
    const v2 = this.is.engine === 'v2';
    if (v2 && woken) s.mark = Math.max(s.mark, s.updatedMs ?? 0);
    if (!v2 && (state?.paused || (state?.limitedActions && toNumber(state.remainingActions) === 0))) s.mark = now;
    if (v2 && state?.paused) s.mark = Math.max(s.mark, now);
    let last: number | undefined;
    for (const [nominal, due] of this.#dueTimes(s.content.schedule, id, s.mark, now)) {
      if (state?.paused || due < (s.updatedMs ?? 0)) continue;
      last = due;
      if (this.#open(s).length > 0 || !this.#count(s)) continue;
      const run = this.#start(s.content.schedule, nominal, 0, 'scheduler');
      if (run) s.recent = [...s.recent, { workflowId: run.workflowId, dueMs: due, startedMs: now }].slice(-10);
    }
    s.mark = last ?? (v2 && woken ? now : s.mark);
    if (v2 && (woken || last !== undefined)) s.future = this.#future(s, id, Math.max(now, s.mark));
  }

  /** Takes one of a limited schedule's actions; false when none is left. */
  #count(s: Kept): boolean {
    const { state } = s.content.schedule;
    if (!state?.limitedActions) return true;
    const left = toNumber(state.remainingActions) - 1;
    if (left < 0) return false;
    s.content = {
      ...s.content,
      schedule: { ...s.content.schedule, state: { ...state, remainingActions: Long.fromNumber(left) } },
    };
    s.token++;
    return true;
  }

  #start(schedule: Schedule, nominalMs: number, delayMs: number, by: FakeRun['by']): FakeRun | undefined {
    const workflowId = runId(schedule.action?.startWorkflow?.workflowId ?? '', nominalMs);
    if (this.runs.has(workflowId)) return undefined;
    const startMs = this.#now + delayMs;
    const run = { workflowId, open: true, startMs, closeMs: startMs + this.is.runMs, by };
    this.runs.set(workflowId, run);
    return run;
  }

  #open(s: Kept): FakeRun[] {
    if (s.content.schedule.policies?.overlapPolicy === SCHEDULE_OVERLAP_POLICY_ALLOW_ALL) return [];
    return s.recent.flatMap(({ workflowId }) => this.runs.get(workflowId) ?? []).filter((r) => r.closeMs > this.#now);
  }

  #future(s: Kept, id: string, from: number): number[] {
    const { state } = s.content.schedule;
    const most = state?.limitedActions ? Math.min(toNumber(state.remainingActions), FUTURE) : FUTURE;
    const all = this.#dueTimes(s.content.schedule, id, from, Infinity, FUTURE * 10).map(([, due]) => due);
    return all.filter((due) => due >= (s.updatedMs ?? 0)).slice(0, most);
  }

  /** [nominal, due] with nominal > from and due <= until, as the server's GetNextTime does it. */
  #dueTimes({ spec }: Schedule, id: string, from: number, until: number, most = LISTED): [number, number][] {
    const every = durationMs(spec?.interval?.[0]?.interval);
    if (every === 0) return [];
    const phase = durationMs(spec?.interval?.[0]?.phase);
    const end = toMs(spec?.endTime) ?? Infinity;
    const after = Math.max(from, (toMs(spec?.startTime) ?? 0) - 1000);
    const jitter = Math.min(durationMs(spec?.jitter), every);
    const times: [number, number][] = [];
    const first = (Math.floor((after - phase) / every) + 1) * every + phase;
    for (let n = first; n <= end && times.length < most; n += every) {
      const due = n + Math.floor(fraction(`${this.profile}/${id}/${n}`) * jitter);
      if (due > until) break;
      times.push([n, due]);
    }
    return times;
  }

  async #call<T>(method: string, id: string, act: (lost: boolean) => T): Promise<T> {
    const call = { cluster: this, method, id };
    const lost = this.world.before(call) === 'lost';
    this.world.advance(1 + this.world.random(20));
    const answer = act(lost);
    this.world.after(call);
    this.world.advance(1 + this.world.random(20));
    return answer;
  }
}

/** In [0, 1), the same for the same text: the server's jitter is a hash too. */
function fraction(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
