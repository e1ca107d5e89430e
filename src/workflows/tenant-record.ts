/**
 * The tenant's durable record and its transitions, pure. The record is what two migrations of one tenant meet at,
 * whatever workflow ids they were started with; everything in it can be rebuilt from the live clusters.
 */
import type { SingleStep, TenantEvent } from '../activities/types.ts';
import {
  announce,
  type Change,
  changesAt,
  type Destination,
  drained,
  getsStartsUntil,
  HOLD_AFTER_MS,
  type Route,
} from '../routes/route.ts';
import type { Behind } from './tenant-behind.ts';

/** Which migration, or single step, holds the tenant. `runId` tells a migration from a later one started with the same workflow id. */
export interface Holder {
  migration: string;
  runId: string;
}

export interface Lock extends Holder {
  from: string;
  to: string;
  since: string;
  /** The migration this one was taken over from; kept so that a claim whose answer was lost is answered the same. */
  tookOverFrom: string | null;
  /** A single step and no migration: it changes schedules where they are, and hands none over. */
  step?: SingleStep;
}

export interface TenantRecord {
  tenant: string;
  /** Profile of the cluster that runs the tenant's schedules; null for a tenant never migrated. */
  owner: string | null;
  /** Where its workflows start; null as long as nobody has set it. */
  route: Route | null;
  lock: Lock | null;
  /**
   * A migration that stopped without releasing the tenant, so schedules may be on either side. It outlives the lock of
   * whoever took over: only an ending that settles who owns the tenant clears it.
   */
  interrupted: string | null;
  /** Paused copies that services said did not follow. Absent: none. */
  behind?: Behind;
  /** Append-only, oldest first. Bounded so that the state stays small enough to carry through continue-as-new. */
  history: TenantEvent[];
  updatedAt: string | null;
}

export interface ClaimRequest extends Holder {
  from: string;
  to: string;
  step?: SingleStep;
  /** The holder with this run id is known to run no longer: replace it. */
  takeOverFrom?: string;
}

export type ClaimAnswer =
  { granted: true; owner: string | null; tookOverFrom: string | null } | { granted: false; holder: Lock };

export interface ReleaseRequest extends Holder {
  event: string;
}

export interface OwnerRequest extends Holder {
  owner: string;
  event: string;
}

/** From a migration, or from an operator: then without `migration` and `runId`. */
export interface RouteRequest extends Partial<Holder> {
  to: Destination;
  /** Where workflows start while there is no route yet. @default the owner; without one, the cluster of `to` */
  current?: string;
  event: string;
}

export interface DrainedRequest extends Partial<Holder> {
  /** Profile that holds no open workflow of the tenant any more. */
  cluster: string;
  event: string;
}

/** `notBefore`: until then workflows start there. */
export type Drained = { route: Route | null } | { notBefore: string };

/** Refused: a migration holds the tenant, and it is not the one that asks. */
export interface Held {
  held: Lock;
}

const HISTORY_LIMIT = 200;
const OPERATOR = 'an operator';

export function newRecord(tenant: string): TenantRecord {
  return { tenant, owner: null, route: null, lock: null, interrupted: null, history: [], updatedAt: null };
}

export function claim(record: TenantRecord, request: ClaimRequest, at: string): [TenantRecord, ClaimAnswer] {
  const { migration, runId, from, to, step } = request;
  const { lock } = record;
  if (lock && isHeldBy(lock, request)) {
    return [record, { granted: true, owner: record.owner, tookOverFrom: lock.tookOverFrom }];
  }
  if (lock && request.takeOverFrom !== lock.runId) {
    return [record, { granted: false, holder: lock }];
  }
  const tookOverFrom = lock ? cutOffWith(lock) : record.interrupted;
  const event = `${claimedFor(request)}${lock ? `, taken over from ${lock.migration} (run ${lock.runId})` : ''}`;
  const claimed: TenantRecord = {
    ...record,
    lock: { migration, runId, from, to, since: at, tookOverFrom, ...(step === undefined ? {} : { step }) },
    interrupted: tookOverFrom,
  };
  return [append(claimed, { at, migration, event }), { granted: true, owner: record.owner, tookOverFrom }];
}

