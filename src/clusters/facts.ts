/** What preflight needs to know about a cluster; every answer says so when it could not be had. */
import { randomUUID } from 'node:crypto';
import proto, { type temporal } from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { codeOf } from './calls.ts';
import type { Cluster } from './cluster.ts';
import { toMs } from '../schedules/times.ts';

// The package is CommonJS: its values come with the default export.
const enums = proto.temporal.api.enums.v1;

export interface ClusterIdentity {
  clusterId: string;
  serverVersion: string;
  namespaceId: string;
  namespaceUsable: boolean;
}

/** Reads only. Transport errors are the caller's to explain. */
export async function identify(cluster: Cluster): Promise<ClusterIdentity> {
  const info = await cluster.call((s) => s.getClusterInfo({}));
  const described = await cluster.call((s) => s.describeNamespace({ namespace: cluster.namespace }));
  return {
    clusterId: info.clusterId ?? '',
    serverVersion: info.serverVersion ?? 'unknown',
    namespaceId: described.namespaceInfo?.id ?? '',
    namespaceUsable: described.namespaceInfo?.state === enums.NamespaceState.NAMESPACE_STATE_REGISTERED,
  };
}

/** Asks for a write that cannot take effect: a patch of a schedule that does not exist. */
export async function mayWrite(cluster: Cluster): Promise<boolean> {
  try {
    const { namespace } = cluster;
    await cluster.call((s) =>
      s.patchSchedule({ namespace, scheduleId: `ferry-may-write-${randomUUID()}`, patch: { pause: 'never applied' } }),
    );
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === status.NOT_FOUND) return true;
    if (code === status.PERMISSION_DENIED || code === status.UNAUTHENTICATED) return false;
    throw error;
  }
}

/** Custom search attributes with their types; undefined where the cluster does not tell (Cloud's API differs). */
export async function searchAttributeTypes(cluster: Cluster): Promise<Map<string, string> | undefined> {
  const { IndexedValueType } = enums;
  const named = (
    keys: Record<string, temporal.api.enums.v1.IndexedValueType> | null | undefined,
  ): Map<string, string> =>
    new Map(Object.entries(keys ?? {}).map(([name, type]) => [name, readable(IndexedValueType[type] ?? String(type))]));
  const { connection, namespace, calls } = cluster;
  try {
    const answer = await connection.withDeadline(Date.now() + calls.deadlineMs, () =>
      connection.operatorService.listSearchAttributes({ namespace }),
    );
    return named(answer.customAttributes);
  } catch (error) {
    const code = codeOf(error);
    if (code !== status.UNIMPLEMENTED && code !== status.PERMISSION_DENIED && code !== status.NOT_FOUND) throw error;
    return undefined;
  }
}

/** `INDEXED_VALUE_TYPE_KEYWORD_LIST` as people write it: `KeywordList`. */
function readable(name: string): string {
  const words = name.replace('INDEXED_VALUE_TYPE_', '').toLowerCase().split('_');
  return words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

/** Whether a worker polls a task queue for workflow tasks. */
export async function hasPoller(cluster: Cluster, queue: string): Promise<boolean> {
  const answer = await cluster.call((s) =>
    s.describeTaskQueue({
      namespace: cluster.namespace,
      taskQueue: { name: queue },
      taskQueueType: enums.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    }),
  );
  return (answer.pollers ?? []).length > 0;
}

export interface ClockOffset {
  /** Cluster's clock minus ours, ms. */
  offsetMs: number;
  /** The true offset is at most this far away, ms. */
  errorMs: number;
}

/**
 * The cluster's clock, without writing anything: a poll of a task queue nobody uses is stamped with the server's time,
 * and DescribeTaskQueue shows the stamp. Undefined where the cluster does not show it in time.
 */
export async function clockOffset(cluster: Cluster): Promise<ClockOffset | undefined> {
  let best: ClockOffset | undefined;
  for (let sample = 0; sample < 3; sample++) {
    const measured = await sampleClock(cluster);
    if (measured && (!best || measured.errorMs < best.errorMs)) best = measured;
  }
  return best;
}

async function sampleClock(cluster: Cluster): Promise<ClockOffset | undefined> {
  const { namespace, connection } = cluster;
  const name = `ferry-clock-${randomUUID()}`;
  const abort = new AbortController();
  const before = Date.now();
  const poll = connection
    .withAbortSignal(abort.signal, () =>
      connection.withDeadline(Date.now() + 5_000, () =>
        connection.workflowService.pollWorkflowTaskQueue({
          namespace,
          taskQueue: { name },
          identity: 'temporal-ferry',
        }),
      ),
    )
    // Its only purpose is its stamp: it ends by being aborted, or unanswered.
    .then(
      () => undefined,
      () => undefined,
    );
  try {
    for (let attempt = 0; attempt < 10; attempt++) {
      const answer = await cluster.call((s) =>
        s.describeTaskQueue({
          namespace,
          taskQueue: { name },
          taskQueueType: enums.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        }),
      );
      const after = Date.now();
      const stamp = toMs(answer.pollers?.[0]?.lastAccessTime);
      if (stamp === undefined) continue;
      const middle = (before + after) / 2;
      return { offsetMs: Math.round(stamp - middle), errorMs: Math.ceil((after - before) / 2) };
    }
    return undefined;
  } finally {
    abort.abort();
    await poll;
  }
}
