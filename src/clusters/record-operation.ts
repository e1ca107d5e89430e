import { type Client, WithStartWorkflowOperation, WorkflowNotFoundError } from '@temporalio/client';
import { readRoute } from '../routes/read-route.ts';
import { RECORD_MS } from '../routes/route.ts';
import { tenantWorkflowId } from '../workflows/messages.ts';
import type { Tenant, TenantInput, TenantMemo } from '../workflows/tenant.ts';
import { newRecord } from '../workflows/tenant-record.ts';

/**
 * The tenant's record as the target of an update-with-start: whoever writes to it first creates it. Good for one call.
 *
 * A record that somebody has terminated begins anew with what it published last, and publishes it from its first moment
 * on: one that knew no route would send starts elsewhere than where ids are open.
 */
export async function recordOperation(client: Client, tenant: string, taskQueue: string) {
  const published = await publishedOf(client, tenant);
  const input: TenantInput = published ? { tenant, record: { ...newRecord(tenant), ...published } } : { tenant };
  return {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof Tenant>('Tenant', {
      workflowId: tenantWorkflowId(tenant),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue,
      // A change of the route is readable this long after it was dated, and no later: T rests on it, so no default will do.
      workflowTaskTimeout: RECORD_MS,
      args: [input],
      ...(published && { memo: { ...published } }),
      staticSummary: `Owner, route and lock of tenant ${tenant}`.slice(0, 200),
    }),
  };
}

/** Of the latest run, also of one that runs: it may end before the call arrives. */
async function publishedOf(client: Client, tenant: string): Promise<TenantMemo | undefined> {
  try {
    const { type, memo } = await client.workflow.getHandle(tenantWorkflowId(tenant)).describe();
    if (type !== 'Tenant' || !memo) return undefined;
    const { route: given, ...others } = memo as Omit<TenantMemo, 'route'> & { route?: unknown };
    const read = readRoute(given);
    // What is no route is no record's own doing: the next change writes it anew.
    return 'route' in read ? { ...others, route: read.route } : others;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}
