/** A simulated cluster's raw schedule API, as a service's connection has it; and a clock in virtual time. */
import { status } from '@grpc/grpc-js';
import type { WorkflowService } from '@temporalio/client';
import type { ScheduleContent } from '../../src/schedules/canonical.ts';
import type { Described } from '../../src/schedules/ports.ts';
import { toMs } from '../../src/schedules/times.ts';
import { timestamp } from '../../src/clusters/proto-times.ts';
import { ScheduleCallError } from '../../src/services/schedules/errors.ts';
import type { Clock } from '../../src/services/schedules/look.ts';
import type { AnswerOf, RequestOf, ScheduleMethods } from '../../src/services/schedules/methods.ts';
import type { SimCluster } from './cluster.ts';
import { TransportError } from './network.ts';
import type { World } from './world.ts';

export function clockOf(world: World): Clock {
  return {
    now: () => world.now(),
    sleep: (ms) => world.sleep(ms),
    within: (ms, promise) =>
      Promise.race([promise, new Promise<undefined>((late) => world.at(world.now() + ms, () => late(undefined)))]),
  };
}

/** Only what schedules need of it: the rest of the API is not there. */
export function rawService(cluster: SimCluster): WorkflowService {
  const methods: ScheduleMethods = {
    describeSchedule: async ({ scheduleId }) => answerOf(found(await wire(cluster.describe(scheduleId ?? '')))),
    createSchedule: async ({ scheduleId, schedule, memo, searchAttributes }) => {
      const content: ScheduleContent = { schedule: schedule ?? {}, memo, searchAttributes };
      const made = await wire(cluster.create(scheduleId ?? '', content));
      if (made === 'exists') throw new ScheduleCallError(status.ALREADY_EXISTS, 'schedule is already there');
      return {};
    },
    updateSchedule: async ({ scheduleId, schedule, searchAttributes, conflictToken, requestId }) => {
      const content = searchAttributes ? { schedule: schedule ?? {}, searchAttributes } : { schedule: schedule ?? {} };
      const token = conflictToken && conflictToken.length > 0 ? conflictToken : undefined;
      const answer = await wire(cluster.sendUpdate(scheduleId ?? '', content, token, requestId ?? ''));
      if (answer === 'conflict') throw new ScheduleCallError(status.FAILED_PRECONDITION, 'mismatched conflict token');
      if (answer === 'gone') throw new ScheduleCallError(status.NOT_FOUND, 'schedule not found');
      return {};
    },
    patchSchedule: (request) => patch(cluster, request),
    deleteSchedule: async ({ scheduleId }) => {
      found(cluster.schedule(scheduleId ?? ''));
      await wire(cluster.delete(scheduleId ?? ''));
      return {};
    },
    listSchedules: async () => ({ schedules: [] }),
    listScheduleMatchingTimes: async ({ scheduleId, startTime, endTime }) => {
      const [from, to] = [toMs(startTime) ?? 0, toMs(endTime) ?? 0];
      return { startTime: (await wire(cluster.matchingTimes(scheduleId ?? '', from, to))).map(timestamp) };
    },
  };
  return methods as unknown as WorkflowService;
}

async function patch(
  cluster: SimCluster,
  { scheduleId, patch: asked, requestId }: RequestOf<'patchSchedule'>,
): Promise<AnswerOf<'patchSchedule'>> {
  const ranges = (asked?.backfillRequest ?? []).map(({ startTime, endTime }) => ({
    fromMs: toMs(startTime) ?? 0,
    toMs: toMs(endTime) ?? 0,
  }));
  const sent = {
    ...(asked?.triggerImmediately ? { trigger: {} } : {}),
    ...(ranges.length > 0 ? { backfill: { ranges } } : {}),
    ...(asked?.pause ? { pause: asked.pause } : {}),
    ...(asked?.unpause ? { unpause: asked.unpause } : {}),
  };
  const answer = await wire(cluster.sendPatch(scheduleId ?? '', sent, requestId ?? ''));
  if (answer === 'gone') throw new ScheduleCallError(status.NOT_FOUND, 'schedule not found');
  return {};
}

function found<T>(there: T | undefined): T {
  if (there === undefined) throw new ScheduleCallError(status.NOT_FOUND, 'schedule not found');
  return there;
}

/** Transport errors in gRPC's words. */
async function wire<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof TransportError) throw new ScheduleCallError(status[error.code], error.message);
    throw error;
  }
}

function answerOf(described: Described): AnswerOf<'describeSchedule'> {
  const { schedule, memo, searchAttributes, token, createdMs, updatedMs, futureMs, recent, running, buffered } =
    described;
  return {
    schedule,
    memo,
    searchAttributes,
    conflictToken: token,
    info: {
      createTime: createdMs === undefined ? null : timestamp(createdMs),
      updateTime: updatedMs === undefined ? null : timestamp(updatedMs),
      futureActionTimes: futureMs.filter((ms) => Number.isFinite(ms)).map(timestamp),
      recentActions: recent.map(({ workflowId, dueMs, startedMs }) => ({
        scheduleTime: timestamp(dueMs),
        actualTime: timestamp(startedMs),
        startWorkflowResult: { workflowId },
      })),
      runningWorkflows: running.map((workflowId) => ({ workflowId })),
      bufferSize: buffered,
    },
  } as unknown as AnswerOf<'describeSchedule'>;
}
