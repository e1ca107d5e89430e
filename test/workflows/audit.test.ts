/** `AuditSchedules` on the time-skipping server, with the clusters' evidence faked behind its one activity. */
import { randomUUID } from 'node:crypto';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditPageInput, AuditPageResult } from '../../src/activities/types.ts';
import { count, emptyTally } from '../../src/ledger/tally.ts';
import type { Line, Verdict } from '../../src/ledger/verdict.ts';
import type { AuditSchedulesInput } from '../../src/workflows/audit-input.ts';
import { type AuditSchedules, auditProgressQuery } from '../../src/workflows/audit-schedules.ts';
import { type Harness, bundleWorkflows, startHarness, until } from './harness.ts';
import { recordHistory } from './histories.ts';

type AuditPage = (input: AuditPageInput) => Promise<AuditPageResult>;
type Handle = WorkflowHandleWithFirstExecutionRunId<typeof AuditSchedules>;

let harness: Harness;
let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  harness = await startHarness();
  workflowBundle = await bundleWorkflows();
});

afterAll(() => harness?.stop());

function line(schedule: string, verdict: Verdict, second = 0): Line {
  const due = new Date(Date.UTC(2026, 10, 24, 12, 0, second)).toISOString();
  const runs = [{ cluster: 'cloud', workflowId: 'w', runId: 'r', startedAt: due }];
  return {
    schedule,
    verdict,
    nominal: due,
    due,
    why: verdict === 'once' ? '' : 'because',
    runs: verdict === 'missed' ? [] : runs,
    latenessMs: 40,
  };
}

/** Pages of one schedule each, with what it did. */
function pages(...of: Line[][]): AuditPage {
  return async ({ cursor }) => {
    const at = Number(cursor ?? 0);
    const tally = emptyTally();
    tally.schedules = 1;
    for (const each of of[at] ?? []) count(tally, each);
    return at + 1 < of.length ? { tally, next: String(at + 1) } : { tally };
  };
}

function noop(): void {}

const refusing: AuditPage = () => {
  throw ApplicationFailure.nonRetryable('The worker cannot audit nowhere: no profile "nowhere"', 'InvalidInput');
};

async function play(
  auditPage: AuditPage,
  input: AuditSchedulesInput,
  scene: (handle: Handle) => Promise<void>,
  recordAs?: string,
): Promise<void> {
  const { env } = harness;
  const taskQueue = `ferry-${randomUUID()}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    activities: { auditPage },
  });
  await worker.runUntil(async () => {
    const args: [AuditSchedulesInput] = [input];
    const handle = await env.client.workflow.start<typeof AuditSchedules>('AuditSchedules', {
      workflowId: `audit/${randomUUID()}`,
      taskQueue,
      args,
    });
    await scene(handle);
    const first = env.client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    const history = await first.fetchHistory();
    await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
    if (recordAs !== undefined && process.env.FERRY_RECORD === '1') await recordHistory(recordAs, history);
  });
}

test('adds up its pages, with the wrong first, and shows how far it is', async () => {
  let release = noop;
  const held = new Promise<void>((resolve) => (release = resolve));
  const answer = pages(
    [line('a', 'once'), line('a', 'user-paused', 2), line('a', 'user-paused', 4)],
    [line('b', 'once'), line('b', 'missed', 2)],
    [line('c', 'once')],
  );
  const seen: AuditPageInput[] = [];
  const auditPage: AuditPage = async (input) => {
    seen.push(input);
    if (input.cursor === '2') await held;
    return await answer(input);
  };
  await play(
    auditPage,
    { tenant: 'acme', pageSize: 1, since: '2 hours' },
    async (handle) => {
      const half = await until('two pages', async () => {
        const progress = await handle.query(auditProgressQuery);
        return progress.pages === 2 && progress;
      });
      expect(half).toMatchObject({
        tenant: 'acme',
        done: false,
        schedules: 2,
        clean: false,
        totals: { once: 2, missed: 1 },
      });
      release();
      const result = await handle.result();
      expect(result).toMatchObject({
        tenant: 'acme',
        audited: ['cloud', 'selfhosted'],
        schedules: 3,
        clean: false,
        totals: { once: 3, missed: 1, 'user-paused': 2, duplicate: 0 },
        clusters: { cloud: { runs: 5, latenessMs: { max: 40 } } },
        lateAfterMs: 60_000,
      });
      expect(result.findings.map(({ verdict, times }) => [verdict, times])).toEqual([
        ['missed', 1],
        ['user-paused', 2],
      ]);
    },
    'audit-completed',
  );
  const [first] = seen;
  expect(first).toMatchObject({
    selection: { query: "TenantId = 'acme'" },
    pageSize: 1,
    clusters: ['cloud', 'selfhosted'],
  });
  expect((first?.untilMs ?? 0) - (first?.fromMs ?? 0)).toBeGreaterThan(7_100_000);
  // Everything is judged at one moment, whatever time passes between pages.
  expect(new Set(seen.map(({ nowMs, fromMs, untilMs }) => `${nowMs}/${fromMs}/${untilMs}`)).size).toBe(1);
});

test('continues as new before its history grows long, and loses no page', async () => {
  const of = Array.from({ length: 200 }, (_, i) => [line(`s${i}`, 'once')]);
  await play(
    pages(...of),
    { tenant: 'acme', cluster: 'cloud', pageSize: 1 },
    async (handle) => {
      expect(await handle.result()).toMatchObject({
        audited: ['cloud'],
        schedules: 200,
        totals: { once: 200 },
        clean: true,
      });
      const latest = await harness.env.client.workflow.getHandle(handle.workflowId).describe();
      expect(latest.runId).not.toBe(handle.firstExecutionRunId);
      expect(latest.historyLength).toBeLessThan(1200);
    },
    'audit-continued-as-new',
  );
});

test('a page that fails is tried again; a profile the worker does not have is refused at once', async () => {
  let attempts = 0;
  const answer = pages([line('a', 'once')]);
  const flaky: AuditPage = async (input) => {
    if (++attempts < 3) throw new Error('14 UNAVAILABLE');
    return await answer(input);
  };
  await play(flaky, { tenant: 'acme' }, async (handle) => {
    expect(await handle.result()).toMatchObject({ schedules: 1 });
    expect(attempts).toBe(3);
  });
  await play(refusing, { tenant: 'acme', cluster: 'nowhere' }, async (handle) => {
    const failed: unknown = await handle.result().catch((error: unknown) => error);
    // The sentence is on top, where the Web UI shows it.
    expect(failed).toMatchObject({ cause: { type: 'InvalidInput', message: expect.stringContaining('nowhere') } });
  });
});

test('every problem of its input is named at once, and nothing is asked', async () => {
  let asked = false;
  const auditPage: AuditPage = () => {
    asked = true;
    throw new Error('asked');
  };
  const input: AuditSchedulesInput = JSON.parse('{"tenant": "acme", "since": "1 huor", "lateAftr": "5s"}');
  await play(auditPage, input, async (handle) => {
    const failed: unknown = await handle.result().catch((error: unknown) => error);
    expect(failed).toMatchObject({
      cause: {
        type: 'InvalidInput',
        message: expect.stringMatching(
          /lateAftr.*did you mean "lateAfter"[\s\S]*since: found "1 huor".*did you mean "1 hour"/,
        ),
      },
    });
  });
  expect(asked).toBe(false);
});
