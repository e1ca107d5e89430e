/** One cluster, simulated or real, with what a script needs besides the port: users, workflows that behave, a clock. */
import { setTimeout as delay } from 'node:timers/promises';
import Long from 'long';
import proto, { type temporal } from '@temporalio/proto';
import { Cluster } from '../../src/clusters/cluster.ts';
import { timestamp } from '../../src/clusters/proto-times.ts';
import type { Engine, OverlapPolicy, ScheduleCluster } from '../../src/schedules/ports.ts';
import { SimCluster } from '../simulator/cluster.ts';
import type { Patch } from '../simulator/scheduler.ts';
import { World } from '../simulator/world.ts';

export const TASK_QUEUE = 'conformance';
export const { ScheduleOverlapPolicy: Policy } = proto.temporal.api.enums.v1;

/** Visibility is a moment behind; where it is not, as much time passes. */
const VISIBLE_MS = 1_500;

/** How the runs of a script's schedule behave; `id` is where their workflow ids begin. */
export interface Behaviour {
  takesMs: number;
  fails: boolean;
}

export interface Rig {
  engine: Engine;
  cluster: ScheduleCluster;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** A user's PatchSchedule. */
  patch(id: string, patch: Patch): Promise<void>;
  /** Ids of all executions that begin with `prefix`, one for each execution, sorted. */
  executions(prefix: string): Promise<string[]>;
}

export function simulated(engine: Engine, seed: number, behaviour: (workflowId: string) => Behaviour): Rig {
  const world = new World(seed, { startMs: Date.UTC(2026, 5, 1) + 123 });
  const cluster = new SimCluster(world, 'sim', {
    engine,
    pace: { applyMs: 40, startMs: 40, closeMs: 40 },
    runs: {
      takesMs: (id) => behaviour(id).takesMs,
      fails: (id) => behaviour(id).fails,
      cancelMs: 30,
    },
  });
  return {
    engine,
    cluster,
    now: () => world.now(),
    sleep: (ms) => world.sleep(ms),
    patch: async (id, patch) => {
      cluster.patch(id, patch);
      await world.sleep(20);
    },
    executions: async (prefix) => {
      await world.sleep(VISIBLE_MS);
      return [...cluster.runs.byId].flatMap(([id, all]) => (id.startsWith(prefix) ? all.map(() => id) : [])).toSorted();
    },
  };
}

export function real(engine: Engine, address: string, namespace: string): Rig & { close: () => Promise<void> } {
  const cluster = Cluster.open({
    name: 'real',
    namespace,
    connect: { connectionOptions: { address }, namespace },
  });
  return {
    engine,
    cluster,
    now: () => Date.now(),
    sleep: (ms) => delay(Math.max(0, ms)),
    patch: async (id, patch) => {
      await cluster.call((s) => s.patchSchedule({ namespace, scheduleId: id, patch: protoPatch(patch) }));
    },
    executions: async (prefix) => {
      await delay(VISIBLE_MS);
      const query = `WorkflowId STARTS_WITH "${prefix}"`;
      const { executions } = await cluster.call((s) => s.listWorkflowExecutions({ namespace, query, pageSize: 1000 }));
      return (executions ?? []).map(({ execution }) => execution?.workflowId ?? '').toSorted();
    },
    close: () => cluster.close(),
  };
}

function protoPatch({ pause, unpause, trigger, backfill }: Patch): temporal.api.schedule.v1.ISchedulePatch {
  const ranges = backfill?.ranges.map(({ fromMs, toMs }) => ({
    startTime: timestamp(fromMs),
    endTime: timestamp(toMs),
    overlapPolicy: backfill.policy,
  }));
  return {
    pause,
    unpause,
    triggerImmediately: trigger && { overlapPolicy: trigger.policy },
    backfillRequest: ranges,
  };
}

/** The counter in a conflict token. */
export function tokenOf(token: Uint8Array, engine: Engine): number {
  return Number(engine === 'v1' ? Long.fromBytesBE([...token]) : Long.fromBytesLE([...token]));
}

export type { OverlapPolicy };
