import { MockActivityEnvironment } from '@temporalio/testing';
import type { temporal } from '@temporalio/proto';
import Long from 'long';
import { expect, test } from 'vitest';
import type { FerryDeps } from '../../src/activities/deps.ts';
import type { WorkflowsInput, WorkflowsSeen } from '../../src/activities/types.ts';
import { lookAtWorkflows } from '../../src/activities/workflows.ts';
import { timestamp } from '../../src/clusters/proto-times.ts';

interface Run {
  id: string;
  type: string;
  startedMs: number;
  open: boolean;
  /** The list does not show it; Describe does. */
  parent?: boolean;
  /** A later run of a chain. */
  firstRunId?: string;
}

type Execution = temporal.api.workflow.v1.IWorkflowExecutionInfo;

/** One cluster's visibility: newest first, in pages, and as much of the queries as is asked here. */
function cluster(runs: Run[]) {
  const calls = { list: 0, count: 0, describe: 0 };
  const queries = new Set<string>();
  const matching = (query: string): Run[] => {
    queries.add(query);
    const after = /StartTime > '([^']+)'/.exec(query)?.[1];
    const before = /StartTime < '([^']+)'/.exec(query)?.[1];
    const type = /WorkflowType = '((?:[^']|'')+)'/.exec(query)?.[1]?.replaceAll("''", "'");
    return runs
      .filter(({ open }) => open || !query.includes('CloseTime IS NULL'))
      .filter(({ startedMs }) => after === undefined || startedMs > Date.parse(after))
      .filter(({ startedMs }) => before === undefined || startedMs < Date.parse(before))
      .filter((run) => type === undefined || run.type === type)
      .toSorted((a, b) => b.startedMs - a.startedMs);
  };
  const shown = ({ id, type, startedMs }: Run): Execution => ({
    execution: { workflowId: id, runId: `run-${id}` },
    type: { name: type },
    startTime: timestamp(startedMs),
    taskQueue: 'work',
  });
  const service = {
    listWorkflowExecutions: async (asked: { query: string; pageSize: number; nextPageToken?: Uint8Array }) => {
      calls.list++;
      const at = asked.nextPageToken ? Number(Buffer.from(asked.nextPageToken).toString()) : 0;
      const all = matching(asked.query);
      const next = at + asked.pageSize;
      return {
        executions: all.slice(at, next).map(shown),
        nextPageToken: next < all.length ? Buffer.from(String(next)) : new Uint8Array(),
      };
    },
    countWorkflowExecutions: async ({ query }: { query: string }) => {
      calls.count++;
      return { count: Long.fromNumber(matching(query).length) };
    },
    describeWorkflowExecution: async ({ execution }: { execution: { workflowId: string } }) => {
      calls.describe++;
      const run = runs.find(({ id }) => id === execution.workflowId);
      if (!run) throw new Error(`nobody asks for ${execution.workflowId}`);
      return {
        workflowExecutionInfo: {
          ...shown(run),
          firstRunId: run.firstRunId ?? `run-${run.id}`,
          parentExecution: run.parent ? { workflowId: 'mother' } : undefined,
        },
      };
    },
  };
  const call = async (rpc: (s: typeof service) => unknown) => rpc(service);
  const deps = { clusters: { get: () => ({ profile: 'cloud', namespace: 'prod', call }) } } as unknown as FerryDeps;
  const look = (after: number | null = null, early?: WorkflowsInput['early']): Promise<WorkflowsSeen> =>
    new MockActivityEnvironment().run(lookAtWorkflows, deps, {
      tenant: 'acme',
      cluster: 'cloud',
      query: "TenantId = 'acme' OR TenantId = 'acme-eu'",
      after: after === null ? null : new Date(after).toISOString(),
      ...(early && { early }),
    });
  return { calls, queries, look };
}

