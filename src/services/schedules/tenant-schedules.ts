/**
 * The raw schedule methods of one tenant, on whichever cluster owns each schedule: first the owner, then its paused copy.
 * Which side that is shows on the two schedules themselves; the route only says where new ones begin.
 *
 * In the middle of a hand-over writes wait for the new owner, and say so if that takes too long. What a copy misses does
 * not fail a call: it is told, recorded, and made good by the next update, `ReconcileSchedules`, or a migration.
 */
import { randomUUID } from 'node:crypto';
import proto from '@temporalio/proto';
import { isNotFound } from '../../clusters/calls.ts';
import {
  HOLD_AFTER_MS,
  HOLD_BEFORE_MS,
  type Route,
  changesAt,
  clustersOf,
  destinationAt,
  openOn,
} from '../../routes/route.ts';
import { ChangedMeanwhile, NotShown, change } from '../../schedules/change.ts';
import { readNote, standbyMark } from '../../schedules/note.ts';
import { openedBoundary } from '../../schedules/shapes.ts';
import type { Time } from '../../schedules/ports.ts';
import { type Schedule, durationMs, toMs } from '../../schedules/times.ts';
import type { TenantSides } from '../ports.ts';
import { CallScope } from '../scope.ts';
import { REAL_SERVICE_TIME } from '../time.ts';
import { REAL_CLOCK } from './clock.ts';
import {
  changedTooOften,
  needsOther,
  notDeleted,
  notRead,
  startHeldBack,
  stillMoving,
  tokenMismatch,
} from './errors.ts';
import { Health } from './health.ts';
import type { Counter, ScheduleHooks } from './hooks.ts';
import { listPage } from './listing.ts';
import { type Clock, type Look, isUnreachable, look } from './look.ts';
import type { AnswerOf, RequestOf, ScheduleMethods } from './methods.ts';
import { writeOwner } from './owner-write.ts';
import { fingerprintOf, movingAsShown, ownedAsShown, stillStands, writeToken } from './shown.ts';
import { type Apart, type Limit, NOT_APART, NO_LIMIT, type Seen, SideStore, isUnknownOutcome } from './side.ts';
import { type Followed, follow, removeOrphan } from './standby.ts';

// The package is CommonJS: its values come with the default export.
const { schedule, workflowservice } = proto.temporal.api;

/** Stands where a migration's workflow id stands in the notes of copies a migration makes. */
export const MADE_BY_SERVICES = 'services';

export interface ScheduleOptions extends ScheduleHooks {
  /** How long a call waits for the hand-over of its schedule, ms. @default 90 s: longer than an open run holds one up */
  waitMs?: number;
  /** How long a call waits for the copy to follow, ms. @default 5 s */
  standbyMs?: number;
  clock?: Clock;
  /** The caller's deadline and abort signal. */
  scope?: CallScope;
  limit?: Limit;
  apart?: Apart;
}

type Owned = Extract<Look, { kind: 'owned' }>;
type Settled = Exclude<Look, { kind: 'moving' }>;
type Stores = [home: SideStore, other?: SideStore];

const MAX_ROUNDS = 30;
/** A bound of ours may come off this long after the last time it holds back. */
const PAST_MS = 5_000;
/** Longer than a cluster that did not answer is left alone. */
const ASKED_AGAIN_MS = 10_000;

export function tenantSchedules(sides: TenantSides, options: ScheduleOptions = {}): ScheduleMethods {
  return new TenantSchedules(sides, options);
}

class TenantSchedules implements ScheduleMethods {
  readonly #sides: TenantSides;
  readonly #options: ScheduleOptions;
  readonly #clock: Clock;
  /** The clock of what is written, whose waits are the caller's. */
  readonly #time: Time;
  readonly #health: Health;
  readonly #waitMs: number;
  readonly #standbyMs: number;
  readonly #scope: CallScope;
  readonly #limit: Limit;
  readonly #apart: Apart;

