import type { Client } from '@temporalio/client';
import { standbyBehindSignal, tenantWorkflowId } from '../../workflows/messages.ts';
import type { ScheduleHooks } from './hooks.ts';

/** Tells the tenant's record of copies that are behind, as a signal: it is kept while no worker is up. `control`: of its namespace. */
export function recordStandbyBehind(control: Client): NonNullable<ScheduleHooks['standbyBehind']> {
  return async (behind) => {
    await control.workflow.getHandle(tenantWorkflowId(behind.tenant)).signal(standbyBehindSignal, behind);
  };
}
