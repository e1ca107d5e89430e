/** `ReconcileSchedules` on the time-skipping server, with the clusters faked behind its activity and the record real. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reason, ReconcilePageInput, ReconcilePageResult } from '../../src/activities/types.ts';
import { recordReconciled } from '../../src/activities/reconcile.ts';
import type { FerryDeps } from '../../src/activities/deps.ts';
import { recordStandbyBehind } from '../../src/services/schedules/record.ts';
import { recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { ReconcileSchedulesInput } from '../../src/workflows/reconcile-input.ts';
import { type ReconcileSchedules, reconcileProgressQuery } from '../../src/workflows/reconcile-schedules.ts';
import type { Tenant } from '../../src/workflows/tenant.ts';
import { type Harness, bundleWorkflows, startHarness, until } from './harness.ts';

type Page = (input: ReconcilePageInput) => Promise<ReconcilePageResult>;
type Handle = WorkflowHandleWithFirstExecutionRunId<typeof ReconcileSchedules>;

let harness: Harness;
let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  harness = await startHarness();
  workflowBundle = await bundleWorkflows();
});

afterAll(() => harness?.stop());

const NONE: ReconcilePageResult = { seen: 1, created: 0, updated: 0, removed: 0, unchanged: 0, moving: 0, refused: [] };

const edited = (id: string): Reason => ({
  object: `schedule ${id}`,
  code: 'copy-edited',
  found: 'its paused copy on selfhosted was edited there: spec.jitter',
  remedy: 'make both read the same',
});

/** One answer a page. */
function pages(...of: Partial<ReconcilePageResult>[]): Page {
  return async ({ cursor }) => {
    const at = Number(cursor ?? 0);
    return { ...NONE, ...of[at], ...(at + 1 < of.length ? { next: String(at + 1) } : {}) };
  };
}

async function play(
  reconcilePage: Page,
  input: Partial<ReconcileSchedulesInput>,
  scene: (handle: Handle, tenant: string) => Promise<void>,
  before: (tenant: string, taskQueue: string) => Promise<void> = async () => {},
): Promise<void> {
  const { env } = harness;
  const { client } = env;
  const taskQueue = `ferry-${randomUUID()}`;
  const tenant = `acme-${randomUUID().slice(0, 8)}`;
  const deps = { control: client } as FerryDeps;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    activities: {
      reconcilePage,
      recordReconciled: (asked: Parameters<typeof recordReconciled>[1]) => recordReconciled(deps, asked),
    },
  });
  await worker.runUntil(async () => {
    await before(tenant, taskQueue);
    const args: [ReconcileSchedulesInput] = [{ tenant, ...input }];
    const handle = await client.workflow.start<typeof ReconcileSchedules>('ReconcileSchedules', {
      workflowId: `reconcile/${tenant}`,
      taskQueue,
      args,
    });
    await scene(handle, tenant);
    const first = client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    await Worker.runReplayHistory({ workflowBundle }, await first.fetchHistory(), handle.workflowId);
  });
}

test('adds up its pages, says which copies it left, and what it was asked for', async () => {
  const seen: ReconcilePageInput[] = [];
  const answer = pages({ created: 1 }, { updated: 1 }, { refused: [edited('c')] }, { removed: 1 }, { unchanged: 1 });
  await play(
    async (input) => {
      seen.push(input);
      return await answer(input);
    },
    { pageSize: 1, schedules: { prefix: 'x-' } },
    async (handle, tenant) => {
      const result = await handle.result();
      expect(result).toMatchObject({ tenant, clusters: ['cloud', 'selfhosted'], pages: 5, seen: 5, done: true });
      expect(result).toMatchObject({ created: 1, updated: 1, removed: 1, unchanged: 1, refused: 1, moving: 0 });
      expect(result.reasons).toEqual([edited('c')]);
      expect(seen.map(({ cursor }) => cursor)).toEqual([undefined, '1', '2', '3', '4']);
      expect(seen[0]).toMatchObject({ tenant, selection: { prefix: 'x-' }, reconciliation: `reconcile/${tenant}` });
    },
  );
});

