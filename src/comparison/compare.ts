/** Counts, failure rates and durations of a tenant's workflow types on two clusters. Reads only; pure but for its ports. */
import type { ComparedCluster, Comparison, Completed, TypeFigures } from './types.ts';

export interface Asked {
  tenant: string;
  /** Which runs are the tenant's, as a visibility query. */
  query: string;
  /** One type alone; else every type found among the runs that are read. */
  type?: string;
  sinceMs: number;
  untilMs: number;
  /** Newest runs read on each cluster, for types and durations. Counts are exact whatever it is. */
  sample: number;
}

export async function compareClusters(clusters: readonly ComparedCluster[], asked: Asked): Promise<Comparison> {
  const { tenant, query, type, sinceMs, untilMs, sample } = asked;
  const [since, until] = [sinceMs, untilMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  const ofType = (name: string | undefined): string =>
    `(${query}) AND StartTime >= '${since}' AND StartTime < '${until}'` +
    (name === undefined ? '' : ` AND WorkflowType = ${quoted(name)}`);

  const read = await Promise.all(
    clusters.map(async (cluster) => ({ cluster, ...(await cluster.read(ofType(type), sample)) })),
  );
  const names = type === undefined ? [...new Set(read.flatMap(({ types }) => [...types]))].toSorted() : [type];
  const types: Comparison['types'] = {};
  for (const name of names) {
    const sides = await Promise.all(
      read.map(async ({ cluster, completed }) => {
        const byStatus = await cluster.count(ofType(name));
        return [
          cluster.profile,
          figures(
            byStatus,
            completed.filter((run) => run.type === name),
          ),
        ] as const;
      }),
    );
    types[name] = Object.fromEntries(sides);
  }
  const notes = read
    .filter(({ all }) => !all)
    .map(
      ({ cluster, runs }) =>
        `${cluster.profile} has more runs than the ${runs} newest that were read: durations are of those, counts are of all` +
        (type === undefined ? ', and a type without a run among them is not listed' : ''),
    );
  return { tenant, query, since, until, types, notes };
}

function figures(byStatus: TypeFigures['byStatus'], completed: readonly Completed[]): TypeFigures {
  const runs = Object.values(byStatus).reduce((sum, n) => sum + n, 0);
  const failed = (byStatus.Failed ?? 0) + (byStatus.TimedOut ?? 0);
  const ended = failed + (byStatus.Completed ?? 0);
  const durations = completed.map(({ durationMs }) => durationMs).toSorted((a, b) => a - b);
  return {
    runs,
    byStatus,
    failureRate: ended === 0 ? null : failed / ended,
    durationMs: { p50: percentile(durations, 0.5), p95: percentile(durations, 0.95), read: durations.length },
  };
}

/** Nearest rank: a duration that was really seen. */
export function percentile(sorted: readonly number[], fraction: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? null;
}

/** The server's parser takes single quotes doubled. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
