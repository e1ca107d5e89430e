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

/** A scheduler learns of a close this late at most: timers, watchers, tasks in flight, ms. */
const LEARNS_MS = 2_500;

/** World's clock. */
interface Span {
  fromMs: number;
  toMs: number;
}

interface Ran {
  execution: Execution;
  side: SimCluster;
  /** World's clock. */
  startMs: number;
  closeMs: number;
}

interface Nominal {
  nominalMs: number;
  /** Earliest and latest it may be due, world's clock: each side has its own jitter and clock. */
  dueFromMs: number;
  dueToMs: number;
  ran: Ran[];
}

/** Everything that ran, to explain what did not. */
interface Seen {
  times: Nominal[];
  /** By start. */
  runs: Ran[];
  /** Actions used by earlier nominal times, and by all. */
  usedBefore: number;
  used: number;
}

/**
 * Why a time did not run. `waiting`: a scheduler still has it in its buffer when all is over. `limit`: its actions were used up by earlier times. `limit-shifted`: they were used up, one by a
 * later time. `server`: a V2 scheduler loses jittered times by itself, at every tick
 * that the end of a run causes, and at every write of a user. `paused-before-filled`: a write dropped it, and before that was
 * made up for (that is, before an attempt said it was done) the schedule was paused, by its user or pauseOnFailure: nothing may be started then.
 */
export type Reason = 'waiting' | 'limit' | 'limit-shifted' | 'server' | 'paused' | 'paused-before-filled' | 'overlap';

export interface Verdicts {
  judged: number;
  wrong: string[];
  /** Started by id. */
  filled: number;
  /** Run by the scheduler because it was asked to. */
  backfilled: number;
  explained: Partial<Record<Reason, number>>;
  duplicates: number;
  misses: number;
  /** Pairs of runs open at once although the policy forbids it, by what started the second one. */
  overlaps: { fill: number; other: string[] };
}

export class Oracle {
  readonly #play: Play;
  readonly #paused: Span[] = [];
  /** Moments at which both sides could have run the same nominal time. */
  readonly bothOpen: string[] = [];
  #pausedSince: number | undefined;
  #seen: [Schedule | undefined, Schedule | undefined] = [undefined, undefined];
  #shared: Span | undefined;

  constructor(play: Play) {
    this.#play = play;
    play.world.watch = () => this.#watch();
  }