const T = Date.UTC(2026, 10, 24);
const open = (count: number, type: (n: number) => string, from = T - 3600_000): Run[] =>
  Array.from({ length: count }, (_, n) => ({ id: `${type(n)}-${n}`, type: type(n), startedMs: from + n, open: true }));

test('a few open ones are counted by type, the most first, with the start of the oldest', async () => {
  const few = cluster([
    ...open(2, () => 'Cart', T),
    ...open(3, () => 'Order'),
    ...open(1, () => 'Old').map((run) => ({ ...run, open: false })),
  ]);
  expect(await few.look()).toEqual({
    open: 5,
    byType: [
      { type: 'Order', open: 3, oldestStartedAt: new Date(T - 3600_000).toISOString() },
      { type: 'Cart', open: 2, oldestStartedAt: new Date(T).toISOString() },
    ],
    wrongSide: { count: 0, first: [], unexamined: 0 },
  });
  expect(few.calls).toEqual({ list: 1, count: 0, describe: 0 });
  // What its user wrote stays one condition, and what schedules started is none of it.
  expect([...few.queries]).toEqual([
    "(TenantId = 'acme' OR TenantId = 'acme-eu') AND TemporalScheduledById IS NULL AND CloseTime IS NULL",
  ]);
});

test('of thirty thousand the answer is small, and exact in its counts', async () => {
  const many = cluster(open(30_000, (n) => `it's type ${n % 30}`));
  const seen = await many.look();
  expect(seen.open).toBe(30_000);
  expect(seen.byType).toHaveLength(20);
  expect(seen.byType.every((each) => each.open === 1_000)).toBe(true);
  expect(JSON.stringify(seen).length).toBeLessThan(4_000);
  expect(many.calls).toEqual({ list: 4, count: 21, describe: 0 });
});

test('what was started after the change is asked whether somebody started it', async () => {
  const late = cluster([
    { id: 'before', type: 'Order', startedMs: T - 1, open: false },
    { id: 'second', type: 'Order', startedMs: T + 2_000, open: false },
    { id: 'first', type: 'Cart', startedMs: T + 1_000, open: true },
    { id: 'child', type: 'Order', startedMs: T + 1_500, open: true, parent: true },
    { id: 'later run', type: 'Order', startedMs: T + 1_600, open: true, firstRunId: 'run-first' },
  ]);
  expect((await late.look(T)).wrongSide).toEqual({
    count: 2,
    first: [
      { workflowId: 'first', type: 'Cart', startedAt: new Date(T + 1_000).toISOString() },
      { workflowId: 'second', type: 'Order', startedAt: new Date(T + 2_000).toISOString() },
    ],
    unexamined: 0,
  });
  expect(late.calls.describe).toBe(4);
});

test('of very many the newest are asked, twenty are named, and the rest is told', async () => {
  const many = cluster(open(5_000, () => 'Order', T + 1));
  const { wrongSide } = await many.look(T);
  expect(wrongSide).toMatchObject({ count: 1_000, unexamined: 4_000 });
  expect(wrongSide.first).toHaveLength(20);
  expect(many.calls.describe).toBe(1_000);
});

test('what was started on the new side before the change is found where it is, and within its time', async () => {
  const [after, before] = [new Date(T - 25_000).toISOString(), new Date(T + 1_500).toISOString()];
  const target = cluster([
    { id: 'long ago', type: 'Order', startedMs: T - 26_000, open: true },
    { id: 'too early', type: 'Order', startedMs: T - 2_000, open: false },
    { id: 'child', type: 'Order', startedMs: T - 1_000, open: true, parent: true },
    { id: 'as it should', type: 'Order', startedMs: T + 3_000, open: true },
  ]);
  const { early } = await target.look(null, { cluster: 'selfhosted', after, before });
  const startedAt = new Date(T - 2_000).toISOString();
  expect(early).toEqual({ count: 1, first: [{ workflowId: 'too early', type: 'Order', startedAt }], unexamined: 0 });
});
