/** Whether a cluster answers: real calls with deadlines, since an open port says nothing. */
import { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { waitFor } from './wait.ts';

const { IndexedValueType } = proto.temporal.api.enums.v1;
const KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;

export interface ClusterReady {
  clusterId: string;
  serverVersion: string;
}

/** Returns once the namespaces exist and schedules and visibility can be served in them. */
export async function clusterReady(address: string, namespaces: string[], died: Promise<never>): Promise<ClusterReady> {
  const connection = Connection.lazy({ address });
  const soon = <T>(call: () => Promise<T>) => connection.withDeadline(Date.now() + 2_000, call);
  try {
    const ready = waitFor({ what: `a Temporal server at ${address}`, timeoutMs: 60_000 }, async () => {
      const info = await soon(() => connection.workflowService.getClusterInfo({}));
      for (const namespace of namespaces) {
        await soon(() => connection.workflowService.describeNamespace({ namespace }));
        await soon(() => connection.workflowService.listSchedules({ namespace, maximumPageSize: 1 }));
      }
      return { clusterId: info.clusterId ?? '', serverVersion: info.serverVersion ?? '' };
    });
    return await Promise.race([ready, died]);
  } finally {
    await connection.close();
  }
}

/** Registers what is missing of `names` as Keyword, and waits until the cluster accepts each in a query. */
export async function registerKeywords(
  connection: Pick<Connection, 'operatorService' | 'workflowService'>,
  namespace: string,
  names: string[],
): Promise<string[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing: string[] = [];
  for (const name of names) {
    const type = customAttributes?.[name];
    if (type === undefined) missing.push(name);
    else if (type !== KEYWORD) {
      throw new Error(
        `search attribute ${name} of namespace ${namespace} is registered with type ` +
          `${IndexedValueType[type]}; Keyword is needed. Remove it there first, or choose another namespace.`,
      );
    }
  }
  if (missing.length > 0) {
    await connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(missing.map((name) => [name, KEYWORD])),
    });
  }
  const query = names.map((name) => `${name} = 'none'`).join(' OR ');
  await waitFor(
    { what: `search attributes ${names.join(', ')} in namespace ${namespace}`, timeoutMs: 60_000 },
    async () => {
      await connection.workflowService.countWorkflowExecutions({ namespace, query });
      return true;
    },
  );
  return missing;
}
