/**
 * Walking a page of schedules: many in flight, each for moments. Cancelled, it starts no further schedule, lets those in
 * flight finish (a fence is never left half built on purpose) and says how far it came.
 */
import { Context } from '@temporalio/activity';
import { status } from '@grpc/grpc-js';
import PQueue from 'p-queue';
import { codeOf } from '../clusters/calls.ts';
import type { InventoryEntry } from '../clusters/inventory.ts';
import { addAudit, emptyAudit } from '../schedules/audit.ts';
import type { Audit, Reason } from './types.ts';

/** Trouble of a whole cluster: the step waits and is tried again. Anything else is one schedule's own. */
const CLUSTER_TROUBLE = new Set([
  status.UNAVAILABLE,
  status.DEADLINE_EXCEEDED,
  status.RESOURCE_EXHAUSTED,
  status.UNAUTHENTICATED,
  status.PERMISSION_DENIED,
  status.CANCELLED,
]);

export function isClusterTrouble(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && CLUSTER_TROUBLE.has(code);
}

/** What one schedule failed with, so that it holds up no other; cluster-wide trouble is thrown on. */
export function reasonFor(error: unknown, id: string): Reason {
  if (isClusterTrouble(error) || !(error instanceof Error)) throw error;
  return {
    object: `schedule ${id}`,
    code: 'failed',
    found: error.message,
    remedy: 'remove the cause, or leave the schedule out of the selection',
  };
}

/** Where a page was interrupted: how many of its entries, in order, are done. */
export interface Walked {
  complete: boolean;
}

/** Heartbeats on a timer of its own: a schedule waiting for its boundary must not look like a dead worker. */
export function heartbeating(details: () => unknown): { stop: () => void } {
  const { heartbeat } = Context.current();
  const beat = (): void => heartbeat(details());
  beat();
  const timer = setInterval(beat, 5_000);
  return { stop: () => clearInterval(timer) };
}

/** Verdicts of an attempt that was cut off, from its last heartbeat: what is proven is not looked at again. */
export function provenBefore(): Audit {
  const details = Context.current().info.heartbeatDetails as { audit?: Audit } | undefined;
  return addAudit(emptyAudit(), details?.audit ?? emptyAudit());
}

export async function eachSchedule<Entry extends Pick<InventoryEntry, 'id'>>(
  entries: Entry[],
  concurrency: number,
  details: () => object,
  treat: (entry: Entry) => Promise<void>,
): Promise<Walked> {
  const { cancellationSignal } = Context.current();
  let done = 0;
  let current = '';
  const pulse = heartbeating(() => ({ ...details(), done, of: entries.length, current }));
  const queue = new PQueue({ concurrency });
  const failures: unknown[] = [];
  let skipped = 0;
  try {
    for (const entry of entries) {
      void queue.add(async () => {
        if (cancellationSignal.aborted || failures.length > 0) {
          skipped++;
          return;
        }
        current = entry.id;
        try {
          await treat(entry);
          done++;
        } catch (error) {
          failures.push(error);
        }
      });
    }
    await queue.onIdle();
  } finally {
    pulse.stop();
  }
  // Whatever was not a verdict about one schedule is the step's own failure: the activity is tried again.
  if (failures.length > 0) throw failures[0];
  return { complete: skipped === 0 };
}
