import { WorkflowNotFoundError } from '@temporalio/client';
import type { Cluster } from '../clusters/cluster.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import { nextBatch } from '../ledger/batches.ts';
import { ChangedMeanwhile } from '../schedules/change.ts';
import { reconcile } from '../services/schedules/reconcile.ts';
import type { Followed } from '../services/schedules/standby.ts';
import { reconciledSignal, tenantWorkflowId } from '../workflows/messages.ts';
import { clusterOf } from './cluster-of.ts';
import type { FerryDeps } from './deps.ts';
import { eachSchedule, reasonFor } from './pages.ts';
import type { Reason, ReconcilePageInput, ReconcilePageResult } from './types.ts';

const CONCURRENCY = 16;

/** Walked over once more after a cut, it finds done what is done. */
export async function reconcilePage(deps: FerryDeps, input: ReconcilePageInput): Promise<ReconcilePageResult> {
  const { clusters, selection, cursor, pageSize } = input;
  const sides: [Cluster, Cluster] = [
    clusterOf(deps, clusters[0], 'reconcile'),
    clusterOf(deps, clusters[1], 'reconcile'),
  ];
  const { ids, next } = await nextBatch(sides, selection, cursor, pageSize);
  const result: ReconcilePageResult = {
    seen: ids.length,
    created: 0,
    updated: 0,
    removed: 0,
    unchanged: 0,
    moving: 0,
    refused: [],
    ...(next === undefined ? {} : { next }),
  };
  const reconciling = { time: REAL_TIME, migration: input.reconciliation };
  const entries = ids.map((id) => ({ id }));
  const walked = await eachSchedule(
    entries,
    CONCURRENCY,
    () => ({}),
    async ({ id }) => {
      try {
        count(result, id, await reconcile(sides, id, reconciling));
      } catch (error) {
        if (error instanceof ChangedMeanwhile) result.moving++;
        else result.refused.push(reasonFor(error, id));
      }
    },
  );
  // Cancelled: what it has done is done, and nobody asks for its counts.
  if (!walked.complete) result.seen = ids.length - 1;
  return result;
}

function count(result: ReconcilePageResult, id: string, followed: Followed): void {
  switch (followed.did) {
    case 'nothing':
      result.unchanged++;
      break;
    case 'left':
      result.moving++;
      break;
    case 'refused':
      result.refused.push(reasonOf(id, followed));
      break;
    default:
      result[followed.did]++;
  }
}

function reasonOf(id: string, { code, found }: Extract<Followed, { did: 'refused' }>): Reason {
  const remedy =
    code === 'copy-edited'
      ? 'make both read the same, or delete the copy where it rests, and reconcile again'
      : 'decide which one is right, delete or rename the other, and reconcile again';
  return { object: `schedule ${id}`, code, found, remedy };
}

/** Best told, never needed: the next reconciliation compares both sides anyway. */
export async function recordReconciled(
  { control }: FerryDeps,
  { tenant, before, refused }: { tenant: string; before: string; refused: string[] },
): Promise<void> {
  try {
    await control.workflow.getHandle(tenantWorkflowId(tenant)).signal(reconciledSignal, { before, refused });
  } catch (error) {
    // A tenant nobody migrated or routed has no record.
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
