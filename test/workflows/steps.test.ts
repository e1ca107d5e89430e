/** The single steps on the time-skipping server, with the clusters faked behind their pages and the tenant's record real. */
import { randomUUID } from 'node:crypto';
import {
  ApplicationFailure,
  CancelledFailure,
  Client,
  type Workflow,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
  type WorkflowResultType,
} from '@temporalio/client';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTenantActivities } from '../../src/activities/tenant.ts';
import type {
  CopyResult,
  FerryActivities,
  PageInput,
  PausePageInput,
  PausePageResult,
  Reason,
  UnpausePageResult,
  VerifyResult,
} from '../../src/activities/types.ts';
import type { CopySchedules } from '../../src/workflows/copy-schedules.ts';
import { recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { MigrateTenant } from '../../src/workflows/migrate-tenant.ts';
import type { PauseSchedules, UnpauseSchedules } from '../../src/workflows/pause-schedules.ts';
import { stepProgressQuery } from '../../src/workflows/single-step.ts';
import type { TenantRecord } from '../../src/workflows/tenant-record.ts';
import type { VerifySchedules } from '../../src/workflows/verify-schedules.ts';
import { untilCancelled } from './fake-tenant.ts';
import { bundleWorkflows, type Harness, startHarness, until } from './harness.ts';

let harness: Harness;
let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  harness = await startHarness();
  workflowBundle = await bundleWorkflows();
});

afterAll(() => harness?.stop());

type Pages = Pick<FerryActivities, 'copyPage' | 'verifyPage' | 'pausePage' | 'unpausePage' | 'knowProfiles'>;
type Handle<W extends Workflow> = WorkflowHandleWithFirstExecutionRunId<W>;

const COPIED: CopyResult = { seen: 1, created: 1, updated: 0, unchanged: 0, elsewhere: 0, failed: [] };
const COMPARED: VerifyResult = { seen: 1, matching: 1, different: [], missing: [], extra: [] };
const PAUSED: PausePageResult = { seen: 1, paused: 1, already: 0, userPaused: 0, standby: 0, gone: 0, refused: [] };
const UNPAUSED: UnpausePageResult = { seen: 1, unpaused: 1, running: 0, gone: 0, refused: [] };

/** One answer a page. */
function pages<Page extends object>(base: Page, ...of: Partial<Page>[]) {
  return async ({ cursor }: { cursor?: string }): Promise<Page> => {
    const at = Number(cursor ?? 0);
    return { ...base, ...of[at], ...(at + 1 < of.length ? { next: String(at + 1) } : {}) };
  };
}

interface Scene {
  tenant: string;
  copy: (input?: object, workflowId?: string) => Promise<Handle<typeof CopySchedules>>;
  verify: (input?: object) => Promise<Handle<typeof VerifySchedules>>;
  pause: (input?: object, workflowId?: string) => Promise<Handle<typeof PauseSchedules>>;
  unpause: (input?: object) => Promise<Handle<typeof UnpauseSchedules>>;
  migrate: () => Promise<Handle<typeof MigrateTenant>>;
  record: () => Promise<TenantRecord>;
}

async function play(fakes: Partial<Pages>, scene: (scene: Scene) => Promise<void>): Promise<void> {
  const { env } = harness;
  const { client } = env;
  const taskQueue = `ferry-${randomUUID()}`;
  const tenant = `acme-${randomUUID().slice(0, 8)}`;
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    maxHeartbeatThrottleInterval: '50 ms',
    activities: {
      ...createTenantActivities({ client, taskQueue, searchAttributesRegistered: async () => true }),
      knowProfiles: async () => {},
      ...fakes,
    },
  });
  const started: Handle<typeof CopySchedules>[] = [];
  const start = async (type: string, workflowId: string, input: object): Promise<never> => {
    const args = [{ tenant, ...input }];
    const handle = await client.workflow.start(type, { workflowId, taskQueue, args });
    started.push(handle as Handle<typeof CopySchedules>);
    return handle as never;
  };
  await worker.runUntil(
    scene({
      tenant,
      copy: (input = {}, workflowId = `copy/${tenant}`) => start('CopySchedules', workflowId, input),
      verify: (input = {}) => start('VerifySchedules', `verify/${tenant}`, input),
      pause: (input = {}, workflowId = `pause/${tenant}`) =>
        start('PauseSchedules', workflowId, { cluster: 'cloud', ...input }),
      unpause: (input = {}) => start('UnpauseSchedules', `unpause/${tenant}`, { cluster: 'cloud', ...input }),
      migrate: () => start('MigrateTenant', `migrate/${tenant}`, { workflows: 'none' }),
      record: () => client.workflow.getHandle(tenantWorkflowId(tenant)).query(recordQuery),
    }),
  );
  for (const handle of started) {
    const first = client.workflow.getHandle(handle.workflowId, handle.firstExecutionRunId);
    await Worker.runReplayHistory({ workflowBundle }, await first.fetchHistory(), handle.workflowId);
  }
}

