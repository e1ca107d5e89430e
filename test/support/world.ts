/** Three real clusters with a tenant's live load, its workers, and the ferry worker: what the end-to-end tests move. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ConnectionOptions, WorkflowHandle } from '@temporalio/client';
import { type Ferry, controlClient, createFerry } from '../../src/compose.ts';
import { Profiles } from '../../src/clusters/profiles.ts';
import type { MigrateTenant } from '../../src/workflows/index.ts';
import type { MigrationResult } from '../../src/workflows/result.ts';
import type { Progress } from '../../src/workflows/progress.ts';
import { type PlannedSchedule, createSchedules, planTenant } from '../../scripts/lib/tenant-load.ts';
import { connectProfile } from '../../scripts/lib/profiles.ts';
import { registerFerrySearchAttributes } from '../../scripts/lib/search-attributes.ts';
import { type Stack, type StackOptions, startStack } from '../../scripts/lib/stack.ts';
import { type UserWorkers, quietRuntime, startUserWorkers } from '../../scripts/lib/user-worker.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type Side, readLedger } from './ledger.ts';

const workerFile = fileURLToPath(new URL('../../src/worker.ts', import.meta.url));

export interface World {
  stack: Stack;
  /** A side has the V2 scheduler. */
  hasV2: boolean;
  sides: Record<'cloud' | 'selfhosted', Side>;
  control: ReturnType<typeof controlClient>['client'];
  /** Creates a tenant's schedules on `cloud`, or the other side. */
  load: (tenant: string, count: number, on?: 'cloud' | 'selfhosted') => Promise<PlannedSchedule[]>;
  /** Ferry worker in this process, with faults if given. */
  ferry: (interceptors?: (profile: string) => ConnectionOptions['interceptors']) => Promise<RunningFerry>;
  /** Ferry worker in a process of its own. */
  ferryProcess: () => Promise<ChildProcess>;
  migrate: (id: string, input: Record<string, unknown>) => Promise<WorkflowHandle<typeof MigrateTenant>>;
  stop: () => Promise<void>;
}

export interface RunningFerry extends Ferry {
  stop: () => Promise<void>;
}

export async function createWorld(tenants: string[], options: StackOptions = {}): Promise<World> {
  quietRuntime();
  const stack = await startStack(options);
  const { configFile } = stack;
  const undo: (() => Promise<unknown>)[] = [stack.stop];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    const side = async (name: 'cloud' | 'selfhosted'): Promise<Side> => {
      const connected = await connectProfile(name, configFile);
      undo.push(() => connected.connection.close());
      return { name, ...connected };
    };
    const sides = { cloud: await side('cloud'), selfhosted: await side('selfhosted') };
    const control = controlClient({ configFile });
    undo.push(control.close);
    const { namespace } = new Profiles(configFile).load('control');
    const direct = await connectProfile('control', configFile);
    await registerFerrySearchAttributes(direct.connection, namespace);
    await direct.connection.close();
    const users: UserWorkers = await startUserWorkers({ configFile, profiles: ['cloud', 'selfhosted'], tenants });
    undo.push(users.stop);
    const ferry: World['ferry'] = async (interceptors) => {
      const made = await createFerry({ configFile, interceptors });
      const running = made.worker.run();
      const stopFerry = async (): Promise<void> => {
        if (made.worker.getState() === 'RUNNING') made.worker.shutdown();
        await running;
        await made.close();
      };
      let stopped: Promise<void> | undefined;
      const once = (): Promise<void> => (stopped ??= stopFerry());
      undo.push(once);
      return { ...made, stop: once };
    };
    const ferryProcess: World['ferryProcess'] = async () => {
      const child = spawn(process.execPath, ['--import', 'tsx', workerFile], {
        env: { ...process.env, TEMPORAL_CONFIG_FILE: configFile },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      undo.push(async () => child.kill('SIGKILL'));
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      await waitFor({ what: 'the ferry worker', timeoutMs: 60_000 }, async () =>
        printed.includes('ferry worker ready'),
      );
      return child;
    };
    return {
      stack,
      hasV2: options.cloud === 'v2' || options.selfhosted === 'v2',
      sides,
      control: control.client,
      ferry,
      ferryProcess,
      load: async (tenant, count, on = 'cloud') => {
        const plan = planTenant({ tenant, count });
        await createSchedules(sides[on].connection, sides[on].namespace, plan);
        return plan;
      },
      migrate: (id, input) =>
        control.client.workflow.start<typeof MigrateTenant>('MigrateTenant', {
          workflowId: id,
          taskQueue: 'ferry',
          args: [input as unknown as Parameters<typeof MigrateTenant>[0]],
        }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

export async function progressOf(handle: WorkflowHandle<typeof MigrateTenant>): Promise<Progress> {
  return handle.query<Progress>('progress');
}

export async function untilPhase(handle: WorkflowHandle<typeof MigrateTenant>, phase: string): Promise<Progress> {
  return waitFor({ what: `phase ${phase}`, timeoutMs: 180_000, everyMs: 200 }, async () => {
    const progress = await progressOf(handle);
    if (progress.phase === phase) return progress;
    if (['failed', 'rolled-back', 'completed'].includes(progress.phase)) await handle.result();
    return undefined;
  });
}

/** The independent reading of both clusters: nothing doubled, nothing missing, nothing where it should not be. */
export async function expectExactlyOnce(
  world: World,
  schedules: PlannedSchedule[],
  range: { from: number; path: string[]; allowExplained?: number },
): Promise<number> {
  const to = Math.floor(Date.now() / 1000) - 2;
  const ledger = await readLedger({
    sides: Object.values(world.sides),
    schedules,
    from: range.from,
    to,
    path: range.path,
    settleMs: 30_000,
  });
  const problems = world.hasV2 ? withoutV2Losses(ledger.totals.problems, schedules) : ledger.totals.problems;
  if (problems.length > 0) throw new Error(`not exactly once:\n${problems.join('\n')}`);
  if (ledger.totals.once === 0) throw new Error('the ledger is empty: nothing ran at all');
  return ledger.totals.once;
}

/**
 * A V2 scheduler (1.32.1) loses jittered times by itself, migration or not: whenever it wakes with nothing to start it
 * moves its mark past those whose jitter is still ahead (`lastAction := end` in chasm/lib/scheduler/spec_processor.go). A
 * few of those are granted, to schedules whose jitter is as long as their interval and to nobody else.
 */
export function withoutV2Losses(problems: string[], schedules: PlannedSchedule[]): string[] {
  const jittered = schedules.filter(({ intent }) => intent.jitter >= intent.every).map(({ id }) => id);
  const lost = problems.filter((line) => jittered.some((id) => line.startsWith(`${id} did not run for `)));
  return lost.length <= MOST_LOST ? problems.filter((line) => !lost.includes(line)) : problems;
}

const MOST_LOST = 4;

export function resultIsClean({ audit }: MigrationResult): boolean {
  return audit.duplicates === 0 && audit.missed === 0 && audit.wrongSide === 0;
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1000);
