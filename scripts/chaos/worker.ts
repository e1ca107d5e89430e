/**
 * The ferry worker under test: the product's own, with a hand on its kill switch. It dies by SIGKILL exactly where it is
 * told to, so a boundary is an instruction and not a matter of timing.
 */
import { writeSync } from 'node:fs';
import { InterceptingCall, type Interceptor, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { Context } from '@temporalio/activity';
import proto from '@temporalio/proto';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { createFerry } from '../../src/compose.ts';
import { milliseconds, type Write } from '../../test/support/runs.ts';
import { quietRuntime } from '../lib/user-worker.ts';
import {
  type Boundary,
  COUNTS_WRITES,
  type Moment,
  type Order,
  type Report,
  REPORTS_FD,
  WRITES,
} from './boundaries.ts';

const { UpdateScheduleRequest, PatchScheduleRequest } = proto.temporal.api.workflowservice.v1;
/** JSON knows no infinity. */
const FOREVER_MS = Number.MAX_SAFE_INTEGER;

/** What is about to be written, if it is to a schedule that exists. */
function writeOf(method: string, message: Uint8Array): Omit<Write, 'side'> | undefined {
  const atMs = Date.now();
  if (method === 'PatchSchedule') return { schedule: PatchScheduleRequest.decode(message).scheduleId, atMs };
  if (method !== 'UpdateSchedule') return undefined;
  const { scheduleId, schedule } = UpdateScheduleRequest.decode(message);
  const { startTime, endTime } = schedule?.spec ?? {};
  const untilMs = endTime ? milliseconds(endTime) : FOREVER_MS;
  const open = { paused: Boolean(schedule?.state?.paused), fromMs: milliseconds(startTime), untilMs };
  return { schedule: scheduleId, atMs, open };
}

/** Long enough for the answer to have left, short enough to meet the workflow in the middle of its next step. */
const AFTER_MS = 50;

let armed: Boundary[] = [];
let answersToLose = 0;
let lost = 0;
/** Profile → until when, and whether that has been reported. */
const storms = new Map<string, { until: number; told: boolean }>();
/** The activities under way, and how many of their calls have been answered. */
const underWay = new Map<Context, { activity: string; calls: number; writes: number }>();

function say(report: Report): void {
  writeSync(REPORTS_FD, `${JSON.stringify(report)}\n`);
}

function dieAt(at: Boundary, { info }: Context, call?: string): void {
  const { workflowExecution, attempt } = info;
  say({ report: 'dies', at, workflowId: workflowExecution?.workflowId ?? '', attempt, call });
  process.kill(process.pid, 'SIGKILL');
}

function dieIfArmed(context: Context, moment: Moment): void {
  const at = armed.find((each) => each.activity === context.info.activityType && each.moment === moment);
  if (at) dieAt(at, context);
}

const atBoundaries: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    execute: async (input, next) => {
      dieIfArmed(context, 'begin');
      underWay.set(context, { activity: context.info.activityType, calls: 0, writes: 0 });
      try {
        const result = await next(input);
        dieIfArmed(context, 'end');
        setTimeout(() => dieIfArmed(context, 'after'), AFTER_MS);
        return result;
      } finally {
        underWay.delete(context);
      }
    },
  },
});

/** The server has done the work; the worker has not heard yet, and may never. */
function answered(method: string, profile: string, answer: StatusObject): StatusObject {
  const call = `${method} on ${profile}`;
  const write = WRITES.has(method);
  for (const [context, count] of underWay) {
    count.calls++;
    if (write && answer.code === status.OK) count.writes++;
    const reached = COUNTS_WRITES.has(count.activity) ? count.writes : count.calls;
    const at = armed.find((each) => each.activity === count.activity && each.moment === 'middle');
    if (at && reached >= (at.nth ?? 1)) dieAt(at, context, call);
  }
  if (!write || answer.code !== status.OK || answersToLose === 0) return answer;
  answersToLose--;
  say({ report: 'lost', call });
  // The first is retried by the client below the product, the second reaches the product: both happen in turn.
  const code = lost++ % 2 === 0 ? status.UNAVAILABLE : status.DEADLINE_EXCEEDED;
  return { ...answer, code, details: 'answer lost on purpose' };
}

function onCalls(profile: string): Interceptor {
  return (options, nextCall) => {
    const method = options.method_definition.path.split('/').at(-1) ?? '';
    const storm = storms.get(profile);
    if (storm && storm.until > Date.now()) {
      if (!storm.told) say({ report: 'throttled', profile });
      storm.told = true;
      // It never leaves: what is refused as one too many has not been done. No server answers before it has been asked.
      const answer = { code: status.RESOURCE_EXHAUSTED, details: 'throttled on purpose', metadata: new Metadata() };
      let refuse: (() => void) | undefined;
      return new InterceptingCall(nextCall(options), {
        start: (_metadata, listener) => {
          refuse = () => {
            // Whoever listens is used to a message before the status, if only an empty one.
            listener.onReceiveMessage(null);
            listener.onReceiveStatus(answer);
          };
        },
        sendMessage: () => undefined,
        halfClose: () => refuse?.(),
      });
    }
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _listener, next) =>
        next(metadata, { onReceiveStatus: (answer, pass) => pass(answered(method, profile, answer)) }),
      sendMessage: (message: Uint8Array, next) => {
        const write = writeOf(method, message);
        if (write) say({ report: 'writes', profile, write });
        next(message);
      },
    });
  };
}

quietRuntime();
const ferry = await createFerry({
  configFile: process.argv[2],
  taskQueue: process.argv[3],
  interceptors: (profile) => [onCalls(profile)],
  activityInterceptors: [atBoundaries],
});

process.on('message', (order: Order) => {
  if (order.order === 'arm') armed = order.boundaries;
  else if (order.order === 'lose') answersToLose = order.answers;
  else if (order.order === 'throttle') storms.set(order.profile, { until: Date.now() + order.ms, told: false });
  // A SIGTERM ends it in order; then its process is over as well.
  else void ferry.worker.run().finally(() => process.exit());
});
// Without its driver it has no purpose.
process.on('disconnect', () => process.exit());
say({ report: 'ready' });
