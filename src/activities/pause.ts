import { FIRST_PAGE, listPage } from '../clusters/inventory.ts';
import { UnknownProfile } from '../clusters/profiles.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import type { Described } from '../schedules/ports.ts';
import {
  type OtherSide,
  type Pausing,
  type Refused,
  pauseSchedule,
  unpauseSchedule,
} from '../services/schedules/pausing.ts';
import { clusterOf } from './cluster-of.ts';
import type { ClusterSource, FerryDeps } from './deps.ts';
import { eachSchedule, isClusterTrouble, reasonFor } from './pages.ts';
import type { Cursor, PausePageInput, PausePageResult, Reason, UnpausePageResult } from './types.ts';

const CONCURRENCY = 16;

export async function pausePage(deps: FerryDeps, input: PausePageInput): Promise<PausePageResult> {
  const none = { paused: 0, already: 0, userPaused: 0, standby: 0, gone: 0 };
  const counts = { ...none };
  const page = await walkPage(deps, input, async (pausing, id) => {
    const done = await pauseSchedule(pausing, id);
    if (done.did === 'refused') return done;
    counts[done.did]++;
    return undefined;
  });
  return { ...(page.complete ? counts : none), ...page.result };
}

export async function unpausePage(deps: FerryDeps, input: PausePageInput): Promise<UnpausePageResult> {
  const none = { unpaused: 0, running: 0, gone: 0 };
  const counts = { ...none };
  const page = await walkPage(deps, input, async (pausing, id) => {
    const done = await unpauseSchedule(pausing, id);
    if (done.did === 'refused') return done;
    counts[done.did]++;
    return undefined;
  });
  return { ...(page.complete ? counts : none), ...page.result };
}

interface Page {
  complete: boolean;
  result: { seen: number; refused: Reason[]; next?: Cursor };
}

async function walkPage(
  deps: FerryDeps,
  { step, cluster: profile, other, selection, cursor, pageSize }: PausePageInput,
  treat: (pausing: Pausing, id: string) => Promise<Refused | undefined>,
): Promise<Page> {
  const cluster = clusterOf(deps, profile, 'reach');
  const pausing = { cluster, other: otherSide(deps.clusters, other), time: REAL_TIME, by: step };
  const { entries, next } = await listPage(cluster, selection, cursor, pageSize);
  const refused: Reason[] = [];
  const { complete } = await eachSchedule(
    entries,
    CONCURRENCY,
    () => ({}),
    async ({ id }) => {
      try {
        const why = await treat(pausing, id);
        if (why) refused.push({ object: `schedule ${id}`, code: why.code, found: why.found, remedy: why.remedy });
      } catch (error) {
        refused.push(reasonFor(error, id));
      }
    },
  );
  // Cut short, the page is walked again, and what is done is found done.
  if (!complete) return { complete, result: { seen: 0, refused: [], next: cursor ?? FIRST_PAGE } };
  return { complete, result: { seen: entries.length, refused, ...(next === undefined ? {} : { next }) } };
}

/** One that does not answer is not asked for the rest of the page: each question would wait for its deadline. */
function otherSide(clusters: ClusterSource, profile: string | null): OtherSide {
  if (profile === null) {
    return { profile: 'the other cluster', ask: async () => ({ silent: 'the input does not name it as `other`' }) };
  }
  let silent: string | undefined;
  const ask = async (id: string): Promise<{ seen: Described | undefined } | { silent: string }> => {
    if (silent !== undefined) return { silent };
    try {
      return { seen: await clusters.get(profile).describe(id) };
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      if (isClusterTrouble(error) || error instanceof UnknownProfile) silent = error.message;
      return { silent: error.message };
    }
  };
  return { profile, ask };
}
