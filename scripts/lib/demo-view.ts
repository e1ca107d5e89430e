/** What the demo shows. Everything here is text; what is true or false is decided elsewhere. */
import type { Ledger } from '../../test/support/ledger.ts';
import type { MigrationResult } from '../../src/workflows/result.ts';
import type { Progress } from '../../src/workflows/progress.ts';
import type { Stack } from './stack.ts';

const width = 24;

/** One line that is rewritten in a terminal; elsewhere a new line whenever something has changed. */
export class ProgressLine {
  #last = '';
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  show(progress: Progress): void {
    const text = progressText(progress);
    if (text === this.#last) return;
    this.#last = text;
    if (!this.#out.isTTY) this.#out.write(`   ${text}\n`);
    else this.#out.write(`\r\u001B[K   ${bar(progress)} ${text.slice(0, Math.max(20, this.#out.columns - width - 8))}`);
  }

  end(): void {
    if (this.#out.isTTY && this.#last) this.#out.write('\n');
  }
}

export function progressText({ phase, owner, schedules, waitingFor }: Progress): string {
  const { total, copied, verified, handedOver, failed } = schedules;
  const counts: Partial<Record<Progress['phase'], string>> = {
    copying: `${copied} of ${total} copied`,
    verifying: `${verified} of ${total} verified`,
    'cutting-over': `${handedOver} of ${total} handed over`,
    'rolling-back': `${handedOver} of ${total} not yet back`,
  };
  const owned = owner === null ? undefined : `owner ${owner}`;
  const parts = [phase, counts[phase], owned, failed > 0 ? `${failed} failed` : undefined, waitingFor];
  return parts.filter(Boolean).join(' · ');
}

function bar({ schedules }: Progress): string {
  const { total, copied, verified, handedOver } = schedules;
  const share = total === 0 ? 0 : Math.min(1, (copied + verified + handedOver) / (3 * total));
  const filled = Math.round(share * width);
  return `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`;
}

export interface TenantLedger {
  title: string;
  ledger: Ledger;
}

export function ledgerTable(tenants: TenantLedger[]): string {
  const header = [
    '',
    'schedules',
    'times due',
    'ran once',
    'twice',
    'missed',
    'wrong side',
    'skipped by policy',
    'runs',
  ];
  const cells = tenants.map(({ title, ledger: { rows, totals } }) => [
    title,
    `${rows.length}`,
    `${totals.expected}`,
    `${totals.once}`,
    `${totals.duplicates}`,
    `${totals.missed}`,
    `${totals.wrongSide + totals.unexpected}`,
    `${totals.explained}`,
    Object.entries(totals.runs)
      .map(([side, runs]) => `${runs} on ${side}`)
      .join(', '),
  ]);
  const table = [header, ...cells];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))),
    )
    .map((row) => `   ${row.join('  ')}`.trimEnd())
    .join('\n');
}

/** What happened, for somebody who has never seen a schedule migrate. */
export function story({ outcome, from, to, schedules, audit }: MigrationResult, lateMs: number): string {
  const late = `The latest run anywhere started ${(lateMs / 1_000).toFixed(1)} s behind its time.`;
  const { filled } = audit;
  const repaired =
    filled === 0
      ? ''
      : `\n${filled} runs that a scheduler had dropped were started, each exactly once, by workflow id.`;
  const there =
    `Each of the ${schedules.total} schedules changed sides at a second B of its own: ${from} ran its times before B, and ${to}\n` +
    `those from B on. Together they are all, and none is in both: docs/cutover.md has the proof.`;
  if (outcome !== 'rolled-back') return `${there}${repaired}\n${late}`;
  return (
    `${there}\nThen somebody changed their mind during the bake, and the same was done the other way round: ${from} runs them\n` +
    `all again, as if nothing had happened. Its copies on ${to} are paused and can be used for the next attempt.${repaired}\n${late}`
  );
}

/** `workerGroup`: the process group of the ferry worker. */
export function nextSteps(stack: Stack, tenant: string, owner: string, workerGroup: number): string {
  const { cloud, selfhosted, control } = stack.servers;
  const other = owner === 'cloud' ? 'selfhosted' : 'cloud';
  const form = `workflowType=MigrateTenant&taskQueue=ferry&workflowId=migrate/${tenant}`;
  return `
Web UI   control     ${control.uiAddress}/namespaces/${control.namespace}/workflows
         cloud       ${cloud.uiAddress}/namespaces/${cloud.namespace}/schedules
         selfhosted  ${selfhosted.uiAddress}/namespaces/${selfhosted.namespace}/schedules

Try next
 - Look at the migration: ${control.uiAddress}/namespaces/${control.namespace}/workflows/${encodeURIComponent(`migrate/${tenant}`)}
 - Move ${tenant} ${owner === 'cloud' ? 'again' : 'back'}: open ${control.uiAddress}/namespaces/${control.namespace}/workflows/start-workflow?${form}
   with the input {"tenant": "${tenant}", "from": "${owner}", "to": "${other}", "bake": "2 minutes"}
 - While it bakes, send it the signal rollback, or proceed; ask it progress on the tab Queries.
 - Kill the worker in the middle of it: kill -9 -- -${workerGroup}
   Then start another and watch it go on: TEMPORAL_CONFIG_FILE=${stack.configFile} npm run worker
 - Use these servers from your own programs: export TEMPORAL_CONFIG_FILE=${stack.configFile}`;
}
