/**
 * What may be said of a case once it is over. Shares no code with the handover: it looks at what ran, and at what a
 * scheduler under the same policy could have left out given what was really open, paused or used up.
 */
import type { Schedule } from '../../src/schedules/times.ts';
import type { SimCluster } from './cluster.ts';
import { ID, type Play } from './play.ts';
import type { Execution } from './runs.ts';
import { timesBetween } from './spec.ts';
import { ACTION_ID } from './written.ts';

/** World time between the states of one side that differ. */
export interface Paused {
  fromMs: number;
  toMs: number;
}

/** A scheduler learns of a close this late at most: timers, watchers, tasks in flight, ms. */
const LEARNS_MS = 2_500;

interface Ran {
  execution: Execution;
  side: SimCluster;
  /** World's clock. */
  startMs: number;
  beginMs: number;
  closeMs: number;
}

interface Nominal {
  nominalMs: number;
  /** Earliest and latest it may be due, world's clock: each side has its own jitter and clock. */
  dueFromMs: number;
  dueToMs: number;
  ran: Ran[];
}

export interface Verdicts {
  judged: number;
  wrong: string[];
  filled: number;
  explained: number;
  duplicates: number;
  misses: number;
}

export class Oracle {
  readonly #play: Play;
  readonly #paused: Paused[] = [];
  readonly bothOpen: string[] = [];
  #pausedSince: number | undefined;
  #seen: [Schedule | undefined, Schedule | undefined] = [undefined, undefined];
  #overlapUntil = -Infinity;
  #overlapFrom = Infinity;

  constructor(play: Play) {
    this.#play = play;
    play.world.watch = () => this.#watch();
  }

  #watch(): void {
    const [a, b] = [this.#play.a.schedule(ID), this.#play.b.schedule(ID)];
    if (a !== this.#seen[0] || b !== this.#seen[1]) this.#changed(a, b);
    const now = this.#play.world.now();
    if (now <= this.#overlapUntil && this.#overlapFrom < Infinity) {
      this.bothOpen.push(
        `${((now - this.#play.world.startMs) / 1000).toFixed(3)}: both can run ${iso(Math.max(now, this.#overlapFrom))}`,
      );
      this.#overlapFrom = Infinity;
    }
  }

  #changed(a: Schedule | undefined, b: Schedule | undefined): void {
    this.#seen = [a, b];
    const now = this.#play.world.now();
    const paused = [a, b].some((s) => s && isUserPaused(s));
    if (paused) this.#pausedSince ??= now;
    else if (this.#pausedSince !== undefined) {
      this.#paused.push({ fromMs: this.#pausedSince, toMs: now });
      this.#pausedSince = undefined;
    }
    const [x, y] = [windowOf(a), windowOf(b)];
    this.#overlapFrom = x && y ? Math.max(x[0], y[0]) : Infinity;
    this.#overlapUntil = x && y ? Math.min(x[1], y[1]) : -Infinity;
    if (this.#overlapFrom > this.#overlapUntil) this.#overlapFrom = Infinity;
  }

  verdicts(): Verdicts {
    if (this.#pausedSince !== undefined) {
      this.#paused.push({ fromMs: this.#pausedSince, toMs: this.#play.world.now() });
      this.#pausedSince = undefined;
    }
    const times = this.#nominals();
    const result: Verdicts = { judged: times.length, wrong: [], filled: 0, explained: 0, duplicates: 0, misses: 0 };
    for (const time of times) {
      const own = time.ran.filter(({ execution: { by } }) => by === 'scheduler' || by === 'fill' || by === 'backfill');
      if (own.some(({ execution }) => execution.by === 'fill')) result.filled++;
      if (own.length > 1 && !this.#userDid('backfill')) {
        result.duplicates++;
        result.wrong.push(`${iso(time.nominalMs)}: ran on ${time.ran.map(show).join(' and ')}`);
      }
      if (time.ran.length > 0) continue;
      if (this.#explains(time, times)) result.explained++;
      else {
        result.misses++;
        result.wrong.push(`${iso(time.nominalMs)}: did not run (${this.#saysWhy(time)})`);
      }
    }
    return result;
  }

  #userDid(does: string): boolean {
    return this.#play.userActs.some((act) => act.does === does);
  }

  #saysWhy({ nominalMs }: Nominal): string {
    const { a, b } = this.#play;
    return `a: ${a.dropped.get(nominalMs) ?? 'never looked at'}, b: ${b.dropped.get(nominalMs) ?? 'never looked at'}`;
  }