/** Without skipping time, which would skip to the run timeout of the tenant's record. */
async function result<W extends Workflow>({
  workflowId,
}: Pick<WorkflowHandle<W>, 'workflowId'>): Promise<WorkflowResultType<W>> {
  const { connection } = harness.env;
  return await new Client({ connection }).workflow.getHandle<W>(workflowId).result();
}

async function refusalOf(handle: Pick<WorkflowHandle, 'workflowId'>): Promise<ApplicationFailure> {
  const error: unknown = await result(handle).catch((failure: unknown) => failure);
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof ApplicationFailure) return cause;
  throw new Error(`Not refused: ${String(error)}`);
}

const reason = (id: string, code: Reason['code']): Reason => ({
  object: `schedule ${id}`,
  code,
  found: 'it is so',
  remedy: 'do this',
});

/** An activity that can be held. */
function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

test('copying holds the tenant, says how far it is, adds up its pages and gives the tenant back', async () => {
  const seen: PageInput[] = [];
  const held = gate();
  const answer = pages(
    COPIED,
    { created: 1 },
    { created: 0, unchanged: 1, elsewhere: 1 },
    { failed: [reason('c', 'failed')] },
  );
  const copyPage = async (input: PageInput): Promise<CopyResult> => {
    seen.push(input);
    if (input.cursor === '1') await held.passed;
    return await answer(input);
  };
  await play({ copyPage }, async ({ tenant, copy, record }) => {
    const handle = await copy({ from: 'selfhosted', to: 'cloud', schedules: { prefix: 'x-' }, pageSize: 7 });
    await until('one page', async () => (await handle.query(stepProgressQuery)).pages === 1);
    expect((await record()).lock).toMatchObject({
      migration: `copy/${tenant}`,
      step: 'CopySchedules',
      from: 'selfhosted',
      to: 'cloud',
    });
    held.open();
    const report = await result(handle);
    expect(report).toMatchObject({ tenant, from: 'selfhosted', to: 'cloud', seen: 3, pages: 3, done: true });
    expect(report).toMatchObject({ created: 2, updated: 0, unchanged: 1, elsewhere: 1, notes: [] });
    expect(report).toMatchObject({ refused: 1, byCode: { failed: 1 }, reasons: [reason('c', 'failed')] });
    expect(seen.map(({ cursor }) => cursor)).toEqual([undefined, '1', '2']);
    expect(seen[0]).toMatchObject({ migration: `copy/${tenant}`, from: 'selfhosted', to: 'cloud', pageSize: 7 });
    expect(await record()).toMatchObject({ lock: null, owner: null, interrupted: null });
    expect((await record()).history.map(({ event }) => event)).toEqual([
      'claimed for CopySchedules from selfhosted to cloud',
      'CopySchedules is done',
    ]);
  });
});

test('a step, another step and a migration keep each other out, by name; comparing needs no lock', async () => {
  const held = gate();
  let reached = false;
  const copyPage = async (): Promise<CopyResult> => {
    reached = true;
    await held.passed;
    return COPIED;
  };
  const fakes = { copyPage, verifyPage: pages(COMPARED, {}) };
  await play(fakes, async ({ tenant, copy, pause, migrate, verify, record }) => {
    const handle = await copy();
    await until('the page', () => reached);
    for (const other of [await pause(), await migrate()]) {
      const { type, message } = await refusalOf(other);
      expect(type).toBe('TenantLocked');
      expect(message).toContain(`${tenant} is held by CopySchedules copy/${tenant} (from cloud to selfhosted) (run `);
    }
    expect(await result(await verify())).toMatchObject({ counts: { matching: 1 }, done: true });
    expect((await record()).lock).toMatchObject({ migration: `copy/${tenant}` });
    held.open();
    await result(handle);
    expect((await record()).lock).toBeNull();
  });
});

test('cancelled within a page it gives the tenant back and ends as cancelled', async () => {
  let reached = false;
  const pausePage = async (): Promise<PausePageResult> => {
    reached = true;
    await untilCancelled();
    return { ...PAUSED, seen: 0, paused: 0, next: 'first' };
  };
  await play({ pausePage }, async ({ pause, record }) => {
    const handle = await pause();
    await until('the page', () => reached);
    await handle.cancel();
    const error: unknown = await result(handle).catch((failure: unknown) => failure);
    expect(error instanceof Error && error.cause).toBeInstanceOf(CancelledFailure);
    expect((await record()).lock).toBeNull();
    expect((await record()).history.at(-1)?.event).toMatch(/^pausing stopped: /);
  });
});

