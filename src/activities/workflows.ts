/** Reads only: the tenant's workflows on demand on one cluster. Answers are bounded, however many there are. */
import { isQueryable } from '../workflows/input.ts';
import { NO_STRAYS } from '../workflows/progress.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { countRuns, listRuns, onDemand, type OnDemandRun, openOnDemand, wasStarted } from '../clusters/on-demand.ts';
import type { FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import type { TypeCount, WorkflowsInput, WorkflowsSeen, WrongSide } from './types.ts';

/** Open ones whose types and ages are read; beyond them they are counted by type. */
const LOOKED_AT = 2_000;
const TYPES = 20;
const LISTED = 20;
/** Started after the change of the route, and asked one by one whether somebody started them. */
const EXAMINED = 1_000;
/** Asked at a time: a drained source still works. */
const AT_ONCE = 10;

export async function lookAtWorkflows(deps: FerryDeps, input: WorkflowsInput): Promise<WorkflowsSeen> {
  const cluster = deps.clusters.get(input.cluster);
  const { query, after, early } = input;
  let examined = 0;
  const pulse = heartbeating(() => ({ examined }));
  const startedBetween = (on: Cluster, times: { after: string; before?: string }): Promise<WrongSide> =>
    startedThere(on, { query, ...times }, () => examined++);
  try {
    const { open, byType } = await openByType(cluster, query);
    const wrongSide = after === null ? NO_STRAYS : await startedBetween(cluster, { after });
    if (!early) return { open, byType, wrongSide };
    return { open, byType, wrongSide, early: await startedBetween(deps.clusters.get(early.cluster), early) };
  } finally {
    pulse.stop();
  }
}

export async function openByType(
  cluster: Cluster,
  query: string,
): Promise<{ open: number; byType: TypeCount[]; runs: OnDemandRun[] }> {
  const running = openOnDemand(query);
  const { runs, complete } = await listRuns(cluster, running, LOOKED_AT);
  const counts = tally(runs);
  if (complete) return { open: runs.length, byType: counts.slice(0, TYPES), runs };
  const byType: TypeCount[] = [];
  for (const each of counts.slice(0, TYPES)) {
    const exact = isQueryable(each.type)
      ? await countRuns(cluster, `${running} AND WorkflowType = '${each.type.replaceAll("'", "''")}'`)
      : each.open;
    byType.push({ ...each, open: exact });
  }
  return { open: await countRuns(cluster, running), byType: byType.toSorted(mostOpen), runs };
}

function tally(runs: readonly OnDemandRun[]): TypeCount[] {
  const types = new Map<string, { open: number; oldestMs: number }>();
  for (const { type, startedMs } of runs) {
    const { open, oldestMs } = types.get(type) ?? { open: 0, oldestMs: startedMs };
    types.set(type, { open: open + 1, oldestMs: Math.min(oldestMs, startedMs) });
  }
  return [...types]
    .map(([type, { open, oldestMs }]) => ({ type, open, oldestStartedAt: new Date(oldestMs).toISOString() }))
    .toSorted(mostOpen);
}

function mostOpen(a: TypeCount, b: TypeCount): number {
  return b.open - a.open || (a.type < b.type ? -1 : 1);
}

/** Children and later runs of a chain are the old side's own work going on; only what somebody started there counts. */
async function startedThere(
  cluster: Cluster,
  { query, after, before }: { query: string; after: string; before?: string },
  examined: () => void,
): Promise<WrongSide> {
  const until = before === undefined ? '' : ` AND StartTime < '${before}'`;
  const started = `${onDemand(query)} AND StartTime > '${after}'${until}`;
  const { runs, complete } = await listRuns(cluster, started, EXAMINED);
  const found: OnDemandRun[] = [];
  const candidates = runs.filter(({ child }) => !child);
  for (let at = 0; at < candidates.length; at += AT_ONCE) {
    const some = candidates.slice(at, at + AT_ONCE);
    const bySomebody = await Promise.all(some.map((run) => wasStarted(cluster, run)));
    found.push(...some.filter((_, index) => bySomebody[index]));
    for (const _ of some) examined();
  }
  const first = found.toSorted((a, b) => a.startedMs - b.startedMs).slice(0, LISTED);
  return {
    count: found.length,
    first: first.map(({ workflowId, type, startedMs }) => ({
      workflowId,
      type,
      startedAt: new Date(startedMs).toISOString(),
    })),
    unexamined: complete ? 0 : Math.max(0, (await countRuns(cluster, started)) - runs.length),
  };
}
