/** `ferry reconcile`: starts `ReconcileSchedules`, or finds it running, and waits for what it did. */
import type { Client } from '@temporalio/client';
import type { ReconcileReport, ReconcileSchedules } from '../workflows/reconcile-schedules.ts';
import type { Output } from './commands.ts';
import { count } from '../workflows/progress.ts';
import { EXIT, type ExitCode } from './exit.ts';
import type { Reconcile } from './reconcile-args.ts';
import { ended } from './steps.ts';
import { clipBytes } from './words.ts';

export async function reconcile(
  client: Client,
  taskQueue: string,
  { input, workflowId, json }: Reconcile,
  io: Output,
): Promise<ExitCode> {
  const handle = await client.workflow.start<typeof ReconcileSchedules>('ReconcileSchedules', {
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue,
    args: [input],
    staticSummary: clipBytes(`${input.tenant}: copies in line with their schedules`, 200),
  });
  io.err(`${workflowId} runs; waiting for what it does.`);
  const report = await ended(handle);
  io.out(json ? JSON.stringify(report, null, 2) : reconcileText(report));
  // A misspelt tenant has none.
  return report.refused + report.moving === 0 && report.seen > 0 ? EXIT.ok : EXIT.unwished;
}

export function reconcileText(report: ReconcileReport): string {
  const { tenant, clusters, seen, created, updated, removed, unchanged, moving, refused, reasons } = report;
  const more = refused - reasons.length;
  return [
    `${tenant}: ${count(seen)} on ${clusters.join(' and ')}`,
    `  copies in line ${unchanged}, made ${created}, updated ${updated}, removed ${removed}`,
    ...(moving === 0
      ? []
      : [`  changing hands ${moving}: their hand-over brings the copy in line; reconcile again behind it`]),
    ...(refused === 0 ? [] : [`  left for you ${refused}:`]),
    ...reasons.map(({ object, code, found, remedy }) => `    ${object}, ${code}: ${found}; ${remedy}`),
    ...(more > 0 ? [`    and ${more} more`] : []),
    seen === 0 ? 'No schedule was found: which are meant is said by --schedules, --prefix or --all-schedules.' : '',
  ]
    .filter((line) => line !== '')
    .join('\n');
}
