/**
 * A tenant's schedules as one finds them in the wild: every kind of spec, policy and state that a move could get wrong,
 * each simple enough that its nominal times follow by arithmetic. Written over the raw API, byte for byte.
 */
import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import Long from 'long';
import { duration, encrypted, keyword, plain, randomFrom, timestamp, type Random } from './payloads.ts';

type Schedule = proto.temporal.api.schedule.v1.ISchedule;
type Spec = proto.temporal.api.schedule.v1.IScheduleSpec;
type CreateRequest = proto.temporal.api.workflowservice.v1.ICreateScheduleRequest;

const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;
const {
  SCHEDULE_OVERLAP_POLICY_ALLOW_ALL: allowAll,
  SCHEDULE_OVERLAP_POLICY_SKIP: skip,
  SCHEDULE_OVERLAP_POLICY_BUFFER_ONE: bufferOne,
  SCHEDULE_OVERLAP_POLICY_BUFFER_ALL: bufferAll,
  SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER: cancelOther,
  SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER: terminateOther,
} = ScheduleOverlapPolicy;

/** What the schedule should do, told apart from how the request says it: an audit computes from this alone. */
export interface Intent {
  /** Nominal times are the epoch seconds t with t mod `every` = `phase`. */
  every: number;
  phase: number;
  /** First and last nominal second, inclusive. */
  from?: number;
  until?: number;
  /** Seconds of the minute that are left out, inclusive. */
  except?: readonly [number, number];
  /** At most this many seconds after its nominal time a run may be due. */
  jitter: number;
  paused: boolean;
  /** How many runs the schedule has left. */
  limit?: number;
  /** Whether the overlap policy may leave times out while a run is open. */
  maySkip: boolean;
  /** Of several times a scheduler comes to at once, after it was away, the policy starts the last alone. */
  replaces?: boolean;
}

export interface PlannedSchedule {
  id: string;
  intent: Intent;
  /** Lacks the namespace. */
  request: CreateRequest;
}

export interface TenantLoad {
  tenant: string;
  count: number;
  /** Same seed, same payloads and phases. @default 1 */
  seed?: number;
  /** Phases, payloads and task queue are those of this tenant: two loads that differ in their names only. @default its own */
  like?: string;
  /** Epoch seconds; starts and ends of some schedules lie around it. @default now */
  now?: number;
}

interface Recipe {
  kind: string;
  every: number;
  form: 'interval' | 'cron' | 'calendar';
  jitter?: number;
  overlap: proto.temporal.api.enums.v1.ScheduleOverlapPolicy;
  /** Seconds after the load was made. */
  starts?: number;
  ends?: number;
  except?: readonly [number, number];
  limit?: number;
  paused?: boolean;
  note?: string;
  catchup?: number;
  pauseOnFailure?: boolean;
  workflow?: 'quick' | 'brief';
}

/**
 * In this order, over and over. Schedules below 3 seconds allow overlap: on a busy machine their runs may touch, and a
 * legitimate skip would look like a loss. Crons and calendars have steps that divide the minute.
 */
const recipes: readonly Recipe[] = [
  { kind: 'pulse', every: 1, form: 'interval', overlap: allowAll },
  { kind: 'poll', every: 2, form: 'interval', jitter: 1, overlap: allowAll },
  { kind: 'sync', every: 5, form: 'cron', overlap: skip },
  { kind: 'sweep', every: 7, form: 'interval', jitter: 7, overlap: bufferAll },
  {
    kind: 'held',
    every: 3,
    form: 'interval',
    overlap: skip,
    paused: true,
    note: 'held until the audit is over (ops, ticket 4711)',
  },
  { kind: 'report', every: 10, form: 'calendar', jitter: 1, overlap: bufferOne, workflow: 'brief' },
  { kind: 'invoice', every: 6, form: 'interval', overlap: skip, catchup: 60, note: 'do not touch on Fridays' },
  { kind: 'trial', every: 4, form: 'interval', overlap: allowAll, limit: 15 },
  { kind: 'export', every: 10, form: 'cron', jitter: 1, overlap: cancelOther, workflow: 'brief' },
  { kind: 'season', every: 5, form: 'interval', overlap: skip, ends: 45 },
  { kind: 'launch', every: 5, form: 'interval', jitter: 1, overlap: allowAll, starts: 30 },
  { kind: 'office', every: 6, form: 'calendar', overlap: skip, except: [30, 41] },
  { kind: 'reindex', every: 8, form: 'interval', jitter: 1, overlap: terminateOther, pauseOnFailure: true },
  { kind: `o'neill "vip"`, every: 9, form: 'interval', overlap: bufferOne, catchup: 3_600 },
  { kind: 'over', every: 5, form: 'interval', overlap: skip, ends: -3_600 },
  { kind: 'digest', every: 10, form: 'interval', jitter: 10, overlap: allowAll, workflow: 'brief' },
  { kind: 'frozen', every: 10, form: 'cron', overlap: bufferAll, paused: true, note: '' },
  { kind: 'rest', every: 8, form: 'interval', overlap: allowAll, catchup: 600 },
  { kind: 'drip', every: 3, form: 'interval', jitter: 1, overlap: allowAll },
  { kind: 'ledger', every: 10, form: 'calendar', overlap: bufferAll },
];

