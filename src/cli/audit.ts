/** `ferry audit`: asks the clusters themselves; no worker, no control cluster, nothing is written. */
import type { ClusterSource } from '../activities/deps.ts';
import { auditSchedules } from '../ledger/audit.ts';
import { nextBatch } from '../ledger/batches.ts';
import { ClusterEvidence } from '../ledger/cluster-evidence.ts';
import { type AuditReport, type Audited, reportOf } from '../ledger/report.ts';
import { emptyTally } from '../ledger/tally.ts';
import { VERDICTS, type Line } from '../ledger/verdict.ts';
import { formatDuration } from '../workflows/duration.ts';
import { rangeOf } from '../workflows/audit-input.ts';
import type { Audit } from './audit-args.ts';
import type { Output } from './commands.ts';
import { whyUnreachable } from './errors.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';

const BATCH = 50;
const SHOWN = 30;

export async function audit(source: ClusterSource, { settings, json, every }: Audit, io: Output): Promise<ExitCode> {
  const clusters = settings.clusters.map((profile) => source.get(profile));
  const evidence = clusters.map((cluster) => new ClusterEvidence(cluster));
  for (const each of evidence) await reached([each.profile], () => each.retentionMs());

  const { tenant, selection, lateAfterMs } = settings;
  const nowMs = Date.now();
  const range = rangeOf(settings, nowMs);
  const of: Audited = { tenant, clusters: settings.clusters, ...range, lateAfterMs, nowMs };
  const tally = emptyTally();
  const tell = (line: Line): void => {
    if (json && (every || line.verdict !== 'once')) io.out(JSON.stringify(line));
  };
  let cursor: string | undefined;
  do {
    const at = cursor;
    cursor = await reached(settings.clusters, async () => {
      const batch = await nextBatch(clusters, selection, at, BATCH);
      await auditSchedules(evidence, batch.ids, of, tally, tell);
      return batch.next;
    });
    if (!json && cursor !== undefined) io.err(`${tally.schedules} schedules so far`);
  } while (cursor !== undefined);

  const report = reportOf(of, tally, Date.now());
  io.out(json ? JSON.stringify({ summary: report }) : auditText(report));
  if (tally.schedules === 0) {
    throw new CliError(
      EXIT.unwished,
      `No schedule of "${tenant}" was found on ${settings.clusters.join(' or ')}. Which are meant is said by --schedules ` +
        `"…", --prefix … or --all-schedules; without one, those with TenantId = '${tenant}'.`,
    );
  }
  return report.clean ? EXIT.ok : EXIT.unwished;
}

export async function reached<T>(profiles: string[], call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const why = whyUnreachable(error);
    if (why === undefined) throw error;
    const names = profiles.map((name) => `"${name}"`).join(' or ');
    throw new CliError(EXIT.unreachable, `The cluster of profile ${names} cannot be had: ${why}.`);
  }
}

export function auditText(report: AuditReport): string {
  const { tenant, audited, range, schedules, totals, clusters, findings, notes, lateAfterMs } = report;
  const counted = VERDICTS.filter((verdict) => totals[verdict] > 0);
  const width = Math.max(...counted.map((verdict) => `${totals[verdict]}`.length), 1);
  const shown = findings.slice(0, SHOWN);
  return [
    `${tenant}: ${schedules} schedules on ${audited.join(' and ')}, nominal times ${range.from} to ${range.to}`,
    ...counted.map((verdict) => `  ${`${totals[verdict]}`.padStart(width)}  ${verdict}`),
    ...Object.entries(clusters).map(
      ([
        name,
        {
          runs,
          latenessMs: { p50, p99, max },
        },
      ]) => `${name}: ${runs} runs, behind their due time ${p50} ms (p50), ${p99} ms (p99), ${max} ms (max)`,
    ),
    ...(shown.length === 0 ? [] : ['', 'Findings (the first of each kind; --json tells all)']),
    ...shown.map(({ schedule, verdict, from, to, times, why }) => {
      const when = times === 1 ? from : `${times} times from ${from} to ${to}`;
      return `  ${verdict}: ${schedule}, ${when}\n    ${why}`;
    }),
    ...(notes.length === 0 ? [] : ['', 'Notes', ...notes.map((note) => `  ${note}`)]),
    '',
    verdictOf(report, lateAfterMs),
  ].join('\n');
}

/** One sentence for the person who only reads the last line. */
function verdictOf({ clean, totals, schedules }: AuditReport, lateAfterMs: number): string {
  if (schedules === 0) return 'Nothing was looked at: no schedule was found.';
  const { duplicate, missed, inconclusive, late } = totals;
  const open = inconclusive === 0 ? '' : ` ${inconclusive} times cannot be judged: see why above.`;
  const behind = late === 0 ? '' : ` ${late} started more than ${formatDuration(lateAfterMs)} late.`;
  if (!clean) {
    return `NOT CLEAN: ${duplicate} duplicate, ${missed} missed, ${totals['wrong-side']} on the wrong side.${behind}${open}`;
  }
  return `Clean: nothing ran twice, nothing is missing, nothing ran on the wrong side.${behind}${open}`;
}