  #watch(): void {
    const [a, b] = [this.#play.a.schedule(ID), this.#play.b.schedule(ID)];
    if (a !== this.#seen[0] || b !== this.#seen[1]) this.#changed(a, b);
    if (!this.#shared) return;
    const { world } = this.#play;
    const fromMs = Math.max(world.now(), this.#shared.fromMs);
    // A clock that is behind still has ahead of it what is past by another.
    if (fromMs > this.#shared.toMs) this.#shared = undefined;
    else if (timesBetween(this.#play.plain, 0, fromMs - 1, this.#shared.toMs, 1).length > 0) {
      this.bothOpen.push(`both sides can run what comes after ${iso(fromMs)}, at ${world.seconds()}`);
      this.#shared = undefined;
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
    this.#shared = x && y ? { fromMs: Math.max(x.fromMs, y.fromMs), toMs: Math.min(x.toMs, y.toMs) } : undefined;
  }

  verdicts(): Verdicts {
    const { world } = this.#play;
    if (this.#pausedSince !== undefined) this.#paused.push({ fromMs: this.#pausedSince, toMs: world.now() });
    this.#pausedSince = undefined;
    const ran = this.#ran();
    const times = this.#nominals(ran);
    // Those of users too: what a trigger started is in the way as any other.
    const runs = [...ran.values()].flat().toSorted((x, y) => x.startMs - y.startMs);
    const result: Verdicts = {
      judged: 0,
      wrong: [],
      filled: 0,
      backfilled: 0,
      explained: {},
      duplicates: 0,
      misses: 0,
      overlaps: this.#overlaps(runs),
    };
    const until = world.now() - this.#play.case.spec.jitterMs - 30_000;
    const all = actions(times);
    let before = [...ran].filter(([nominalMs]) => nominalMs < (times[0]?.nominalMs ?? 0)).flatMap(([, r]) => r).length;
    for (const time of times) {
      const usedBefore = before;
      before += actions([time]);
      const own = time.ran.filter(({ execution: { by } }) => by !== 'user');
      if (own.length > 1) {
        result.duplicates++;
        result.wrong.push(`${iso(time.nominalMs)}: ran on ${own.map(show).join(' and ')}`);
      }
      if (time.nominalMs > until) continue;
      result.judged++;
      if (own.some(({ execution }) => execution.by === 'fill')) result.filled++;
      if (own.some(({ execution }) => execution.by === 'backfill')) result.backfilled++;
      if (time.ran.length > 0) continue;
      const reason = this.#reason(time, { times, runs, usedBefore, used: all });
      if (reason) result.explained[reason] = (result.explained[reason] ?? 0) + 1;
      else {
        result.misses++;
        result.wrong.push(`${iso(time.nominalMs)}: did not run (${this.#saysWhy(time)})`);
      }
    }
    const { limit } = this.#play.case;
    if (limit !== undefined && all > limit) {
      result.wrong.push(`limited to ${limit} actions, ${all} ran`);
    }
    return result;
  }

  #saysWhy({ nominalMs }: Nominal): string {
    const { a, b } = this.#play;
    return `a: ${a.dropped.get(nominalMs) ?? 'never looked at'}, b: ${b.dropped.get(nominalMs) ?? 'never looked at'}`;
  }

  #ran(): Map<number, Ran[]> {
    const { a, b } = this.#play;
    const ran = new Map<number, Ran[]>();
    for (const side of [a, b]) {
      for (const [workflowId, executions] of side.runs.byId) {
        const nominalMs = nominalOf(workflowId);
        const all = ran.get(nominalMs) ?? [];
        ran.set(nominalMs, all);
        for (const execution of executions) {
          const { startMs, closeMs } = execution;
          all.push({ execution, side, startMs: startMs - side.skewMs, closeMs: closeMs - side.skewMs });
        }
      }
    }
    return ran;
  }

  #nominals(ran: Map<number, Ran[]>): Nominal[] {
    const { world, user, a, b, plain, createdMs } = this.#play;
    return timesBetween(plain, 0, createdMs, world.now() + 120_000).map(({ nominalMs }) => {
      const [x, y] = [a.dueOf(user, nominalMs) - a.skewMs, b.dueOf(user, nominalMs) - b.skewMs];
      return { nominalMs, dueFromMs: Math.min(x, y), dueToMs: Math.max(x, y), ran: ran.get(nominalMs) ?? [] };
    });
  }

  #reason(time: Nominal, { times, runs, usedBefore, used }: Seen): Reason | undefined {
    const { policy, limit } = this.#play.case;
    if (limit !== undefined && usedBefore >= limit) return 'limit';
    if (limit !== undefined && used >= limit) return 'limit-shifted';
    const blockers = runs.filter(
      (run) => run.startMs <= time.dueToMs + LEARNS_MS && run.closeMs + LEARNS_MS >= time.dueFromMs,
    );
    let waitedUntil = Math.max(time.dueToMs, ...blockers.map((run) => run.closeMs)) + LEARNS_MS;
    // In a buffer of several, behind those before it.
    if (policy === 'BUFFER_ALL' && blockers.length > 0) {
      for (const run of runs)
        if (run.startMs <= waitedUntil) waitedUntil = Math.max(waitedUntil, run.closeMs + LEARNS_MS);
    }
    if (this.#paused.some((p) => p.fromMs <= waitedUntil && p.toMs + LEARNS_MS >= time.dueFromMs)) return 'paused';
    const settledMs = this.#play.settledMs.find((ms) => ms > time.dueToMs) ?? Infinity;
    if (this.#paused.some((p) => p.fromMs > time.dueFromMs && p.fromMs <= settledMs)) return 'paused-before-filled';
    const isHeld = (m: Nominal): boolean => this.#isHeld(m);
    if (blockers.length > 0 && overlapExplains(policy, time, times, waitedUntil, isHeld)) return 'overlap';
    // Made up for only when this one was due too: it waits for the earlier ones, as in a scheduler that was away.
    const late = policy.endsWith('_OTHER') || policy === 'BUFFER_ONE' ? runs.filter((run) => isLater(run, time)) : [];
    const others = times.filter((m) => !m.ran.some((run) => late.includes(run)));
    const lateUntil = Math.max(...late.map((run) => run.closeMs)) + LEARNS_MS;
    if (late.length > 0 && overlapExplains(policy, time, others, lateUntil, isHeld)) return 'overlap';
    if (policy.endsWith('_OTHER') && replacedLate(time, times)) return 'overlap';
    // A run its user asks for waits in the same buffer: it replaces what waits there, or has taken the one place.
    const byUser = runs.filter(({ execution: { by } }) => by === 'user');
    if (
      (policy.endsWith('_OTHER') || policy === 'BUFFER_ONE') &&
      byUser.some((r) => r.startMs >= time.dueFromMs && r.startMs <= waitedUntil + LEARNS_MS)
    )
      return 'overlap';
    const { a, b } = this.#play;
    // Backfills wait too, whatever the policy: ten a workflow task, BUFFER_ALL (processBackfills of V1's workflow.go).
    if (this.#isHeld(time)) return 'waiting';
    const lost = [a, b].some(
      (side) => side.engine === 'v2' && ['tick', 'user'].includes(side.dropped.get(time.nominalMs) ?? ''),
    );
    return lost ? 'server' : undefined;
  }

  #isHeld({ nominalMs }: Nominal): boolean {
    const { a, b } = this.#play;
    return [a, b].some((side) => side.holds(ID, nominalMs));
  }

  /** Where one scheduler started both, the overlap is that scheduler's own. */
  #overlaps(runs: Ran[]): Verdicts['overlaps'] {
    const overlaps: Verdicts['overlaps'] = { fill: 0, other: [] };
    if (this.#play.case.policy === 'ALLOW_ALL') return overlaps;
    let longest: Ran | undefined;
    for (const run of runs) {
      if (longest && run.startMs < longest.closeMs - LEARNS_MS) {
        const byId = [run, longest].some(({ execution }) => execution.by === 'fill');
        if (byId) overlaps.fill++;
        else if (run.side !== longest.side && [run, longest].every(({ execution }) => execution.by !== 'user'))
          overlaps.other.push(`${run.execution.workflowId} began while ${longest.execution.workflowId} was open`);
      }
      if (!longest || run.closeMs > longest.closeMs) longest = run;
    }
    return overlaps;
  }
}

/** Given that some run of the schedule was open when this one was due. */
function overlapExplains(
  policy: string,
  time: Nominal,
  times: Nominal[],
  waitedUntil: number,
  isHeld: (m: Nominal) => boolean,
): boolean {
  switch (policy) {
    case 'SKIP':
      return true;
    case 'BUFFER_ONE':
      // The one place was taken by another that fell due while this would have waited: by an earlier one, or after an
      // outage, in which nobody buffered this one, by a later one.
      return times.some(
        (m) =>
          m.nominalMs !== time.nominalMs &&
          m.dueFromMs <= waitedUntil &&
          (isHeld(m) || m.ran.some((run) => run.startMs + LEARNS_MS >= time.dueFromMs)),
      );
    case 'CANCEL_OTHER':
    case 'TERMINATE_OTHER':
      // Replaced by a later one, due while it waited for the open run to end. That one has run, or is explained itself.
      return times.some((m) => m.nominalMs > time.nominalMs && m.dueFromMs <= waitedUntil);
    default:
      return false;
  }
}

/** Nobody could start it: the next that ran was started late, and replaced what had waited, as in a scheduler that was away. */
function replacedLate(time: Nominal, times: Nominal[]): boolean {
  const next = times.find((m) => m.nominalMs > time.nominalMs && m.ran.length > 0);
  return Boolean(next?.ran.some(({ execution, startMs }) => execution.by !== 'scheduler' && startMs >= time.dueFromMs));
}

/** An earlier nominal time that was started after this one was due. */
function isLater({ execution, startMs }: Ran, { nominalMs, dueToMs }: Nominal): boolean {
  return startMs > dueToMs + LEARNS_MS && nominalOf(execution.workflowId) < nominalMs;
}

function nominalOf(workflowId: string): number {
  return Date.parse(workflowId.slice(ACTION_ID.length + 1));
}

/** Actions a limited schedule has used up: what a user asks for costs none, and a backfill stands for one that a write dropped. */
function actions(times: Nominal[]): number {
  return times.reduce((n, { ran }) => n + ran.filter(({ execution: { by } }) => by !== 'user').length, 0);
}

function show({ side, execution }: Ran): string {
  return `${side.profile} (${execution.by})`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

/** By its user, or by pauseOnFailure for them; told from the note as a person would. */
function isUserPaused({ state }: Schedule): boolean {
  if (!state?.paused) return false;
  const notes = state.notes ?? '';
  return !notes.startsWith('[ferry ') || notes.includes(' user=paused') || notes.startsWith('[ferry fence ');
}

/** Nominal times a schedule may still run, as long as nobody changes it. */
function windowOf(s: Schedule | undefined): Span | undefined {
  if (!s || s.state?.paused) return undefined;
  return { fromMs: secondsOf(s.spec?.startTime) ?? 0, toMs: secondsOf(s.spec?.endTime) ?? Number.MAX_SAFE_INTEGER };
}

function secondsOf(t: { seconds?: unknown } | null | undefined): number | undefined {
  return t ? Number(String(t.seconds)) * 1000 : undefined;
}
