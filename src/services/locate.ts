/** Calls on an existing workflow go to the cluster where it lives: remembered, else looked for. */
import { status } from '@grpc/grpc-js';
import { clusterOf, clustersOf, destinationAt, eraAt, openOn } from '../routes/route.ts';
import { type Seen, describeOn, isAbsent } from './describing.ts';
import { RouteUnavailable, listed } from './errors.ts';
import { type Call, executionOf } from './methods.ts';
import { readPageToken, writePageToken } from './page-token.ts';
import { type Parts, isAskable, send } from './parts.ts';
import { callError } from './scope.ts';

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
  /** What is seen now is remembered with it (`eraAt`). */
  era: string | null;
}

/** Without a route, wherever there is: looking starts nothing. */
export async function placesOf(parts: Parts, workflowId: string): Promise<Places> {
  try {
    const { route } = parts.routes.fresh() ?? (await parts.scope.wait('the route', () => parts.routes.once()));
    const now = parts.time.now();
    const home = clusterOf(destinationAt(route, now), workflowId);
    const first = (names: string[]): string[] => [home, ...names.filter((name) => name !== home)];
    const open = openOn(route, now);
    const all = clustersOf(route).filter((name) => isAskable(parts, open, name));
    return { home, all: first(all), open: first(open), era: eraAt(route, now) };
  } catch (error) {
    const [home] = parts.present;
    if (!(error instanceof RouteUnavailable) || home === undefined) throw error;
    return { home, all: [...parts.present], open: [...parts.present], era: null };
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
    const there = async (profile: string): Promise<object> => {
      if (method === 'resetWorkflowExecution') await checkReset(parts, profile, workflowId);
      return pageOf(profile, await send(parts, profile, method, request));
    };
    const remembered = await rememberedPlace(parts, method, execution);
    if (remembered !== undefined) {
      try {
        return await there(remembered);
      } catch (error) {
        if (!isAbsent(error)) throw error;
        parts.memory.forget(workflowId, runId);
        const found = await find(parts, method, execution);
        if (found === remembered) throw error;
        return await there(found);
      }
    }
    const found = await find(parts, method, execution);
    try {
      return await there(found);
    } catch (error) {
      if (!isAbsent(error) || !NEED_OPEN.has(method) || runId !== undefined) throw error;
      const other = await openElsewhere(parts, workflowId, found);
      if (other === undefined) throw error;
      return send(parts, other, method, request);
    }
  };
}

/**
 * A reset opens the id where its run is: not where nobody would look for it before it is started anew, and not beside an
 * open one, which a reset ends on its own cluster only.
 */
async function checkReset(parts: Parts, profile: string, workflowId: string): Promise<void> {
  // Without a route nobody knows, and nothing is opened.
  const { route } = parts.routes.fresh() ?? (await parts.scope.wait('the route', () => parts.routes.read()));
  const now = parts.time.now();
  const [open, home] = [openOn(route, now), clusterOf(destinationAt(route, now), workflowId)];
  const refused = (why: string): Error =>
    callError(status.FAILED_PRECONDITION, `workflow "${workflowId}" on "${profile}" is not reset: ${why}`);
  if (!open.includes(profile)) {
    throw refused(
      `no open workflows are looked for there any more, only on ${listed(open)}, so that its id could be started a second time. ` +
        `Start it anew, which it is on "${home}", or let the tenant's workflows start there again: ferry route <tenant> --to ${profile}`,
    );
  }
  const asked = open.filter((name) => name !== profile);
  const seen = await Promise.all(asked.map((name) => lookOn(parts, name, workflowId)));
  const other = seen.find((one) => one?.open);
  if (other) throw refused(`run ${other.runId} of it is open on "${other.profile}". End that one first`);
}

/**
 * A cluster may be drained of what services start and still have an open run of a schedule, or one without the tenant's
 * name. A cluster that cannot be asked says nothing: the answer there was stands.
 */
async function openElsewhere(parts: Parts, workflowId: string, except: string): Promise<string | undefined> {
  const { all, era } = await placesOf(parts, workflowId);
  const others = all.filter((name) => name !== except);
  const asked = await Promise.allSettled(others.map((profile) => lookOn(parts, profile, workflowId)));
  const open = asked.flatMap((each) => (each.status === 'fulfilled' && each.value?.open ? [each.value] : []))[0];
  if (open) parts.memory.set(workflowId, open.runId, { profile: open.profile, era });
  return open?.profile;
}

/** To ask one cluster about an id. */
const LOOK_MS = 5_000;
/** For what a cluster may add that has closed workflows at most, once all others have answered. */
const GRACE_MS = 1_500;

function lookOn(parts: Parts, profile: string, workflowId: string, runId?: string): Promise<Seen | undefined> {
  const { scope, time } = parts;
  return scope.by(time.now() + LOOK_MS, () => describeOn(parts.side(profile), workflowId, runId));
}

/**
 * One run is where it is. An id may be closed where it was seen and started anew where new ones start now: calls that a
 * closed workflow refuses are tried there, unless nothing is open there any more: that cluster may be lost by now. Others
 * only if there is home, and has been since: after a there-and-back the latest may be where nobody has looked.
 */
async function rememberedPlace(parts: Parts, method: string, execution: Execution): Promise<string | undefined> {
  const { workflowId, runId } = execution;
  const exact = runId === undefined ? undefined : parts.memory.get(workflowId, runId);
  const place = exact ?? parts.memory.get(workflowId);
  if (place === undefined || exact !== undefined) return place?.profile;
  const { home, open, era } = await placesOf(parts, workflowId);
  if (runId !== undefined || NEED_OPEN.has(method)) return open.includes(place.profile) ? place.profile : undefined;
  return place.profile === home && place.era === era && era !== null ? home : undefined;
}

/** Remembers what it finds. */
async function find(parts: Parts, method: string, { workflowId, runId }: Execution): Promise<string> {
  const places = await placesOf(parts, workflowId);
  const candidates = runId === undefined && NEED_OPEN.has(method) ? places.open : places.all;
  if (candidates.length === 1) return places.home;
  const seen = await look(parts, candidates, places.open, workflowId, runId);
  if (seen === undefined) return places.home;
  parts.memory.set(workflowId, seen.runId, { profile: seen.profile, era: places.era });
  return seen.profile;
}

/**
 * The open one, as soon as a cluster says so, else the latest. A cluster that does not answer decides nothing if all it
 * may have are closed ones, and the id is found elsewhere: then it is not waited for long. Else its error is thrown.
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
    const waiting = new Set(candidates);
    const over = new AbortController();
    const answer = (seen: Seen | undefined): void => {
      over.abort();
      resolve(seen);
    };
    const finish = (): void => {
      const decisive = failed.find(({ profile }) => found.length === 0 || mayBeOpen.includes(profile));
      if (!decisive) return answer(found.toSorted((a, b) => b.startedAt - a.startedAt)[0]);
      over.abort();
      reject(decisive.error);
    };
    const one = async (profile: string): Promise<void> => {
      try {
        const seen = await lookOn(parts, profile, workflowId, runId);
        if (seen) found.push(seen);
        if (seen?.open || (seen && runId !== undefined)) return answer(seen);
      } catch (error) {
        failed.push({ profile, error });
      }
      waiting.delete(profile);
      if (waiting.size === 0) finish();
      else if (found.length > 0 && !mayBeOpen.some((name) => waiting.has(name))) {
        parts.time.sleep(GRACE_MS, over.signal).then(
          finish,
          // Called off: there is an answer.
          () => undefined,
        );
      }
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
