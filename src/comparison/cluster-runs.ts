/** A real cluster's runs: ListWorkflowExecutions and CountWorkflowExecutions. */
import proto from '@temporalio/proto';
import type { Cluster } from '../clusters/cluster.ts';
import { keyword } from '../clusters/keyword.ts';
import { toMs, toNumber } from '../schedules/times.ts';
import { type ComparedCluster, type Completed, type Status, STATUSES } from './types.ts';

const { WORKFLOW_EXECUTION_STATUS_COMPLETED } = proto.temporal.api.enums.v1.WorkflowExecutionStatus;

const PAGE = 1000;

export class ClusterRuns implements ComparedCluster {
  readonly profile: string;
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.profile = cluster.profile;
    this.#cluster = cluster;
  }

  async read(query: string, most: number) {
    const { namespace } = this.#cluster;
    const types = new Set<string>();
    const completed: Completed[] = [];
    let runs = 0;
    let nextPageToken: Uint8Array | undefined;
    do {
      const pageSize = Math.min(PAGE, most - runs);
      const page = await this.#cluster.call((s) =>
        s.listWorkflowExecutions({ namespace, query, pageSize, nextPageToken }),
      );
      for (const { type, status, startTime, executionTime, closeTime } of page.executions ?? []) {
        runs++;
        const name = type?.name ?? '';
        types.add(name);
        // A start with a delay begins at its execution time.
        const [start, close] = [Math.max(toMs(startTime) ?? 0, toMs(executionTime) ?? 0), toMs(closeTime)];
        if (status === WORKFLOW_EXECUTION_STATUS_COMPLETED && close !== undefined) {
          completed.push({ type: name, durationMs: Math.max(0, close - start) });
        }
      }
      nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
    } while (nextPageToken && runs < most);
    return { types, completed, runs, all: nextPageToken === undefined };
  }

  async count(query: string): Promise<Partial<Record<Status, number>>> {
    const { namespace } = this.#cluster;
    const { groups } = await this.#cluster.call((s) =>
      s.countWorkflowExecutions({ namespace, query: `${query} GROUP BY ExecutionStatus` }),
    );
    const counts: Partial<Record<Status, number>> = {};
    for (const { groupValues, count } of groups ?? []) {
      const name = keyword(groupValues?.[0]);
      const status = STATUSES.find((each) => each === name);
      if (status === undefined) throw new Error(`${this.profile} counts runs by an unknown status: ${name}`);
      counts[status] = toNumber(count);
    }
    return counts;
  }
}