  #nominals(): Nominal[] {
    const { world, user, a, b } = this.#play;
    const jitter = Math.max(this.#play.case.spec.jitterMs, 0);
    const until = world.now() - jitter - 30_000;
    const plain = { ...user, spec: { ...user.spec, jitter: undefined } };
    const ran = new Map<number, Ran[]>();
    for (const side of [a, b]) {
      for (const [workflowId, executions] of side.runs.byId) {
        const nominalMs = Date.parse(workflowId.slice(ACTION_ID.length + 1));
        const all = ran.get(nominalMs) ?? [];
        ran.set(nominalMs, all);
        for (const execution of executions) all.push(ranOn(side, execution));
      }
    }
    return timesBetween(plain, 0, this.#play.createdMs, until).map(({ nominalMs }) => {
      const dues = [a, b].map((side) => side.dueOf(user, nominalMs) - side.skewMs);
      return {
        nominalMs,
        dueFromMs: Math.min(...dues),
        dueToMs: Math.max(...dues),
        ran: ran.get(nominalMs) ?? [],
      };
    });
  }

  #explains(time: Nominal, times: Nominal[]): boolean {
    const { policy, limit } = this.#play.case;
    if (limit !== undefined && this.#counted(times) >= limit) return true;
    if (this.#serverLost(time)) return true;
    const blockers = times
      .flatMap((other) => (other === time ? [] : other.ran))
      .filter((run) => run.startMs <= time.dueToMs + LEARNS_MS && run.closeMs + LEARNS_MS >= time.dueFromMs);
    const waitedUntil = Math.max(
      time.dueToMs,
      ...blockers.map((run) => Math.min(run.closeMs, Number.MAX_SAFE_INTEGER)),
    );
    if (this.#paused.some((p) => p.fromMs <= waitedUntil + LEARNS_MS && p.toMs + LEARNS_MS >= time.dueFromMs))
      return true;
    if (policy === 'ALLOW_ALL' || policy === 'BUFFER_ALL' || blockers.length === 0) return false;
    if (policy === 'SKIP') return true;
    if (policy === 'BUFFER_ONE') {
      return times.some(
        (m) => m.nominalMs < time.nominalMs && m.ran.some((run) => run.startMs + LEARNS_MS >= time.dueFromMs),
      );
    }
    return times.some(
      (m) => m.nominalMs > time.nominalMs && m.ran.length > 0 && m.dueFromMs <= waitedUntil + LEARNS_MS,
    );
  }

  /** A V2 scheduler loses jittered times by itself, at every tick that a run's end or a user's write causes. */
  #serverLost({ nominalMs }: Nominal): boolean {
    const { a, b } = this.#play;
    return [a, b].some((side) => side.engine === 'v2' && side.dropped.get(nominalMs) === 'tick');
  }

  #counted(times: Nominal[]): number {
    return times.reduce(
      (n, { ran }) => n + ran.filter(({ execution: { by } }) => by === 'scheduler' || by === 'fill').length,
      0,
    );
  }
}

function ranOn(side: SimCluster, execution: Execution): Ran {
  const { skewMs } = side;
  return {
    execution,
    side,
    startMs: execution.startMs - skewMs,
    beginMs: execution.beginMs - skewMs,
    closeMs: execution.closeMs - skewMs,
  };
}

function show({ side, execution }: Ran): string {
  return `${side.profile} (${execution.by})`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

function isUserPaused({ state }: Schedule): boolean {
  if (!state?.paused) return false;
  const notes = state.notes ?? '';
  return !notes.startsWith('[ferry ') || notes.includes(' user=paused') || notes.startsWith('[ferry fence ');
}

/** Nominal times a schedule may still run, as long as nobody changes it. */
function windowOf(s: Schedule | undefined): [number, number] | undefined {
  if (!s || s.state?.paused) return undefined;
  return [secondsOf(s.spec?.startTime) ?? 0, secondsOf(s.spec?.endTime) ?? Infinity];
}

function secondsOf(t: { seconds?: unknown } | null | undefined): number | undefined {
  return t ? Number(String(t.seconds)) * 1000 : undefined;
}
