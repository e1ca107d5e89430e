/** Many tenants, each with schedules of its own in memory, behind the activities' interface, for rollouts. */
import { randomUUID } from 'node:crypto';
import { Client, type WorkflowHandle, type WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { Worker } from '@temporalio/worker';
import type { ClusterSource, FerryDeps } from '../../src/activities/deps.ts';
import { surveyTenants, watchMigrations } from '../../src/activities/rollout.ts';
import { createTenantActivities } from '../../src/activities/tenant.ts';
import type { SurveyInput, Watched } from '../../src/activities/types.ts';
import type { RolloutTenantsInput } from '../../src/workflows/rollout/input.ts';
import { overviewQuery, tenantsQuery } from '../../src/workflows/rollout/messages.ts';
import type { Overview, RolloutResult, TenantsPage } from '../../src/workflows/rollout/overview.ts';
import type { RolloutTenants } from '../../src/workflows/rollout/rollout-tenants.ts';
import type { Faked, FakedName } from './fake-tenant.ts';
import { FakeTenant } from './fake-tenant.ts';
import { type Harness, until } from './harness.ts';

export type RolloutHandle = WorkflowHandleWithFirstExecutionRunId<typeof RolloutTenants>;

/** The tenants of one test: their names are its own, `acme-1a2b` for `acme`. */
export class Fleet {
  readonly #suffix = randomUUID().slice(0, 4);
  readonly tenants = new Map<string, FakeTenant>();

  constructor(...names: string[]) {
    for (const name of names) this.tenants.set(this.name(name), new FakeTenant(2));
  }

  name(of: string): string {
    return `${of}-${this.#suffix}`;
  }

  names(...of: string[]): string[] {
    return of.map((each) => this.name(each));
  }

  of(name: string): FakeTenant {
    return this.#of(this.name(name));
  }

  /** Short names of the tenants whose schedules all run there, in order. */
  on(profile: string): string[] {
    const there = [...this.tenants].filter(([, fake]) => fake.ownedBy(profile) === fake.owners.size);
    return there.map(([name]) => name.slice(0, -this.#suffix.length - 1));
  }

  activities(): Faked {
    const route =
      <Name extends FakedName>(activity: Name) =>
      (input: { tenant: string }): Promise<never> =>
        (this.#of(input.tenant)[activity] as (input: unknown) => Promise<never>)(input);
    return {
      preflight: route('preflight'),
      copyPage: route('copyPage'),
      verifyPage: route('verifyPage'),
      cutOverPage: route('cutOverPage'),
      sweep: route('sweep'),
      watchOwnership: route('watchOwnership'),
      lookAtWorkflows: route('lookAtWorkflows'),
      measureCheck: route('measureCheck'),
    };
  }

  #of(tenant: string): FakeTenant {
    const fake = this.tenants.get(tenant);
    if (!fake) throw new Error(`No tenant ${tenant} in this fleet`);
    return fake;
  }
}

export interface Stage {
  client: Client;
  /** Id of the rollouts of this test. */
  id: string;
  taskQueue: string;
  /** With `workflows: "none"` and no bake, unless the input has other defaults. */
  start: (input: RolloutTenantsInput) => Promise<RolloutHandle>;
}

/** Runs a worker for the fleet as long as `scene` does; then replays every run of the rollouts it started. */
export async function withFleet(
  { env }: Harness,
  workflowBundle: WorkflowBundleWithSourceMap,
  fleet: Fleet,
  scene: (stage: Stage) => Promise<void>,
): Promise<void> {
  const taskQueue = `ferry-${randomUUID()}`;
  const id = `rollout/${randomUUID().slice(0, 8)}`;
  const { client, connection } = env;
  const searchAttributesRegistered = () => Promise.resolve(true);
  // Not the environment's own client, whose `result` would skip time from within an activity.
  const control = new Client({ connection });
  // The queries of a wave need a cluster with schedules: that is `test/e2e`.
  const clusters: ClusterSource = { get: () => undefined as never };
  const deps: FerryDeps = { control, clusters, taskQueue, searchAttributesRegistered };
  const worker = await Worker.create({
    connection: env.nativeConnection,
    taskQueue,
    workflowBundle,
    activities: {
      ...fleet.activities(),
      ...createTenantActivities({ client, taskQueue, searchAttributesRegistered }),
      surveyTenants: (input: SurveyInput) => surveyTenants(deps, input),
      // One look: while an activity runs no time is skipped.
      watchMigrations: (input: { migrations: Watched[] }) =>
        watchMigrations(deps, input, { holdMs: 0, settleMs: 0, pollMs: 0 }),
    },
    maxHeartbeatThrottleInterval: '50 ms',
  });
  const started: RolloutHandle[] = [];
  const start = async (input: RolloutTenantsInput): Promise<RolloutHandle> => {
    const defaults = { workflows: 'none', bake: '0', ...input.defaults };
    const handle = await client.workflow.start<typeof RolloutTenants>('RolloutTenants', {
      workflowId: id,
      taskQueue,
      args: [{ ...input, defaults }],
    });
    started.push(handle);
    return handle;
  };
  await worker.runUntil(scene({ client, id, taskQueue, start }));
  for (const handle of started) {
    for (const { history } of await runsOf(control, handle)) {
      await Worker.runReplayHistory({ workflowBundle }, history, id);
    }
  }
}

/** Every run of a rollout's chain, oldest first. */
export async function runsOf(client: Client, { workflowId, firstExecutionRunId }: RolloutHandle) {
  const runs: { runId: string; history: Awaited<ReturnType<WorkflowHandle['fetchHistory']>> }[] = [];
  let runId: string | undefined | null = firstExecutionRunId;
  while (runId) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    runs.push({ runId, history });
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  }
  return runs;
}

/** The latest run, whatever it has continued as. */
function latest({ client, workflowId }: RolloutHandle): WorkflowHandle<typeof RolloutTenants> {
  return client.getHandle<typeof RolloutTenants>(workflowId);
}

export const overview = (handle: RolloutHandle): Promise<Overview> => latest(handle).query(overviewQuery);

export const tenants = (handle: RolloutHandle, asked?: object): Promise<TenantsPage> =>
  latest(handle).query(tenantsQuery, asked);

export async function untilOverview(
  handle: RolloutHandle,
  what: string,
  is: (overview: Overview) => boolean,
): Promise<Overview> {
  return await until(what, async () => {
    const now = await overview(handle);
    return is(now) ? now : undefined;
  });
}

/**
 * Between two looks. The test server skips no time any more once an activity was cut off by a command, a cancel or an end
 * of its workflow, so what comes next is sent in a moment without one.
 */
export async function resting(handle: RolloutHandle): Promise<RolloutHandle> {
  await until('a rest between two looks', async () => {
    const { raw } = await latest(handle).describe();
    return (raw.pendingActivities ?? []).length === 0 && raw.pendingWorkflowTask === null;
  });
  return handle;
}

/** The result, skipping time up to it, a minute at a time. */
export async function finishRollout({ env }: Harness, handle: RolloutHandle): Promise<RolloutResult> {
  const { connection } = env;
  const plain = new Client({ connection }).workflow.getHandle<typeof RolloutTenants>(handle.workflowId);
  let running = true;
  const result = plain.result().finally(() => {
    running = false;
  });
  const ended = result.then(
    () => undefined,
    () => undefined,
  );
  const deadline = Date.now() + 60_000;
  while (running) {
    if (Date.now() > deadline)
      throw new Error(`${handle.workflowId} did not end: ${JSON.stringify(await plain.query(overviewQuery))}`);
    // While an activity runs, and be it one that a test holds, no time is skipped.
    await Promise.race([env.sleep('1 minute'), ended]);
  }
  return await result;
}
