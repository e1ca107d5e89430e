/**
 * Where a tenant's workflows start: pure. The route is part of the tenant's record and published in its memo, so that a
 * service reads it with one Describe while no worker is up. A change is announced for a moment T that is further away
 * than any reader's lease: at T every reader knows of it.
 *
 * Around T nobody starts anything (`HOLD_BEFORE_MS`, `HOLD_AFTER_MS`): a start that was sent to the old side ends by its
 * deadline at T, so who asks the old side for an id after the hold sees every start there will ever be.
 * This rests on clocks that differ by less than `HOLD_AFTER_MS`; who breaks it is found by the search for starts on the
 * old side after T, and on the new side before it.
 */

/** How long a route that was read may be used. Counted from before the question was sent. */
export const LEASE_MS = 10_000;
/** What was sent on a route must have been answered within this long after its lease, or is given up. */
export const ANSWER_MS = 5_000;
/** A workflow task of the record may last this long: the change is dated by its beginning, and readable at its end. */
export const RECORD_MS = 10_000;
/** A change takes effect this long after it was dated: who asked just before it was readable has finished by then. */
export const LEAD_MS = RECORD_MS + LEASE_MS + ANSWER_MS;
/** From here to T no start is sent to the old side; one sent before has this long to be answered. */
export const HOLD_BEFORE_MS = 1_000;
/** After T no start is sent to the new side for this long. More than two clocks may differ. */
export const HOLD_AFTER_MS = 3_000;

export interface Split {
  /** Profile that `percent` of the workflow ids start on. */
  cluster: string;
  /** Above 0, below 100. */
  percent: number;
}

export interface Destination {
  /** Profile that workflows start on, but for those of the split. */
  cluster: string;
  split: Split | null;
}

export interface Route {
  to: Destination;
  /** What held before `at`. Null: never changed since it was first set. */
  from: Destination | null;
  /** T, ISO 8601. Null together with `from`. */
  at: string | null;
  /**
   * Profiles that may hold open workflows of before: an id is looked for there before it is started elsewhere. A
   * migration takes a profile off once it has seen it empty.
   */
  undrained: string[];
}

/** What to do with a start of one workflow id now. */
export type Start =
  | {
      kind: 'send';
      cluster: string;
      /** Clusters that may have the id open: nothing is started before each has been asked. Mostly empty. */
      others: string[];
      /** The answer must be there by then; null: no hurry. */
      withinMs: number | null;
    }
  /** Send nothing for `forMs`; then ask again. */
  | { kind: 'hold'; forMs: number };

export function startAt(route: Route, workflowId: string, nowMs: number): Start {
  const cluster = clusterOf(route.to, workflowId);
  const at = changesAt(route);
  if (route.from !== null && at !== null && nowMs < at + HOLD_AFTER_MS) {
    const before = clusterOf(route.from, workflowId);
    // Ids that stay where they are notice nothing.
    if (before !== cluster) {
      if (nowMs >= at - HOLD_BEFORE_MS) return { kind: 'hold', forMs: at + HOLD_AFTER_MS - nowMs };
      return { kind: 'send', cluster: before, others: others(route, before), withinMs: at - nowMs };
    }
  }
  return { kind: 'send', cluster, others: others(route, cluster), withinMs: null };
}

/** Every profile that may hold workflows of the tenant; the one that most starts are sent to is first. */
export function clustersOf(route: Route): string[] {
  return [...new Set([...namesOf(route.to), ...(route.from ? namesOf(route.from) : []), ...route.undrained])];
}

/** Where starts go at `nowMs`, as far as they are not held. */
export function destinationAt(route: Route, nowMs: number): Destination {
  const at = changesAt(route);
  return route.from !== null && at !== null && nowMs < at ? route.from : route.to;
}

/** The profiles that may hold open workflows: `clustersOf` without a source that was drained. */
export function openOn(route: Route, nowMs: number): string[] {
  const at = changesAt(route);
  const changing = route.from !== null && at !== null && nowMs < at + HOLD_AFTER_MS ? namesOf(route.from) : [];
  return [...new Set([...namesOf(route.to), ...changing, ...route.undrained])];
}

/**
 * Names the stretch of time through which starts have gone, and go, where they do at `nowMs`: a cluster that an id was
 * latest on and that new ones start on is still right in the same stretch. Null: there is none to be named, since starts
 * are just held, or since the route comes from somebody who does not say when it changes (`flagRoutes`).
 */
export function eraAt(route: Route, nowMs: number): string | null {
  const at = changesAt(route);
  if (at === null) return route.undrained.length === 0 ? 'unchanged' : null;
  if (nowMs < at) return `before ${at}`;
  return nowMs < at + HOLD_AFTER_MS ? null : `since ${at}`;
}

/** Stable by workflow id: the same in every process and release. */
export function clusterOf({ cluster, split }: Destination, workflowId: string): string {
  return split !== null && fraction(workflowId) * 100 < split.percent ? split.cluster : cluster;
}

/** T in Unix milliseconds; null for a route that was never changed. */
export function changesAt({ at }: Route): number | null {
  return at === null ? null : Date.parse(at);
}

export type Change = { changed: true; route: Route } | { changed: false; route: Route } | { notBefore: string };

/**
 * Announces that starts go to `to` from T on. `current` is where they go while there is no route yet. A change whose T,
 * and the hold behind it, have not passed is not called off: readers act on it. The next one has to wait.
 */
export function announce(route: Route | null, current: string, to: Destination, nowMs: number): Change {
  const held: Route = route ?? { to: { cluster: current, split: null }, from: null, at: null, undrained: [] };
  if (sameDestination(held.to, to))
    return route === null ? { changed: true, route: held } : { changed: false, route: held };
  const at = changesAt(held);
  if (at !== null && nowMs < at + HOLD_AFTER_MS) return { notBefore: new Date(at + HOLD_AFTER_MS).toISOString() };
  // Where the new ones will start stays named if it was: until T the old side is where they start, and asks there.
  const undrained = [...new Set([...held.undrained, ...namesOf(held.to)])];
  return { changed: true, route: { to, from: held.to, at: new Date(nowMs + LEAD_MS).toISOString(), undrained } };
}

/** `cluster` has no open workflow of the tenant that would be started elsewhere now. */
export function drained(route: Route, cluster: string): Route {
  if (!route.undrained.includes(cluster)) return route;
  return { ...route, undrained: route.undrained.filter((name) => name !== cluster) };
}

function others({ undrained }: Route, cluster: string): string[] {
  return undrained.filter((name) => name !== cluster);
}

function namesOf({ cluster, split }: Destination): string[] {
  return split === null ? [cluster] : [cluster, split.cluster];
}

export function sameDestination(a: Destination, b: Destination): boolean {
  return (
    a.cluster === b.cluster &&
    a.split?.cluster === b.split?.cluster &&
    (a.split?.percent ?? 0) === (b.split?.percent ?? 0)
  );
}

/** Of the workflow id, in [0, 1): FNV-1a over its UTF-16 units, mixed so that ids which differ in their end only spread. */
function fraction(workflowId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < workflowId.length; i++) hash = Math.imul(hash ^ workflowId.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