test('continues as new before its history grows long, and loses no page', async () => {
  await play(pages(...Array.from({ length: 250 }, () => ({ unchanged: 1 }))), { pageSize: 1 }, async (handle) => {
    const result = await handle.result();
    expect(result).toMatchObject({ pages: 250, seen: 250, unchanged: 250, done: true });
    const latest = await harness.env.client.workflow.getHandle(handle.workflowId).describe();
    expect(latest.runId).not.toBe(handle.firstExecutionRunId);
  });
});

test('copies recorded as behind are off the record when they have been seen to, and those it left are not', async () => {
  const { client } = harness.env;
  const behind = async (tenant: string) =>
    (await client.workflow.getHandle(tenantWorkflowId(tenant)).query(recordQuery)).behind;
  await play(
    pages({ updated: 1 }, { refused: [edited('b')] }),
    { pageSize: 1 },
    async (handle, tenant) => {
      await handle.result();
      const left = await until('the record to tell', async () => {
        const now = await behind(tenant);
        return now?.schedules.length === 1 && now;
      });
      expect(left.schedules.map(({ schedule }) => schedule)).toEqual(['b']);
    },
    async (tenant, taskQueue) => {
      const args: [{ tenant: string }] = [{ tenant }];
      await client.workflow.start<typeof Tenant>('Tenant', { workflowId: tenantWorkflowId(tenant), taskQueue, args });
      const record = recordStandbyBehind(client);
      const at = new Date((await harness.env.currentTimeMs()) - 5_000).toISOString();
      for (const schedule of ['a', 'b', 'a']) {
        await record({ tenant, schedule, cluster: 'selfhosted', found: 'it did not answer', at });
      }
      const told = await until('both to be recorded', async () => {
        const now = await behind(tenant);
        return now?.schedules.length === 2 && now;
      });
      expect(told).toMatchObject({ more: 0 });
      expect(told.schedules.map(({ schedule }) => schedule)).toEqual(['b', 'a']);
    },
  );
});

test('a tenant without a record, and one whose schedules change hands, are no failure', async () => {
  await play(pages({ unchanged: 1 }), {}, async (handle) => {
    expect(await handle.result()).toMatchObject({ done: true, unchanged: 1 });
  });
  await play(pages({ moving: 1 }), {}, async (handle) => {
    expect(await handle.result()).toMatchObject({ done: true, moving: 1 });
  });
});

test('a page that fails is tried again, and one that is refused ends it in its own words', async () => {
  let calls = 0;
  await play(
    async () => {
      calls++;
      if (calls < 4) throw new Error('14 UNAVAILABLE: no route');
      return { ...NONE, unchanged: 1 };
    },
    {},
    async (handle) => expect(await handle.result()).toMatchObject({ unchanged: 1 }),
  );
  expect(calls).toBe(4);
  const refusing: Page = () => {
    throw ApplicationFailure.nonRetryable('The worker cannot reconcile nowhere: no profile "nowhere"', 'InvalidInput');
  };
  await play(refusing, {}, async (handle) => {
    const failed: unknown = await handle.result().catch((error: unknown) => error);
    expect(failed).toMatchObject({
      cause: { type: 'InvalidInput', message: expect.stringContaining('no profile "nowhere"') },
    });
  });
});

test('shows how far it is', async () => {
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const answer = pages({ created: 1 }, { unchanged: 1 });
  await play(
    async (input) => {
      if (input.cursor === '1') await held;
      return await answer(input);
    },
    {},
    async (handle) => {
      const half = await until('one page', async () => {
        const progress = await handle.query(reconcileProgressQuery);
        return progress.pages === 1 && progress;
      });
      expect(half).toMatchObject({ created: 1, done: false });
      release();
      expect(await handle.result()).toMatchObject({ created: 1, unchanged: 1, done: true });
    },
  );
});
