/**
 * From executions to runs. A run that retries, continues as new or is reset is several executions with one workflow id;
 * a time that was really started twice is that too. The first run id of the chain tells them apart.
 */
import type { AuditedCluster, Execution, LedgerRun } from './ports.ts';

/** By schedule, ascending by nominal time. */
export async function fold(clusters: AuditedCluster[], executions: Execution[]): Promise<Map<string, LedgerRun[]>> {
  const byId = new Map<string, Execution[]>();
  for (const execution of executions) push(byId, `${execution.cluster}\n${execution.workflowId}`, execution);
  const runs = new Map<string, LedgerRun[]>();
  for (const same of byId.values()) {
    for (const run of same.length === 1 ? same : await asRuns(clusters, same)) push(runs, run.schedule, run);
  }
  for (const of of runs.values()) of.sort((a, b) => a.nominalMs - b.nominalMs || a.startMs - b.startMs);
  return runs;
}

async function asRuns(clusters: AuditedCluster[], same: Execution[]): Promise<LedgerRun[]> {
  const ordered = same.toSorted((a, b) => a.startMs - b.startMs);
  // All but the last have continued as new: one chain, and nobody need be asked.
  if (ordered.slice(0, -1).every(({ continuedAsNew }) => continuedAsNew)) return [joined(ordered)];
  const chains = new Map<string, Execution[]>();
  for (const execution of ordered) {
    const cluster = clusters.find(({ profile }) => profile === execution.cluster);
    const first = await cluster?.firstRunId(execution.workflowId, execution.runId);
    push(chains, first ?? execution.runId, execution);
  }
  return [...chains.values()].map(joined);
}

function joined(chain: Execution[]): LedgerRun {
  const [first, last] = [chain[0], chain.at(-1)];
  if (!first || !last) throw new Error('a chain of executions is empty');
  return { ...first, closeMs: last.closeMs };
}

function push<V>(groups: Map<string, V[]>, key: string, value: V): void {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
}