  constructor(sides: TenantSides, options: ScheduleOptions) {
    this.#sides = sides;
    this.#options = options;
    this.#clock = options.clock ?? REAL_CLOCK;
    this.#scope = options.scope ?? new CallScope(REAL_SERVICE_TIME);
    this.#time = {
      now: () => this.#clock.now(),
      sleep: (ms) => this.#pause('the schedule to show what was written', ms),
    };
    this.#health = new Health(this.#clock);
    this.#waitMs = options.waitMs ?? 90_000;
    this.#standbyMs = options.standbyMs ?? 5_000;
    this.#limit = options.limit ?? NO_LIMIT;
    this.#apart = options.apart ?? NOT_APART;
  }

  createSchedule = async (request: RequestOf<'createSchedule'>): Promise<AnswerOf<'createSchedule'>> => {
    const id = request.scheduleId ?? '';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const stores = await this.#untilNoHold();
      const [home, other] = stores;
      const at = await this.#look(stores, id);
      if (at.kind === 'unknown' && (at.absentOn !== home || this.#mayLiveOn(await this.#sides.route(), at.other))) {
        throw needsOther(id, at.other.profile, 'it may have a schedule of this id', at.unasked);
      }
      if (at.kind === 'absent' && at.orphan === home) {
        const removed = await removeOrphan(this.#following(at.on, home), id);
        if (removed.did === 'left') continue;
      }
      // Where there is one, its server says so, and knows the same request again.
      const on = at.kind === 'owned' ? at.owner.store : at.kind === 'moving' ? at.source.store : home;
      const { service, namespace } = on.side;
      const behind = on === home ? other : home;
      const answer = await this.#then(id, on, behind, () => service.createSchedule({ ...request, namespace }));
      const token = answer.conflictToken ?? new Uint8Array();
      const conflictToken = token.length > 0 ? writeToken(on.profile, token, '') : token;
      return workflowservice.v1.CreateScheduleResponse.fromObject({ conflictToken });
    }
    throw changedTooOften(id, MAX_ROUNDS);
  };

  updateSchedule = async (request: RequestOf<'updateSchedule'>): Promise<AnswerOf<'updateSchedule'>> => {
    const id = request.scheduleId ?? '';
    const { conflictToken } = request;
    const absent = await this.#writeOwner(
      id,
      (at) => {
        const given = conflictToken && conflictToken.length > 0 ? conflictToken : undefined;
        if (given && !this.#stands(id, given, at)) throw tokenMismatch(id);
        const kept = this.#withOurBound(id, at, request.schedule ?? {});
        return typeof kept === 'number' ? kept : { ...request, schedule: kept };
      },
      true,
    );
    return absent ? absent.side.service.updateSchedule({ ...request, namespace: absent.side.namespace }) : {};
  };

  /**
   * A pause has no conflict token, and would take a fence's note with it: it is made an update that has one. A trigger or
   * backfill is sent once, and never again.
   */
  patchSchedule = async (request: RequestOf<'patchSchedule'>): Promise<AnswerOf<'patchSchedule'>> => {
    const id = request.scheduleId ?? '';
    const { pause, unpause, ...rest } = request.patch ?? {};
    for (const [paused, notes] of [
      [true, pause],
      [false, unpause],
    ] as const) {
      if (!notes) continue;
      const { identity, requestId } = request;
      const repaused = ({ owner: { seen } }: Owned) => ({
        identity,
        requestId,
        schedule: { ...seen.schedule, state: { ...seen.schedule.state, paused, notes } },
      });
      const absent = await this.#writeOwner(id, repaused, false);
      if (absent) return absent.side.service.patchSchedule({ ...request, namespace: absent.side.namespace });
    }
    const manual = Boolean(rest.triggerImmediately) || (rest.backfillRequest ?? []).length > 0;
    if (!manual && (pause || unpause)) return {};
    const at = await this.#untilSettled(id);
    const { service, namespace } = this.#sideFor(id, at).side;
    const answer = await service.patchSchedule({ ...request, namespace, patch: rest });
    this.#count('owner-writes');
    return answer;
  };

  /**
   * Deleting takes no conflict token. Right before it the owner is written as it is: that does, so a fence that came since
   * it was read is noticed, and one that is under way fails.
   */
  deleteSchedule = async (request: RequestOf<'deleteSchedule'>): Promise<AnswerOf<'deleteSchedule'>> => {
    const id = request.scheduleId ?? '';
    for (let round = 0; round < MAX_ROUNDS; round++) {
      // A source that does not rest yet would be all that is left, and taken for the schedule.
      const at = await this.#untilSettled(id, true);
      const store = this.#sideFor(id, at);
      const { service, namespace } = store.side;
      const call = () => service.deleteSchedule({ ...request, namespace });
      if (at.kind === 'absent' && at.orphan) return this.#then(id, at.on, at.orphan, call);
      if (at.kind !== 'owned' || at.foreign !== undefined || !at.other) return call();
      try {
        await change(store, this.#time, id, at.owner.seen, at.owner.seen.schedule, { always: true });
      } catch (error) {
        if (error instanceof NotShown) throw notDeleted(id, error);
        if (!(error instanceof ChangedMeanwhile)) throw notRead(id, error);
        this.#count('conflicts');
        continue;
      }
      const { other, copy } = at;
      const answer = await this.#then(id, store, other, call);
      await this.#afterwards(() => this.#deleteWhatWasOpened(id, store, other, copy));
      return answer;
    }
    throw changedTooOften(id, MAX_ROUNDS);
  };

  describeSchedule = async (request: RequestOf<'describeSchedule'>): Promise<AnswerOf<'describeSchedule'>> => {
    const id = request.scheduleId ?? '';
    const at = await this.#look(await this.#stores(), id);
    if (at.kind === 'moving') {
      const { phase, source, target, boundary } = at;
      const shown = movingAsShown(phase, source.seen.schedule, target.seen.schedule);
      const ran = phase === 'opened' && this.#clock.now() >= boundary ? target : source;
      return answerWith(ran.seen, shown, ran.store.profile);
    }
    if (at.kind !== 'owned') {
      const { service, namespace } = this.#sideFor(id, at).side;
      return service.describeSchedule({ ...request, namespace });
    }
    const { store, seen } = at.owner;
    return answerWith(seen, this.#shown(id, at), store.profile);
  };

  listSchedules = async (request: RequestOf<'listSchedules'>): Promise<AnswerOf<'listSchedules'>> => {
    const route = await this.#sides.route();
    const stores = this.#storesOf(route).filter((store): store is SideStore => store !== undefined);
    const mayMiss = (store: SideStore, error: unknown): boolean =>
      isUnreachable(error) && !this.#mayLiveOn(route, store);
    return workflowservice.v1.ListSchedulesResponse.fromObject(
      await listPage(stores, request, this.#clock.now(), mayMiss),
    );
  };

  listScheduleMatchingTimes = async (
    request: RequestOf<'listScheduleMatchingTimes'>,
  ): Promise<AnswerOf<'listScheduleMatchingTimes'>> => {
    const id = request.scheduleId ?? '';
    const at = await this.#look(await this.#stores(), id);
    const times = async ({ side: { service, namespace } }: SideStore) =>
      (await service.listScheduleMatchingTimes({ ...request, namespace })).startTime ?? [];
    if (at.kind !== 'moving') return { startTime: await times(this.#sideFor(id, at)) };
    const before = await times(at.source.store);
    if (at.phase === 'given-up') return { startTime: before };
    const from = at.boundary;
    const startTime = [
      ...before.filter((t) => (toMs(t) ?? 0) < from),
      ...(await times(at.target.store)).filter((t) => (toMs(t) ?? 0) >= from),
    ];
    return { startTime };
  };

  // ------------------------------------------------------------------------------------------------ which sides

  async #stores(): Promise<Stores> {
    return this.#storesOf(await this.#sides.route());
  }

  /** Where new schedules begin comes first. Of more than two clusters, those the route names go before others. */
  #storesOf(route: Route): Stores {
    const { cluster } = destinationAt(route, this.#clock.now());
    const { present } = this.#sides;
    const others = [...clustersOf(route), ...present].filter((name) => name !== cluster);
    const other = others.find((name) => present.includes(name));
    const store = (profile: string) => new SideStore(this.#sides.side(profile), this.#limit);
    return other === undefined ? [store(cluster)] : [store(cluster), store(other)];
  }

  /** Around the moment a route changes nothing is begun on either side, as with workflows. */
  async #untilNoHold(): Promise<Stores> {
    for (;;) {
      const route = await this.#sides.route();
      const at = changesAt(route);
      const now = this.#clock.now();
      const moves = route.from !== null && at !== null && route.from.cluster !== route.to.cluster;
      if (!moves || now < at - HOLD_BEFORE_MS || now >= at + HOLD_AFTER_MS) return this.#storesOf(route);
      await this.#pause('the change of route; nothing was written', at + HOLD_AFTER_MS - now);
    }
  }

  /** Whether the route says that schedules of the tenant may be owned there. */
  #mayLiveOn(route: Route, { profile }: SideStore): boolean {
    return openOn(route, this.#clock.now()).includes(profile);
  }

  #look(stores: Stores, id: string): Promise<Look> {
    return look(stores, id, this.#clock, this.#health, this.#scope);
  }

  /** Whoever wants to write is told that a read which failed has written nothing. */
  async #lookBefore(id: string): Promise<Look> {
    const stores = await this.#stores();
    try {
      return await this.#look(stores, id);
    } catch (error) {
      throw notRead(id, error);
    }
  }

  /** Never `moving`. One that looks like nobody's is looked at again: the two sides were not read at the same moment. */
  /**
   * `atRest`: the other side is a source no longer, either. One that cannot be asked is asked again for a while, and then
   * taken to rest.
   */
  async #untilSettled(id: string, atRest = false): Promise<Settled> {
    const start = this.#clock.now();
    const handOver = `the hand-over of schedule ${id}; nothing was written`;
    let foreign = false;
    let fenced = false;
    for (let wait = 100; ; wait = Math.min(wait * 1.5, 1_000)) {
      const at = await this.#lookBefore(id);
      if (at.kind === 'owned' && at.foreign !== undefined && !foreign) {
        foreign = true;
        await this.#pause(handOver, 1_000);
        continue;
      }
      const waited = this.#clock.now() - start;
      if (at.kind === 'moving') fenced = true;
      else if (at.kind === 'owned' && at.copy) fenced = isFenced(at.copy);
      // Not asked this time, a source that was seen behind its fence is still there for all we know.
      const early = at.kind === 'owned' && (fenced || (at.unasked !== undefined && waited < ASKED_AGAIN_MS));
      if (at.kind !== 'moving' && !(atRest && early)) return at;
      if (wait === 100) this.#count('waited-for-handover');
      if (waited > this.#waitMs) throw stillMoving(this.#sides.tenant, id, waited);
      await this.#pause(handOver, wait);
    }
  }

  /** The side that has it, or one that says in the server's words that it has not. */
  #sideFor(id: string, at: Exclude<Look, { kind: 'moving' }>): SideStore {
    if (at.kind === 'owned') return at.owner.store;
    if (at.kind === 'absent') return at.on;
    throw needsOther(id, at.other.profile, `${at.absentOn.profile} does not have it`, at.unasked);
  }

  // ------------------------------------------------------------------------------------------------ writing

  /** Until it is written. Returns a side that does not have it where nobody does. A number is a time to wait for, ms. */
  async #writeOwner(
    id: string,
    change: (at: Owned) => number | (RequestOf<'updateSchedule'> & { schedule: Schedule }),
    copied: boolean,
  ): Promise<SideStore | undefined> {
    const start = this.#clock.now();
    for (let round = 0; round < MAX_ROUNDS;) {
      const at = await this.#untilSettled(id);
      if (at.kind !== 'owned') return this.#sideFor(id, at);
      const { store, seen } = at.owner;
      const wanted = change(at);
      if (typeof wanted === 'number') {
        const now = this.#clock.now();
        if (wanted - start > this.#waitMs) throw startHeldBack(id, wanted);
        await this.#pause(`the bound of schedule ${id} to pass; nothing was written`, Math.max(100, wanted - now));
        continue;
      }
      // A V1 scheduler takes a request id once, and one that met a stale token has been taken.
      const requestId = round === 0 && wanted.requestId ? wanted.requestId : randomUUID();
      const request = { ...wanted, scheduleId: id, requestId };
      const write = async (): Promise<'applied' | 'conflict'> => writeOwner(store, this.#time, seen, request);
      const outcome = await this.#then(id, store, copied ? at.other : undefined, write, (o) => o === 'applied');
      if (outcome === 'applied') return undefined;
      this.#count('conflicts');
      await this.#pause(`another attempt at schedule ${id}; nothing was written`, 30 * ++round);
    }
    throw changedTooOften(id, MAX_ROUNDS);
  }

  /** One write of the owner, then its copy; also behind a write whose answer was lost. */
  async #then<T>(
    id: string,
    owner: SideStore,
    other: SideStore | undefined,
    write: () => Promise<T>,
    wrote: (answer: T) => boolean = () => true,
  ): Promise<T> {
    let answer: T;
    try {
      answer = await write();
    } catch (error) {
      if (other && (isUnknownOutcome(error) || isNotFound(error)))
        await this.#afterwards(() => this.#follow(id, owner, other));
      throw error;
    }
    if (!wrote(answer)) return answer;
    this.#count('owner-writes');
    if (other) await this.#afterwards(() => this.#follow(id, owner, other));
    return answer;
  }

  /**
   * What comes after the owner was written: a caller who gives up meanwhile waits for it no longer, and it goes on by
   * itself. Their call does not fail for it.
   */
  async #afterwards(run: () => Promise<void>): Promise<void> {
    const ended = this.#apart(run).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    // It fails where the caller has given up, and then alone.
    const failed = await this.#scope.wait('the copy', () => ended).catch(() => undefined);
    if (failed) throw failed.error;
  }

  #following(owner: SideStore, standby: SideStore) {
    return { owner, standby, time: this.#time, migration: MADE_BY_SERVICES };
  }

  async #follow(id: string, owner: SideStore, other: SideStore): Promise<void> {
    const down = this.#health.why(other.profile);
    if (down !== undefined) return this.#behind(id, other, down);
    let followed: Followed | undefined;
    try {
      const following = this.#limit(this.#standbyMs, () => follow(this.#following(owner, other), id));
      // Given up on, it comes to its end by itself; what becomes of it then has been told already.
      following.catch(() => {});
      followed = await this.#clock.within(this.#standbyMs, following);
    } catch (error) {
      if (isUnreachable(error)) this.#health.failed(other.profile, error);
      return this.#behind(id, other, error);
    }
    if (!followed) return this.#behind(id, other, `it did not follow within ${this.#standbyMs / 1000} s`);
    if (followed.did === 'refused') return this.#behind(id, other, followed.found);
    if (followed.did !== 'nothing' && followed.did !== 'left') this.#count('standby-writes');
  }

  async #behind(schedule: string, { profile }: SideStore, why: unknown): Promise<void> {
    const found = why instanceof Error ? why.message : String(why);
    const { tenant } = this.#sides;
    const behind = { tenant, schedule, cluster: profile, found, at: new Date(this.#clock.now()).toISOString() };
    this.#count('standby-behind');
    this.#options.warn?.(`The copy of schedule ${schedule} on ${profile} is behind its owner: ${found}`, behind);
    const { standbyBehind } = this.#options;
    if (!standbyBehind) return;
    try {
      await this.#clock.within(this.#standbyMs, standbyBehind(behind));
    } catch (error) {
      // The reconciler finds it all the same: it compares both sides.
      const text = error instanceof Error ? error.message : String(error);
      this.#options.warn?.(`That schedule ${schedule} is behind on ${profile} could not be recorded: ${text}`, behind);
    }
  }

  /**
   * Deleting takes no token: an opening that was under way may have come between. What was the copy of the schedule a
   * moment ago, and is its only one now, goes too.
   */
  async #deleteWhatWasOpened(id: string, owner: SideStore, other: SideStore, copy: Seen | undefined): Promise<void> {
    if (!copy || !standbyMark(copy)) return;
    try {
      const now = await this.#clock.within(this.#standbyMs, other.describe(id));
      if (!now || standbyMark(now) || now.createdMs !== copy.createdMs || (await owner.describe(id))) return;
      await this.#limit(this.#standbyMs, () => other.delete(id));
    } catch (error) {
      await this.#behind(id, other, error);
    }
  }

  /** Ends as a call would, with the caller's deadline and abort signal. */
  #pause(what: string, ms: number): Promise<void> {
    return this.#scope.wait(what, (signal) => this.#clock.sleep(ms, signal));
  }

  #count(counter: Counter): void {
    this.#options.count?.(counter, this.#sides.tenant);
  }

  // ------------------------------------------------------------------------------------------------ what is shown

  #shown(id: string, at: Owned): Schedule {
    const { schedule: own } = at.owner.seen;
    const copy = at.copy && standbyMark(at.copy) ? at.copy.schedule : undefined;
    const shown = ownedAsShown(own, copy);
    if (shown) return shown;
    if (at.unasked === undefined || !at.other) return own;
    throw needsOther(id, at.other.profile, 'it keeps the start time its user gave it', at.unasked);
  }

  #stands(id: string, token: Uint8Array, at: Owned): boolean {
    const { store, seen } = at.owner;
    const shown = fingerprintOf(this.#shown(id, at), seen);
    return stillStands(token, { profile: store.profile, seen }, shown);
  }

  /** While a start of ours holds back times of the other side, an edit keeps it; a number is when one may take it off, ms. */
  #withOurBound(id: string, at: Owned, written: Schedule): Schedule | number {
    const own = at.owner.seen.schedule;
    const boundary = openedBoundary(own);
    if (boundary === undefined) return written;
    const jitter = Math.max(durationMs(own.spec?.jitter), durationMs(written.spec?.jitter));
    const safeAt = boundary + jitter + PAST_MS;
    const start = toMs(written.spec?.startTime);
    if (safeAt <= this.#clock.now() || (start !== undefined && start > boundary)) return written;
    if (start !== toMs(this.#shown(id, at).spec?.startTime)) return safeAt;
    return { ...written, spec: { ...written.spec, startTime: own.spec?.startTime } };
  }
}

function isFenced({ schedule: { state } }: Seen): boolean {
  return readNote(state?.notes).mark?.kind === 'fence';
}

function answerWith(seen: Seen, shown: Schedule, profile: string): AnswerOf<'describeSchedule'> {
  return workflowservice.v1.DescribeScheduleResponse.fromObject({
    ...seen.answer,
    schedule: schedule.v1.Schedule.fromObject(shown),
    conflictToken: writeToken(profile, seen.token, fingerprintOf(shown, seen)),
  });
}
