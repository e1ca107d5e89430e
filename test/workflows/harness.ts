/**
 * Real workflows on the time-skipping server, with the tenant's clusters faked and the tenant's record real. Every
 * history that comes out of a scenario is replayed; with FERRY_RECORD=1 it is also written to test/replay/histories.
 */
import { randomUUID } from 'node:crypto';
import { Client, type WorkflowHandle, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import { testServer } from '../../scripts/lib/test-server.ts';
import { createTenantActivities } from '../../src/activities/tenant.ts';
import type { MigrateTenantInput } from '../../src/workflows/input.ts';
import { progressQuery, recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { MigrateTenant } from '../../src/workflows/migrate-tenant.ts';
import type { MigrationResult } from '../../src/workflows/result.ts';
import type { Progress } from '../../src/workflows/progress.ts';
import { searchAttributeKeys } from '../../src/workflows/search-attributes.ts';
import type { TenantRecord } from '../../src/workflows/tenant-record.ts';
import type { FakeTenant } from './fake-tenant.ts';
import { recordHistory } from './histories.ts';

const KEYWORD = 2;
export type Migration = WorkflowHandleWithFirstExecutionRunId<typeof MigrateTenant>;

export interface Scenario {
  client: Client;
  fake: FakeTenant;
  /** A tenant's name nobody else uses. */
  tenant: string;
  taskQueue: string;
  env: TestWorkflowEnvironment;
  /** Schedules only, unless `input` says which workflows. */
  start: (input?: Partial<MigrateTenantInput>, workflowId?: string) => Promise<Migration>;
  record: () => Promise<TenantRecord>;
}

export interface Harness {
  env: TestWorkflowEnvironment;
  /** Runs a worker for the fake as long as `play` does; then replays every migration it started. */
  play: (fake: FakeTenant, play: (scenario: Scenario) => Promise<void>, options?: PlayOptions) => Promise<void>;
  stop: () => Promise<void>;
}

export interface PlayOptions {
  /** Name of the recorded history, should histories be recorded. */
  recordAs?: string;
  /** @default true */
  searchAttributes?: boolean;
}

let environment: TestWorkflowEnvironment | undefined;

export async function startHarness(): Promise<Harness> {
  const quiet = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter: quiet } },
  });
  const env = await TestWorkflowEnvironment.createTimeSkipping({ server: await testServer() });
  environment = env;
  const workflowBundle = await bundleWorkflows();
  await env.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(searchAttributeKeys.map(({ name }) => [name, KEYWORD])),
  });
  return {
    env,
    play: async (fake, play, options = {}) => {
      const taskQueue = `ferry-${randomUUID()}`;
      const tenant = `acme-${randomUUID().slice(0, 8)}`;
      const { client } = env;
      const searchAttributesRegistered = () => Promise.resolve(options.searchAttributes ?? true);
      const worker = await Worker.create({
        connection: env.nativeConnection,
        taskQueue,
        workflowBundle,
        activities: {
          ...fake.activities(),
          ...createTenantActivities({ client, taskQueue, searchAttributesRegistered }),
        },
        // Cancellation reaches an activity with its heartbeats: a test should not wait for it.
        maxHeartbeatThrottleInterval: '50 ms',
      });
      const started: Migration[] = [];
      const start = async (input: Partial<MigrateTenantInput> = {}, workflowId = `migrate/${tenant}`) => {
        const args: [MigrateTenantInput] = [{ tenant, workflows: 'none', ...input }];
        const handle = await client.workflow.start<typeof MigrateTenant>('MigrateTenant', {
          workflowId,
          taskQueue,
          args,
        });
        started.push(handle);
        return handle;
      };
      const record = () => client.workflow.getHandle(tenantWorkflowId(tenant)).query(recordQuery);
      await worker.runUntil(play({ client, fake, tenant, taskQueue, env, start, record }));
      for (const handle of started) await keep(handle, workflowBundle, options.recordAs);
    },
    stop: () => env.teardown(),
  };
}

export async function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const workflowsPath = new URL('../../src/workflows/index.ts', import.meta.url).pathname;
  return await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

async function keep(handle: Migration, workflowBundle: WorkflowBundleWithSourceMap, recordAs?: string): Promise<void> {
  const history = await thisRun(handle).fetchHistory();
  await Worker.runReplayHistory({ workflowBundle }, history, handle.workflowId);
  if (recordAs !== undefined && process.env.FERRY_RECORD === '1') await recordHistory(recordAs, history);
}

/**
 * The result, skipping time up to it. Not `handle.result()`: the test server gives every workflow a run timeout of ten
 * years, and that call skips to it for whatever else is open, such as the tenant's record.
 */
export async function finish(handle: WorkflowHandle<typeof MigrateTenant>): Promise<MigrationResult> {
  if (!environment) throw new Error('startHarness comes first');
  const env = environment;
  const { connection } = env;
  const plain = new Client({ connection }).workflow.getHandle<typeof MigrateTenant>(handle.workflowId);
  let running = true;
  const result = plain.result().finally(() => {
    running = false;
  });
  const ended = result.then(
    () => undefined,
    () => undefined,
  );
  const late = async () => {
    await new Promise((resolve) => setTimeout(resolve, 30_000).unref());
    const { phase, waitingFor } = await plain.query(progressQuery);
    const { raw } = await plain.describe();
    const pending = JSON.stringify(raw.pendingActivities);
    const now = new Date(await env.currentTimeMs()).toISOString();
    throw new Error(
      `${handle.workflowId} did not end within 30 s, whatever time was skipped: at ${now} it is ${phase}, ` +
        `waits for ${waitingFor ?? 'nobody'}, and has these activities open: ${pending}`,
    );
  };
  const expired = late();
  expired.catch(() => undefined);
  // A step at a time: it ends with the migration, not much later.
  while (running) await Promise.race([env.sleep('1 hour'), ended, expired]);
  return await result;
}

/** The run that was started, not whatever has the workflow id by now. */
function thisRun(handle: Migration): WorkflowHandle {
  return handle.client.getHandle(handle.workflowId, handle.firstExecutionRunId);
}

/** Polls without skipping time; a deadline in real time keeps a broken test from hanging. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited 20 s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

export async function untilPhase(handle: Migration, phase: Progress['phase']): Promise<Progress> {
  let last: string = 'nothing';
  return await until(`phase ${phase} (was ${last})`, async () => {
    const progress = await handle.query(progressQuery);
    last = progress.phase;
    return progress.phase === phase ? progress : undefined;
  });
}

export async function untilProgress(handle: Migration, what: string, is: (p: Progress) => boolean): Promise<Progress> {
  return await until(what, async () => {
    const progress = await handle.query(progressQuery);
    return is(progress) ? progress : undefined;
  });
}
