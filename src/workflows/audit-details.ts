/** An audit as short markdown for the Web UI; see `details.ts` for what its renderer does to text. */
import type { AuditProgress } from './audit-schedules.ts';
import { VERDICTS } from '../ledger/verdict.ts';
import { formatDuration } from './duration.ts';

const SHOWN = 10;

export function auditDetails(progress: AuditProgress): string {
  const { tenant, audited, range, schedules, totals, clusters, findings, notes, clean, done } = progress;
  const state = done ? (clean ? 'clean' : 'NOT clean') : 'looking';
  const verdicts = VERDICTS.filter((verdict) => totals[verdict] > 0);
  const table = ['| verdict | times |', '|---|---|', ...verdicts.map((each) => `| ${each} | ${totals[each]} |`)];
  const lateness = Object.entries(clusters).map(
    ([
      name,
      {
        runs,
        latenessMs: { p50, p99, max },
      },
    ]) =>
      `${name}: ${runs} runs, behind their due time by ${formatDuration(p50)} (p50), ${formatDuration(p99)} (p99), ` +
      `${formatDuration(max)} at most`,
  );
  const lines = findings
    .slice(0, SHOWN)
    .map(
      ({ schedule, verdict, from, times, why }) => `- ${verdict}, ${schedule} at ${from}, ${times} in a row: ${why}`,
    );
  return [
    `## Audit of ${tenant}: ${state}`,
    `${schedules} schedules on ${audited.join(' and ')}, ${range.from} to ${range.to}`,
    ...(verdicts.length === 0 ? [] : [table.join('\n')]),
    ...lateness,
    ...(lines.length === 0 ? [] : [`**Findings**\n${lines.join('\n')}`]),
    ...(notes.length === 0
      ? []
      : [
          `**Notes**\n${notes
            .slice(0, SHOWN)
            .map((each) => `- ${each}`)
            .join('\n')}`,
        ]),
  ]
    .join('\n\n')
    .slice(0, 4000);
}
