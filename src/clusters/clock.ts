/** The clock of a cluster, without writing anything. */
import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Calls } from './calls.ts';
import { toMs } from '../schedules/times.ts';

const { TASK_QUEUE_TYPE_WORKFLOW } = proto.temporal.api.enums.v1.TaskQueueType;

/** What is needed of a cluster here. */
export interface Clocked {
  namespace: string;
  connection: Connection;
  calls: Calls;
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
export async function clockOffset(cluster: Clocked): Promise<ClockOffset | undefined> {
  let best: ClockOffset | undefined;
  for (let sample = 0; sample < 3; sample++) {
    const measured = await sampleClock(cluster);
    if (measured && (!best || measured.errorMs < best.errorMs)) best = measured;
  }
  return best;
}

async function sampleClock(cluster: Clocked): Promise<ClockOffset | undefined> {
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
      const answer = await cluster.calls.run(() =>
        connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name },
          taskQueueType: TASK_QUEUE_TYPE_WORKFLOW,
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