test('a step that was terminated is taken over, and is no migration to go on with', async () => {
  let calls = 0;
  const pausePage = async (): Promise<PausePageResult> => {
    if (++calls === 1) await untilCancelled();
    return PAUSED;
  };
  await play({ pausePage }, async ({ pause, record, tenant }) => {
    const first = await pause({}, `first/${tenant}`);
    await until('the page', () => calls === 1);
    await first.terminate('by mistake');
    const report = await result(await pause({}, `second/${tenant}`));
    expect(report).toMatchObject({ paused: 1, notes: [] });
    expect(await record()).toMatchObject({ lock: null, interrupted: null });
  });
});

test('a migration that was terminated before is told, and stays to be gone on with', async () => {
  const unpausePage = pages(UNPAUSED, {});
  let waits = false;
  // The test server has no cut-over to interrupt: one that was stopped while it looked holds the tenant just the same.
  const preflight = async (): Promise<never> => {
    waits = true;
    await untilCancelled();
    throw new Error('terminated');
  };
  await play({ unpausePage, preflight } as Partial<Pages>, async ({ migrate, unpause, record, tenant }) => {
    const migration = await migrate();
    await until('preflight', () => waits);
    await migration.terminate('by mistake');
    const report = await result(await unpause());
    expect(report).toMatchObject({ unpaused: 1, other: 'selfhosted' });
    expect(report.notes).toEqual([expect.stringContaining(`migrate/${tenant} did not come to an end`)]);
    expect(await record()).toMatchObject({ lock: null, interrupted: `migrate/${tenant}` });
  });
});

test('continues as new before its history grows long, holds the tenant all the while, and loses no page', async () => {
  const asked: PausePageInput[] = [];
  const held = gate();
  const answer = pages(PAUSED, ...Array.from({ length: 250 }, () => ({})));
  const pausePage = async (input: PausePageInput): Promise<PausePageResult> => {
    asked.push(input);
    if (input.cursor === '240') await held.passed;
    return await answer(input);
  };
  await play({ pausePage }, async ({ pause, record, tenant }) => {
    const handle = await pause({ pageSize: 1 });
    await until('page 240', () => asked.length === 241);
    expect((await handle.describe()).runId).not.toBe(handle.firstExecutionRunId);
    expect((await record()).lock).toMatchObject({ runId: handle.firstExecutionRunId });
    held.open();
    expect(await result(handle)).toMatchObject({ pages: 250, seen: 250, paused: 250, done: true });
    expect(asked.every(({ step, cluster }) => step === `pause/${tenant}` && cluster === 'cloud')).toBe(true);
    expect(asked).toHaveLength(250);
    const { lock, history } = await record();
    expect(lock).toBeNull();
    expect(history).toHaveLength(2);
  });
});

test('a profile the worker does not have, or a page that cannot be done, ends it in words with the tenant free', async () => {
  const unknown = (): never => {
    throw ApplicationFailure.nonRetryable('The worker cannot reach nowhere: no profile "nowhere".', 'InvalidInput');
  };
  await play({ knowProfiles: async () => unknown() }, async ({ pause }) => {
    expect(await refusalOf(await pause())).toMatchObject({
      type: 'InvalidInput',
      message: expect.stringContaining('no profile "nowhere"'),
    });
  });
  const broken = async (): Promise<never> => {
    throw ApplicationFailure.nonRetryable('boom', 'Broken');
  };
  await play({ copyPage: broken }, async ({ copy, record, tenant }) => {
    const { type, message } = await refusalOf(await copy());
    expect(type).toBe('StepFailed');
    expect(message).toBe(
      `${tenant}: copying stopped: copyPage: boom. Remove the cause and start it again: what is done is found done.`,
    );
    expect((await record()).lock).toBeNull();
  });
  await play({}, async ({ unpause }) => {
    const { type, message } = await refusalOf(await unpause({ cluster: 'third' }));
    expect(type).toBe('InvalidInput');
    expect(message).toMatch(/- other: found nothing/);
  });
});

test('comparing tells what matches, differs, is missing and is extra', async () => {
  const different = [{ schedule: 'b', fields: ['spec.jitter'] }];
  const verifyPage = pages(COMPARED, { extra: ['z'] }, { matching: 0, different }, { matching: 0, missing: ['c'] });
  await play({ verifyPage }, async ({ verify }) => {
    expect(await result(await verify())).toMatchObject({
      seen: 3,
      counts: { matching: 1, different: 1, missing: 1, extra: 1 },
      different,
      missing: ['c'],
      extra: ['z'],
      done: true,
    });
  });
});

test('what was refused is counted by its reason, and named up to a bound', async () => {
  const many = Array.from({ length: 60 }, (_, n) => reason(`s${n}`, 'user-paused'));
  const unpausePage = pages(UNPAUSED, { refused: many }, { refused: [reason('t', 'other-side-active')] });
  await play({ unpausePage }, async ({ unpause }) => {
    const report = await result(await unpause());
    expect(report).toMatchObject({ unpaused: 2, refused: 61, byCode: { 'user-paused': 60, 'other-side-active': 1 } });
    expect(report.reasons).toHaveLength(50);
  });
});