export function planTenant({
  tenant,
  count,
  seed = 1,
  like = tenant,
  now = Math.floor(Date.now() / 1000),
}: TenantLoad): PlannedSchedule[] {
  const random = randomFrom(`${like}/${seed}`);
  return Array.from({ length: count }, (_, index) => {
    const recipe = recipes[index % recipes.length];
    if (!recipe) throw new Error('there are no recipes');
    const id = `${tenant}-${String(index + 1).padStart(3, '0')}-${recipe.kind}`;
    return planned({ id, tenant, taskQueue: `${like}-work` }, recipe, random, now);
  });
}

/** Creates them a few at a time: a dev server takes tens of writes a second, not hundreds. */
export async function createSchedules(
  connection: Connection,
  namespace: string,
  schedules: PlannedSchedule[],
): Promise<void> {
  const waiting = [...schedules];
  const createNext = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await connection.workflowService.createSchedule({ ...next.request, namespace, requestId: randomUUID() });
    }
  };
  await Promise.all(Array.from({ length: 8 }, createNext));
}

interface Named {
  id: string;
  tenant: string;
  taskQueue: string;
}

function planned(named: Named, recipe: Recipe, random: Random, now: number): PlannedSchedule {
  const { id, tenant } = named;
  const { every, form, jitter = 0, starts, ends, except, limit, paused = false } = recipe;
  const intent: Intent = {
    every,
    // Crons and calendars count from the full minute.
    phase: form === 'interval' ? random.below(every) : 0,
    from: starts === undefined ? undefined : now + starts,
    until: ends === undefined ? undefined : now + ends,
    except,
    jitter,
    paused,
    limit,
    maySkip: recipe.overlap === skip || recipe.overlap === bufferOne,
    replaces: recipe.overlap === cancelOther || recipe.overlap === terminateOther,
  };
  const schedule: Schedule = {
    spec: spec(intent, form),
    action: { startWorkflow: action(named, recipe.workflow ?? 'quick', random) },
    policies: {
      overlapPolicy: recipe.overlap,
      catchupWindow: recipe.catchup === undefined ? undefined : duration(recipe.catchup),
      pauseOnFailure: recipe.pauseOnFailure,
    },
    state: {
      paused,
      notes: recipe.note,
      limitedActions: limit !== undefined,
      remainingActions: limit === undefined ? undefined : Long.fromNumber(limit),
    },
  };
  const memo = { fields: { owner: plain(`${tenant}@example.com`), contract: encrypted(random) } };
  const searchAttributes = { indexedFields: { TenantId: keyword(tenant) } };
  return { id, intent, request: { scheduleId: id, schedule, memo, searchAttributes, identity: `${tenant}'s service` } };
}

function spec({ every, phase, from, until, except, jitter }: Intent, form: Recipe['form']): Spec {
  const always = [{ start: 0, end: 59, step: 1 }];
  const hours = [{ start: 0, end: 23, step: 1 }];
  const [first = 0, last = 0] = except ?? [];
  const times: Spec =
    form === 'interval'
      ? { interval: [{ interval: duration(every), phase: duration(phase) }] }
      : form === 'cron'
        ? { cronString: [`*/${every} * * * * * *`], timezoneName: 'Europe/Lisbon' }
        : {
            structuredCalendar: [
              {
                second: [{ start: 0, end: 59, step: every }],
                minute: always,
                hour: hours,
                dayOfMonth: [{ start: 1, end: 31, step: 1 }],
                month: [{ start: 1, end: 12, step: 1 }],
                dayOfWeek: [{ start: 0, end: 6, step: 1 }],
                comment: 'on the round seconds',
              },
            ],
          };
  return {
    ...times,
    excludeStructuredCalendar: except && [
      {
        second: [{ start: first, end: last, step: 1 }],
        minute: always,
        hour: hours,
        dayOfMonth: [{ start: 1, end: 31, step: 1 }],
        month: [{ start: 1, end: 12, step: 1 }],
        dayOfWeek: [{ start: 0, end: 6, step: 1 }],
      },
    ],
    startTime: from === undefined ? undefined : timestamp(from),
    endTime: until === undefined ? undefined : timestamp(until),
    jitter: jitter === 0 ? undefined : duration(jitter),
  };
}

function action({ id, tenant, taskQueue }: Named, workflow: string, random: Random) {
  return {
    workflowId: `${id}-run`,
    workflowType: { name: workflow },
    taskQueue: { name: taskQueue },
    input: { payloads: [encrypted(random), encrypted(random)] },
    header: { fields: { 'tenant-token': encrypted(random) } },
    memo: { fields: { source: encrypted(random) } },
    searchAttributes: { indexedFields: { TenantId: keyword(tenant) } },
    userMetadata: { summary: plain(`a run of ${id}`) },
    workflowRunTimeout: duration(60),
    retryPolicy: { initialInterval: duration(1), backoffCoefficient: 2, maximumAttempts: 3 },
  };
}
