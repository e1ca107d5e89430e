/** Calls on an existing workflow go to the cluster where it lives: remembered, else looked for. */
import { clusterOf, clustersOf, destinationAt, openOn } from '../routes/route.ts';
import { type Seen, describeOn, isAbsent } from './describing.ts';
import { RouteUnavailable } from './errors.ts';
import { type Call, executionOf } from './methods.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import { type Parts, send } from './parts.ts';

/** Refused by a workflow that is closed, so no cluster is asked that has only closed ones. */
const NEED_OPEN = new Set([
  'signalWorkflowExecution',
  'updateWorkflowExecution',
  'requestCancelWorkflowExecution',
  'terminateWorkflowExecution',
]);

interface Execution {
  workflowId: string;
  runId: string | undefined;
}

/** Where to look, the likeliest first. */
export interface Places {
  home: string;
  all: string[];
  /** Those that may have open workflows. */
  open: string[];
}

/** Without a route, wherever there is: looking starts nothing. */
export async function placesOf(parts: Parts, workflowId: string): Promise<Places> {
  try {
    const { route } = parts.routes.fresh() ?? (await parts.scope.wait('the route', () => parts.routes.once()));
    const now = parts.time.now();
    const home = clusterOf(destinationAt(route, now), workflowId);
    const first = (names: string[]): string[] => [home, ...names.filter((name) => name !== home)];
    return { home, all: first(clustersOf(route)), open: first(openOn(route, now)) };
  } catch (error) {
    const [home] = parts.present;
    if (!(error instanceof RouteUnavailable) || home === undefined) throw error;
    return { home, all: [...parts.present], open: [...parts.present] };
  }
}

/** A call of `method`, whose request names a workflow. */
export function onExisting(parts: Parts, method: string): Call {
  return async (request) => {
    const execution = executionOf(request);
    const paged = request as { nextPageToken?: Uint8Array | null };
    if (execution === undefined) throw new TypeError(`${method}: no workflow is named`);
    if (paged.nextPageToken?.length) {
      const { profile, token } = readPageToken(paged.nextPageToken);
      return pageOf(profile, await send(parts, profile, method, { ...request, nextPageToken: token }));
    }
    const { workflowId, runId } = execution;
    const remembered = await rememberedPlace(parts, method, execution);
    if (remembered !== undefined) {
      try {
        return pageOf(remembered, await send(parts, remembered, method, request));
      } catch (error) {
        if (!isAbsent(error)) throw error;
        parts.memory.forget(workflowId, runId);
        const found = await find(parts, method, execution);
        if (found === remembered) throw error;
        return pageOf(found, await send(parts, found, method, request));
      }
    }
    const found = await find(parts, method, execution);
    try {
      return pageOf(found, await send(parts, found, method, request));
    } catch (error) {
      if (!isAbsent(error) || !NEED_OPEN.has(method) || runId !== undefined) throw error;
      const other = await openElsewhere(parts, workflowId, found);
      if (other === undefined) throw error;
      return send(parts, other, method, request);
    }
  };
}

/**
 * A cluster may be drained of what services start and still have an open run of a schedule, or one without the tenant's
 * name. A cluster that cannot be asked says nothing: the answer there was stands.
 */
async function openElsewhere(parts: Parts, workflowId: string, except: string): Promise<string | undefined> {
  const { all } = await placesOf(parts, workflowId);
  const others = all.filter((name) => name !== except);
  const asked = await Promise.allSettled(
    others.map((profile) =>
      parts.scope.by(parts.time.now() + LOOK_MS, () => describeOn(parts.side(profile), workflowId)),
    ),
  );
  const open = asked.flatMap((each) => (each.status === 'fulfilled' && each.value?.open ? [each.value] : []))[0];
  if (open) parts.memory.set(workflowId, open.runId, open.profile);
  return open?.profile;
}

/** To ask a cluster about an id that was not found where it should be. */
const LOOK_MS = 5_000;

/**
 * One run is where it is. An id may be closed where it was seen and started anew where new ones start now: calls that a
 * closed workflow refuses are tried there, others only if there is home.
 */
async function rememberedPlace(parts: Parts, method: string, execution: Execution): Promise<string | undefined> {
  const { workflowId, runId } = execution;
  const exact = runId === undefined ? undefined : parts.memory.get(workflowId, runId);
  const place = exact ?? parts.memory.get(workflowId);
  if (place === undefined || exact !== undefined || runId !== undefined || NEED_OPEN.has(method)) return place;
  return (await placesOf(parts, workflowId)).home === place ? place : undefined;
}

/** Remembers what it finds. */
async function find(parts: Parts, method: string, { workflowId, runId }: Execution): Promise<string> {
  const places = await placesOf(parts, workflowId);
  const candidates = runId === undefined && NEED_OPEN.has(method) ? places.open : places.all;
  if (candidates.length === 1) return places.home;
  const seen = await look(parts, candidates, places.open, workflowId, runId);
  if (seen === undefined) return places.home;
  parts.memory.set(workflowId, seen.runId, seen.profile);
  return seen.profile;
}

/**
 * The open one, as soon as a cluster says so, else the latest. A cluster that does not answer decides nothing if all it
 * may have are closed ones, and the id is found elsewhere; else its error is thrown.
 */
function look(
  parts: Parts,
  candidates: string[],
  mayBeOpen: string[],
  workflowId: string,
  runId: string | undefined,
): Promise<Seen | undefined> {
  return new Promise((resolve, reject) => {
    const found: Seen[] = [];
    const failed: { profile: string; error: unknown }[] = [];
    let waiting = candidates.length;
    const one = async (profile: string): Promise<void> => {
      try {
        const seen = await describeOn(parts.side(profile), workflowId, runId);
        if (seen) found.push(seen);
        if (seen?.open || (seen && runId !== undefined)) resolve(seen);
      } catch (error) {
        failed.push({ profile, error });
      }
      if (--waiting > 0) return;
      const decisive = failed.find(({ profile: name }) => found.length === 0 || mayBeOpen.includes(name));
      if (decisive) reject(decisive.error);
      else resolve(found.toSorted((a, b) => b.startedAt - a.startedAt)[0]);
    };
    for (const profile of candidates) void one(profile);
  });
}

/** Further pages of a history come from where the first did. */
function pageOf(profile: string, answer: object): object {
  const { nextPageToken } = answer as { nextPageToken?: Uint8Array | null };
  return nextPageToken?.length
    ? { ...answer, nextPageToken: writePageToken({ profile, token: nextPageToken }) }
    : answer;
}
