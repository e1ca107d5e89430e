import type { Audit } from '../activities/types.ts';
import type { Described } from './ports.ts';
import type { Settled } from './settling.ts';
import { nominalOf } from './times.ts';

/**
 * Due times of one side that ran on the other; those that ran on both are duplicates. A run triggered by hand on the
 * other side in between has no nominal time of the schedule.
 */
export async function countWrongSide(settled: Settled, other: Described, audit: Audit): Promise<void> {
  for (const due of settled.due) {
    const suspects = other.recent.filter(({ workflowId }) => {
      const nominal = nominalOf(workflowId);
      return nominal !== undefined && nominal > due.afterMs && nominal <= due.dueMs;
    });
    if (suspects.length === 0) continue;
    const nominalMs = await settled.nominalOf(due);
    const hit = suspects.find(({ workflowId }) => nominalOf(workflowId) === nominalMs);
    if (!hit) continue;
    audit.wrongSide++;
    if (settled.after.recent.some(({ workflowId }) => workflowId === hit.workflowId)) audit.duplicates++;
  }
}
