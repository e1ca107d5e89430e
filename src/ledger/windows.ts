/**
 * The runs of some schedules in windows of nominal time, as many as fit in memory. Lists cannot be asked for in order of
 * nominal time, so a window is read whole; one that holds too many is read again in halves.
 */
import { fold } from './chains.ts';
import type { AuditedCluster, Execution, LedgerRun } from './ports.ts';
import type { NominalRange } from './dues.ts';

/** Held at a time, of all clusters together: some megabytes. */
export const WINDOW_RUNS = 10_000;

export interface RunWindow {
  /** Nominal times before this have been read, ms. */
  untilMs: number;
  /** By schedule, ascending by nominal time. */
  runs: Map<string, LedgerRun[]>;
}

export async function* runWindows(
  clusters: AuditedCluster[],
  schedules: string[],
  { fromMs, untilMs }: NominalRange,
  most = WINDOW_RUNS,
): AsyncGenerator<RunWindow> {
  let width = untilMs - fromMs;
  for (let at = fromMs; at < untilMs;) {
    const end = Math.min(untilMs, at + width);
    // A single second is read whole, however much it holds.
    const found = await read(clusters, schedules, at, end, end - at <= 1000 ? Infinity : most);
    if (!found) {
      width = wholeSeconds((end - at) / 2);
      continue;
    }
    yield { untilMs: end, runs: await fold(clusters, found) };
    at = end;
    width = wholeSeconds(width * Math.min(4, Math.max(0.5, most / (2 * (found.length + 1)))));
  }
}

function wholeSeconds(ms: number): number {
  return Math.max(1000, Math.floor(ms / 1000) * 1000);
}

async function read(
  clusters: AuditedCluster[],
  schedules: string[],
  fromMs: number,
  untilMs: number,
  most: number,
): Promise<Execution[] | undefined> {
  const found: Execution[] = [];
  let tooMany = false;
  await Promise.all(
    clusters.map(async (cluster) => {
      for await (const page of cluster.executions(schedules, fromMs, untilMs)) {
        for (const execution of page) found.push(execution);
        tooMany ||= found.length > most;
        if (tooMany) return;
      }
    }),
  );
  return tooMany ? undefined : found;
}
