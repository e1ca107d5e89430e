/** `ferry compare`: the same workflow types on both clusters, side by side. Reads only; no worker, no control cluster. */
import type { ClusterSource } from '../activities/deps.ts';
import { compareClusters } from '../comparison/compare.ts';
import { ClusterRuns } from '../comparison/cluster-runs.ts';
import { STATUSES, type Comparison, type TypeFigures } from '../comparison/types.ts';
import { reached } from './audit.ts';
import type { Output } from './commands.ts';
import type { Compare } from './compare-args.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';

export async function compare(source: ClusterSource, asked: Compare, io: Output): Promise<ExitCode> {
  const { tenant, clusters, query, type, sample, range, json } = asked;
  const { fromMs, untilMs } = range(Date.now());
  const sides = clusters.map((profile) => new ClusterRuns(source.get(profile)));
  const comparison = await reached([...clusters], () =>
    compareClusters(sides, {
      tenant,
      query,
      ...(type === undefined ? {} : { type }),
      sinceMs: fromMs,
      untilMs,
      sample,
    }),
  );
  io.out(json ? JSON.stringify(comparison, null, 2) : comparisonText(comparison));
  const runs = Object.values(comparison.types).flatMap((byProfile) => Object.values(byProfile));
  if (runs.some((figures) => figures.runs > 0)) return EXIT.ok;
  throw new CliError(
    EXIT.unwished,
    `No run was found on ${clusters.join(' or ')} for ${query}${type === undefined ? '' : ` of type ${type}`}. Which are ` +
      'meant is said by --workflows "<visibility query>" and --type; how far back, by --since.',
  );
}

const COLUMNS = ['runs', 'failed', 'of ended', 'p50', 'p95', 'read'] as const;

export function comparisonText({ tenant, since, until, types, notes }: Comparison): string {
  const lines = Object.entries(types).flatMap(([type, byProfile]) => [
    type,
    ...table(Object.entries(byProfile)),
    ...Object.entries(byProfile)
      .map(([profile, figures]) => [profile, others(figures)] as const)
      .filter(([, text]) => text !== '')
      .map(([profile, text]) => `    ${profile} besides: ${text}`),
  ]);
  return [`${tenant}: runs started ${since} to ${until}`, '', ...lines, ...notes.map((note) => `Note: ${note}`)].join(
    '\n',
  );
}

function table(rows: [string, TypeFigures][]): string[] {
  const cells = [['', ...COLUMNS], ...rows.map(([profile, figures]) => [profile, ...cellsOf(figures)])];
  const widths = cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  return cells.map(
    (row) =>
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`,
  );
}

function cellsOf({ runs, byStatus, failureRate, durationMs: { p50, p95, read } }: TypeFigures): string[] {
  const failed = (byStatus.Failed ?? 0) + (byStatus.TimedOut ?? 0);
  const rate = failureRate === null ? '-' : `${(failureRate * 100).toFixed(2)} %`;
  return [`${runs}`, `${failed}`, rate, duration(p50), duration(p95), `${read}`];
}

function duration(ms: number | null): string {
  if (ms === null) return '-';
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** What is neither completed nor failed, so that the columns add up. */
function others({ byStatus }: TypeFigures): string {
  return STATUSES.filter((status) => status !== 'Completed' && status !== 'Failed' && status !== 'TimedOut')
    .filter((status) => (byStatus[status] ?? 0) > 0)
    .map((status) => `${byStatus[status]} ${status}`)
    .join(', ');
}
