/** What it takes to understand a run that did not hold, kept beyond the servers it came from. */
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { type Outage, readRuns, type Run, type Side, type Write } from '../../test/support/ledger.ts';
import type { Fault } from './faults.ts';
import type { Leg } from './legs.ts';
import type { Wave } from './verdict.ts';

export interface Evidence {
  faults: Fault[];
  outages: Outage[];
  writes: Write[];
  legs: Leg[];
  waves: Wave[];
}

/**
 * Into `dir`: `run.json` (the above), `runs.tsv` (every execution of every schedule, by schedule and nominal time),
 * `<migration>.json` (its history), and all the stack's own files: databases, server logs, what the workers said.
 */
export async function keepEvidence(
  dir: string,
  { sides, control, stackDir }: { sides: Side[]; control: Client; stackDir: string },
  evidence: Evidence,
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const { waves, legs } = evidence;
  await writeFile(join(dir, 'run.json'), JSON.stringify(evidence, null, 1));
  const ids = waves.flatMap(({ schedules }) => schedules.map(({ id }) => id));
  const runs = await readRuns({ sides, ids, from: Math.min(...waves.map(({ from }) => from)) });
  const lines = [...runs].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([id, all]) => linesOf(id, all));
  await writeFile(join(dir, 'runs.tsv'), lines.join('\n'));
  for (const { id } of legs) {
    const history = await control.workflow.getHandle(id).fetchHistory();
    await writeFile(join(dir, `${id.replace('/', '-')}.json`), JSON.stringify(history, null, 1));
  }
  await cp(stackDir, join(dir, 'stack'), { recursive: true });
}

function linesOf(id: string, runs: Run[]): string[] {
  return runs
    .toSorted((a, b) => a.nominal - b.nominal)
    .map(({ side, nominal, startMs, closeMs }) =>
      [id, iso(nominal * 1000), side, iso(startMs), iso(closeMs)].join('\t'),
    );
}

function iso(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : 'open';
}
