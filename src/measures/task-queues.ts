/** Pollers and backlog of task queues on the target, as it describes them. */
import proto from '@temporalio/proto';
import type { Cluster } from '../clusters/cluster.ts';
import type { SettingsOf } from '../gates/measure-input.ts';
import type { Measurement, Sample } from '../gates/measurement.ts';
import { durationMs, toNumber } from '../schedules/times.ts';
import type { Measure } from './measure.ts';

const { TASK_QUEUE_TYPE_WORKFLOW, TASK_QUEUE_TYPE_ACTIVITY } = proto.temporal.api.enums.v1.TaskQueueType;
const TASKS = { workflow: TASK_QUEUE_TYPE_WORKFLOW, activity: TASK_QUEUE_TYPE_ACTIVITY } as const;

export const taskQueues: Measure<SettingsOf<'task-queues'>> = {
  async measure({ queues, figure, older }, { to, clusters }): Promise<Measurement> {
    const cluster = clusters.get(to);
    const looked = await Promise.all(
      queues.flatMap((queue) => [look(cluster, queue, 'workflow', older), look(cluster, queue, 'activity', older)]),
    );
    const wanted = looked
      .flat()
      .filter(({ labels, own }) => (figure === undefined ? own !== undefined : labels.figure === figure));
    const silent = queues.filter(
      (queue) => !looked.flat().some(({ labels }) => labels.queue === queue && labels.figure === 'backlog'),
    );
    return {
      values: wanted,
      said: silent.length > 0 ? [`${to} does not tell the backlog of ${silent.join(', ')}`] : [],
    };
  },
};

async function look(cluster: Cluster, queue: string, tasks: keyof typeof TASKS, olderMs: number): Promise<Sample[]> {
  const { namespace } = cluster;
  const { pollers, stats } = await cluster.call((s) =>
    s.describeTaskQueue({ namespace, taskQueue: { name: queue }, taskQueueType: TASKS[tasks], reportStats: true }),
  );
  const samples: Sample[] = [];
  // A queue may well have no activities, so nobody need poll for them.
  if (tasks === 'workflow') {
    const own = { success: { op: '>=', limit: 1 } } as const;
    samples.push({ labels: { queue, figure: 'pollers' }, value: pollers?.length ?? 0, own });
  }
  if (!stats) return samples;
  const { approximateBacklogCount, approximateBacklogAge } = stats;
  return [
    ...samples,
    { labels: { queue, figure: 'backlog', tasks }, value: toNumber(approximateBacklogCount) },
    {
      labels: { queue, figure: 'backlog-age', tasks },
      value: durationMs(approximateBacklogAge),
      unit: 'ms',
      own: { failure: { op: '>', limit: olderMs } },
    },
  ];
}
