/** What preflight needs to know about a cluster; every answer says so when it could not be had. */
import { randomUUID } from 'node:crypto';
import proto, { type temporal } from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { codeOf } from './calls.ts';
import type { Cluster } from './cluster.ts';

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
