/**
 * Copy, pause, unpause as a careful concurrent script: the raw API, so that a copy is exact; copies made beforehand, so
 * that nobody waits for them; each schedule by itself, so that its gap is one schedule's and not the tenant's; the pause read
 * back, since an acknowledged one is only queued; what its user paused stays paused.
 *
 * A program of its own, so that it shares nothing with what measures it. It says when it is ready, is sent an
 * order, and answers what went wrong.
 */
import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import type proto from '@temporalio/proto';
import { messageOf } from '../errors.ts';
import { connectProfile, type Profile } from '../profiles.ts';
import { waitFor } from '../wait.ts';
import type { MoveOrder } from './movers.ts';

type Cluster = Profile<Connection>;
type Described = proto.temporal.api.workflowservice.v1.IDescribeScheduleResponse;

/** The answer to an order: empty if all is well. */
export interface ScriptAnswer {
  error?: string;
}

const AT_ONCE = 8;

process.on('message', (order: MoveOrder) => {
  const done = run(order).then(
    (): ScriptAnswer => ({}),
    (error: unknown): ScriptAnswer => ({ error: messageOf(error) }),
  );
  void done.then((answer) => process.send?.(answer));
});
process.send?.({} satisfies ScriptAnswer);

async function run(order: MoveOrder): Promise<void> {
  const source = await connectProfile(order.from, process.env.TEMPORAL_CONFIG_FILE);
  const target = await connectProfile(order.to, process.env.TEMPORAL_CONFIG_FILE);
  await move(source, target, order);
  await source.connection.close();
  await target.connection.close();
}

async function move(source: Cluster, target: Cluster, { tenant, from, to }: MoveOrder): Promise<void> {
  const running: { id: string; note: string }[] = [];
  await each(await list(source, tenant), async (id) => {
    const described = await describe(source, id);
    await copy(target, id, described);
    const { paused, notes } = described.schedule?.state ?? {};
    if (!paused) running.push({ id, note: notes ?? '' });
  });
  await each(running, async ({ id, note }) => {
    await patch(source, id, { pause: `moved to ${to}` });
    await waitFor({ what: `${id} to be paused`, everyMs: 10 }, async () => {
      const { schedule } = await describe(source, id);
      return schedule?.state?.paused;
    });
    // Its text becomes the schedule's note, and an empty one is no request at all.
    await patch(target, id, { unpause: note || `moved from ${from}` });
  });
}

async function list({ connection, namespace }: Cluster, tenant: string): Promise<string[]> {
  const ids: string[] = [];
  let nextPageToken: Uint8Array | undefined;
  do {
    const query = `TenantId = '${tenant}'`;
    const request = { namespace, query, maximumPageSize: 1_000, nextPageToken };
    const page = await connection.workflowService.listSchedules(request);
    for (const { scheduleId } of page.schedules ?? []) if (scheduleId) ids.push(scheduleId);
    nextPageToken = page.nextPageToken ?? undefined;
  } while (nextPageToken && nextPageToken.length > 0);
  return ids;
}

async function describe({ connection, namespace }: Cluster, scheduleId: string): Promise<Described> {
  return connection.workflowService.describeSchedule({ namespace, scheduleId });
}

async function copy({ connection, namespace }: Cluster, scheduleId: string, described: Described): Promise<void> {
  const { schedule, memo, searchAttributes } = described;
  const paused = { ...schedule, state: { ...schedule?.state, paused: true } };
  const request = { namespace, scheduleId, schedule: paused, memo, searchAttributes, requestId: randomUUID() };
  await connection.workflowService.createSchedule(request);
}

async function patch(
  { connection, namespace }: Cluster,
  scheduleId: string,
  change: { pause?: string; unpause?: string },
): Promise<void> {
  await connection.workflowService.patchSchedule({ namespace, scheduleId, patch: change, requestId: randomUUID() });
}

async function each<T>(items: readonly T[], treat: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await treat(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}