/** A lock held by somebody else is left alone: a late release must not open the door behind a newer migration. */
export function release(record: TenantRecord, request: ReleaseRequest, at: string): [TenantRecord, boolean] {
  if (!record.lock || !isHeldBy(record.lock, request)) return [record, false];
  const released = append({ ...record, lock: null }, { at, migration: request.migration, event: request.event });
  return [released, true];
}

/** Refused while somebody else holds the tenant. Without a lock it is accepted: the record may have been recreated. */
export function recordOwner(record: TenantRecord, request: OwnerRequest, at: string): [TenantRecord, boolean] {
  const { migration, owner, event } = request;
  if (record.lock && !isHeldBy(record.lock, request)) return [record, false];
  const last = record.history.at(-1);
  if (record.owner === owner && record.interrupted === null && last?.migration === migration && last.event === event) {
    return [record, true];
  }
  const lock = record.lock && { ...record.lock, tookOverFrom: null };
  return [append({ ...record, lock, owner, interrupted: null }, { at, migration, event }), true];
}

/** Asked again after a lost answer, it answers with the same T: the route goes there already. */
export function announceRoute(record: TenantRecord, request: RouteRequest, at: string): [TenantRecord, Change | Held] {
  const { to, current = record.owner ?? to.cluster, event, migration = OPERATOR } = request;
  if (record.lock && !isHeldBy(record.lock, request)) return [record, { held: record.lock }];
  const change = announce(record.route, current, to, Date.parse(at));
  if ('notBefore' in change || !change.changed) return [record, change];
  return [append({ ...record, route: change.route }, { at, migration, event }), change];
}

export function drainedRoute(
  record: TenantRecord,
  request: DrainedRequest,
  at: string,
): [TenantRecord, Drained | Held] {
  const { cluster, event, migration = OPERATOR } = request;
  const { route: before } = record;
  const until = before && getsStartsUntil(before, cluster, Date.parse(at));
  if (until !== null) return [record, { notBefore: new Date(until).toISOString() }];
  // It starts nothing: an operator may say so while a migration holds the tenant, once no start reaches the old side any
  // more. A cluster that is gone for good would stop all starts of the tenant otherwise.
  const changed = record.route ? (changesAt(record.route) ?? -Infinity) : Infinity;
  const byOperator = request.runId === undefined && Date.parse(at) >= changed + HOLD_AFTER_MS;
  if (record.lock && !isHeldBy(record.lock, request) && !byOperator) return [record, { held: record.lock }];
  const route = record.route && drained(record.route, cluster);
  if (route === record.route) return [record, { route }];
  return [append({ ...record, route }, { at, migration, event }), { route }];
}

/** A single step has handed nothing over: what was to be gone on with before it still is, and no more. */
function cutOffWith({ migration, step, tookOverFrom }: Lock): string | null {
  return step === undefined ? migration : tookOverFrom;
}

function claimedFor({ from, to, step }: ClaimRequest): string {
  return step === undefined ? `claimed for ${from} to ${to}` : `claimed for ${step} ${between(from, to)}`;
}

/** `migration migrate/acme (cloud → selfhosted)`. */
export function holderText({ migration, from, to, step }: Lock): string {
  return step === undefined
    ? `migration ${migration} (${from} → ${to})`
    : `${step} ${migration} (${between(from, to)})`;
}

function between(from: string, to: string): string {
  return from === to ? `on ${from}` : `from ${from} to ${to}`;
}

function isHeldBy(lock: Lock, holder: Partial<Holder>): boolean {
  return lock.migration === holder.migration && lock.runId === holder.runId;
}

function append(record: TenantRecord, event: TenantEvent): TenantRecord {
  return { ...record, history: [...record.history, event].slice(-HISTORY_LIMIT), updatedAt: event.at };
}
