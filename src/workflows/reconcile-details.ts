/** A reconciliation as short markdown for the Web UI; see `details.ts` for what its renderer does to text. */
import type { ReconcileReport } from './reconcile-schedules.ts';

export function reconcileDetails(report: ReconcileReport): string {
  const { tenant, clusters, seen, created, updated, removed, unchanged, moving, refused, reasons, done } = report;
  const lines = reasons.map(({ object, code, found, remedy }) => `- ${object}, ${code}: ${found}; ${remedy}`);
  return [
    `## Copies of ${tenant}: ${done ? 'done' : 'looking'}`,
    `${seen} schedules on ${clusters.join(' and ')}: ${unchanged} in line, ${created} copies made, ${updated} updated, ${removed} removed`,
    ...(moving === 0 ? [] : [`${moving} are changing hands: their hand-over brings the copy in line`]),
    ...(refused === 0 ? [] : [`**${refused} left for a person**\n${lines.join('\n')}`]),
  ]
    .join('\n\n')
    .slice(0, 4000);
}
