/** Both sides of one schedule, read together. */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../../clusters/calls.ts';
import type { Time } from '../../schedules/ports.ts';
import type { CallScope } from '../scope.ts';
import { ScheduleCallError, silent } from './errors.ts';
import type { Health } from './health.ts';
import { ANSWERS_WITHIN_MS, type Seen, type SideStore } from './side.ts';
import { whatOneTells, whereabouts } from './whereabouts.ts';

export interface Clock extends Time {
  /** Ends early, one way or the other, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Undefined where it has not settled by then; it goes on by itself. */
  within<T>(ms: number, promise: Promise<T>): Promise<T | undefined>;
}

export interface At {
  store: SideStore;
  seen: Seen;
}

export type Look =
  /** `on`: the side that has nothing of it, and can say so in the server's words. `orphan`: our copy outlived it there. */
  | { kind: 'absent'; on: SideStore; orphan?: SideStore }
  /** `copy`: what the other side has, if it could be asked. */
  | { kind: 'owned'; owner: At; other?: SideStore; copy?: Seen; foreign?: string; unasked?: unknown }
  | { kind: 'moving'; phase: 'fenced' | 'opened' | 'given-up'; source: At; target: At; boundary: number }
  /** The one side has nothing, and the other cannot be asked. */
  | { kind: 'unknown'; absentOn: SideStore; unasked: unknown; other: SideStore };

/** Once one side says that it owns it, the other is waited for no longer than this. */
const GRACE_MS = 4_000;

type Answer = { seen: Seen | undefined } | { error: unknown };

/** `first` is the route's: where nobody can tell whose a schedule is, it is taken to be there. */
export async function look(
  [first, second]: [SideStore, SideStore?],
  id: string,
  clock: Clock,
  health: Health,
  scope: CallScope,
): Promise<Look> {
  if (!second) {
    const seen = await first.describe(id);
    return seen ? { kind: 'owned', owner: { store: first, seen } } : { kind: 'absent', on: first };
  }
  const [a, b] = await askBoth([first, second], id, clock, health, scope);
  if ('error' in a && 'error' in b) throw a.error;
  if ('error' in a) return alone(second, 'seen' in b ? b.seen : undefined, first, a.error);
  if ('error' in b) return alone(first, a.seen, second, b.error);
  const sides = { a: { store: first, seen: a.seen }, b: { store: second, seen: b.seen } };
  const at = whereabouts(a.seen?.schedule, b.seen?.schedule, { a: first.profile, b: second.profile });
  switch (at.kind) {
    case 'absent':
      if (at.orphan === undefined) return { kind: 'absent', on: first };
      return at.orphan === 'a'
        ? { kind: 'absent', on: second, orphan: first }
        : { kind: 'absent', on: first, orphan: second };
    case 'owned': {
      const other = sides[at.owner === 'a' ? 'b' : 'a'];
      return { kind: 'owned', owner: present(sides[at.owner]), other: other.store, copy: other.seen };
    }
    case 'moving': {
      const target = sides[at.source === 'a' ? 'b' : 'a'];
      const { phase, boundary } = at;
      return { kind: 'moving', phase, boundary, source: present(sides[at.source]), target: present(target) };
    }
    case 'foreign': {
      const owner = a.seen ? sides.a : sides.b;
      const other = a.seen ? sides.b : sides.a;
      return { kind: 'owned', owner: present(owner), other: other.store, foreign: at.why };
    }
  }
}

function present({ store, seen }: { store: SideStore; seen: Seen | undefined }): At {
  if (!seen) throw new Error(`${store.profile} was taken to have a schedule it does not have`);
  return { store, seen };
}

function alone(store: SideStore, seen: Seen | undefined, other: SideStore, unasked: unknown): Look {
  if (!seen) return { kind: 'unknown', absentOn: store, other, unasked };
  if (whatOneTells(seen.schedule) === 'owner') return { kind: 'owned', owner: { store, seen }, other, unasked };
  throw unasked;
}

async function askBoth(
  stores: [SideStore, SideStore],
  id: string,
  clock: Clock,
  health: Health,
  scope: CallScope,
): Promise<[Answer, Answer]> {
  // A deadline that the caller has set, or their giving up, says nothing about a cluster.
  const limitIsOurs = scope.deadline > clock.now() + ANSWERS_WITHIN_MS;
  const failed = (store: SideStore, error: unknown): Answer => {
    const theirs = scope.isOver || (!limitIsOurs && codeOf(error) === status.DEADLINE_EXCEEDED);
    if (isUnreachable(error) && !theirs) health.failed(store.profile, error);
    return { error };
  };
  const ask = async (store: SideStore): Promise<Answer> => {
    try {
      const seen = await store.describe(id);
      health.answered(store.profile);
      return { seen };
    } catch (error) {
      return failed(store, error);
    }
  };
  // The route's side is always asked: mostly it is the one that owns.
  const down = health.why(stores[1].profile);
  const [a, b] = [ask(stores[0]), down === undefined ? ask(stores[1]) : Promise.resolve({ error: down })];
  const owns = async (answer: Promise<Answer>): Promise<true> => {
    const got = await answer;
    if ('seen' in got && whatOneTells(got.seen?.schedule) === 'owner') return true;
    throw new Undecided();
  };
  const both = Promise.all([a, b]);
  const early = Promise.any([both, owns(a), owns(b)]);
  const soon = await clock.within(ANSWERS_WITHIN_MS, early);
  if (Array.isArray(soon)) return soon;
  const rest = soon === undefined ? 0 : GRACE_MS;
  const late = await clock.within(rest, both);
  if (late) return late;
  const settled = async (answer: Promise<Answer>, store: SideStore): Promise<Answer> =>
    (await clock.within(0, answer)) ?? failed(store, silent(store.profile));
  return [await settled(a, stores[0]), await settled(b, stores[1])];
}

/** Only ever thrown to say that an answer alone does not decide. */
class Undecided extends Error {}

/** Whether a failure says that a cluster cannot be had at all, rather than that it refuses one call. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error) ?? (error instanceof ScheduleCallError ? error.code : undefined);
  return code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED;
}
