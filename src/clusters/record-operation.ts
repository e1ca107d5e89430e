import { WithStartWorkflowOperation } from '@temporalio/client';
import { RECORD_MS } from '../routes/route.ts';
import { tenantWorkflowId } from '../workflows/messages.ts';
import type { Tenant } from '../workflows/tenant.ts';

/** The tenant's record as the target of an update-with-start: whoever writes to it first creates it. Good for one call. */
export function recordOperation(tenant: string, taskQueue: string) {
  return {
    startWorkflowOperation: new WithStartWorkflowOperation<typeof Tenant>('Tenant', {
      workflowId: tenantWorkflowId(tenant),
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue,
      // A change of the route is readable this long after it was dated, and no later: T rests on it, so no default will do.
      workflowTaskTimeout: RECORD_MS,
      args: [{ tenant }],
      staticSummary: `Owner, route and lock of tenant ${tenant}`.slice(0, 200),
    }),
  };
}
