/**
 * One Temporal cluster over its raw public API. Never through the SDK's schedule helpers or a data converter: their round
 * trip loses headers and time zone data and re-encodes payloads.
 */
import { randomUUID } from 'node:crypto';
import type { temporal } from '@temporalio/proto';
import {
  Connection,
  type ConnectionOptions,
  type WorkflowService,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { Calls, type CallLimits, codeOf, isNotFound } from './calls.ts';
import { describedFrom } from './described.ts';
import { type ClockOffset, clockOffset } from './clock.ts';
import { keyword } from './keyword.ts';
import { exceptNonIdempotent } from './retries.ts';
import type { Profile } from './profiles.ts';
import { startRequest } from './start-request.ts';
import type { ScheduleContent } from '../schedules/canonical.ts';
import type { BackfillRange, Described, OverlapPolicy, Run, ScheduleCluster } from '../schedules/ports.ts';
import { type Schedule, toMs, toNumber } from '../schedules/times.ts';
import { startedSince } from '../ledger/queries.ts';
import { timestamp } from './proto-times.ts';
import { UntilClosed } from './until-closed.ts';

export const IDENTITY = 'temporal-ferry';
/** Throw-away paused schedules that only answer what a spec's nominal times are. */
const SCRATCH_PREFIX = 'ferry-times-';

/**
 * Ours are told by their action, a workflow type that is their own id: a user's schedule may be called anything. A list
 * that does not tell the type of one that is named like ours has not caught up with its creation.
 */
export function isScratch({ scheduleId, info }: temporal.api.schedule.v1.IScheduleListEntry): boolean {
  if (!scheduleId?.startsWith(SCRATCH_PREFIX)) return false;
  const type = info?.workflowType?.name;
  return !type || type === scheduleId;
}

/** As many as the server lists in one answer. */
const MAX_MATCHING_TIMES = 1000;
/** How long a measured clock is believed. */
const CLOCK_MS = 300_000;
/** Assumed of a cluster whose clock could not be measured. */
const UNKNOWN_OFFSET_MS = 2_000;

/** A write whose outcome the transport did not tell: the schedule itself is asked next. */
const UNKNOWN_OUTCOME = new Set([status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.CANCELLED, status.UNKNOWN]);

export class Cluster implements ScheduleCluster {
  readonly profile: string;
  readonly namespace: string;
  readonly calls: Calls;
  readonly connection: Connection;
  readonly #untilClosed: UntilClosed;
  #clock?: { at: number; offset: Promise<ClockOffset | undefined> };

  constructor(profile: Profile, connection: Connection, calls: Calls, untilClosed: UntilClosed) {
    this.profile = profile.name;
    this.namespace = profile.namespace;
    this.connection = connection;
    this.calls = calls;
    this.#untilClosed = untilClosed;
  }

  /** Lazy: nothing is sent before the first call. `interceptors` go in front of the retries, for tests that lose calls. */
  static open(profile: Profile, limits?: CallLimits, interceptors: ConnectionOptions['interceptors'] = []): Cluster {
    const retry = defaultGrpcRetryOptions();
    const untilClosed = new UntilClosed();
    const connection = Connection.lazy({
      ...profile.connect.connectionOptions,
      // grpc-js reads the prefixed name only; without it a page of schedules with large payloads is refused at 4 MB.
      channelArgs: { 'grpc.max_receive_message_length': 128 * 1024 * 1024 },
      interceptors: [
        // Throttling is answered by `Calls`, which slows down; retried below it, it would go unseen.
        exceptNonIdempotent(
          makeGrpcRetryInterceptor({
            ...retry,
            retryableDecider: (attempt, s) =>
              s.code !== status.RESOURCE_EXHAUSTED && retry.retryableDecider(attempt, s),
          }),
        ),
        untilClosed.interceptor,
        ...interceptors,
      ],
    } as ConnectionOptions);
    return new Cluster(profile, connection, new Calls(limits), untilClosed);
  }

  /** One call with a deadline, under the cluster's cap. */
  async call<T>(rpc: (service: WorkflowService) => Promise<T>): Promise<T> {
    return this.calls.run(() =>
      this.connection.withDeadline(Date.now() + this.calls.deadlineMs, () => rpc(this.connection.workflowService)),
    );
  }

  async describe(id: string): Promise<Described | undefined> {
    try {
      const { namespace } = this;
      return describedFrom(await this.call((s) => s.describeSchedule({ namespace, scheduleId: id })));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async create(id: string, content: ScheduleContent): Promise<'created' | 'exists'> {
    try {
      await this.call((s) =>
        s.createSchedule({
          namespace: this.namespace,
          scheduleId: id,
          schedule: content.schedule,
          memo: content.memo,
          searchAttributes: content.searchAttributes,
          identity: IDENTITY,
          requestId: randomUUID(),
        }),
      );
      return 'created';
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return 'exists';
      throw error;
    }
  }

  async update(
    id: string,
    schedule: Schedule,
    token: Uint8Array,
    searchAttributes?: ScheduleContent['searchAttributes'],
  ): Promise<'accepted' | 'conflict' | 'gone'> {
    try {
      await this.call((s) =>
        s.updateSchedule({
          namespace: this.namespace,
          scheduleId: id,
          schedule,
          conflictToken: token,
          searchAttributes,
          identity: IDENTITY,
          requestId: randomUUID(),
        }),
      );
      return 'accepted';
    } catch (error) {
      const code = codeOf(error);
      if (code === status.FAILED_PRECONDITION) return 'conflict';
      if (code === status.NOT_FOUND) return 'gone';
      if (code !== undefined && UNKNOWN_OUTCOME.has(code)) return 'accepted';
      throw error;
    }
  }

  async delete(id: string): Promise<void> {
    try {
      await this.call((s) => s.deleteSchedule({ namespace: this.namespace, scheduleId: id, identity: IDENTITY }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async matchingTimes(id: string, fromMs: number, toMillis: number): Promise<number[]> {
    const all: number[] = [];
    let from = fromMs;
    // The server answers with at most 1,000; the next nominal time is always after the last due one.
    for (let full = true; full && from < toMillis;) {
      const page = await this.#matchingPage(id, from, toMillis);
      all.push(...page);
      full = page.length >= MAX_MATCHING_TIMES;
      from = page.at(-1) ?? toMillis;
    }
    return all;
  }

  async #matchingPage(id: string, fromMs: number, toMillis: number): Promise<number[]> {
    const { startTime } = await this.call((s) =>
      s.listScheduleMatchingTimes({
        namespace: this.namespace,
        scheduleId: id,
        startTime: timestamp(fromMs),
        endTime: timestamp(toMillis),
      }),
    );
    return (startTime ?? []).map((t) => toMs(t) ?? 0);
  }

  async describeRun(workflowId: string): Promise<Run | undefined> {
    try {
      const { workflowExecutionInfo: info } = await this.call((s) =>
        s.describeWorkflowExecution({ namespace: this.namespace, execution: { workflowId } }),
      );
      const closeMs = toMs(info?.closeTime);
      const scheduleId = keyword(info?.searchAttributes?.indexedFields?.TemporalScheduledById);
      return { workflowId, open: closeMs === undefined, startMs: toMs(info?.startTime), closeMs, scheduleId };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async countRuns(id: string, sinceMs: number): Promise<number> {
    const query = startedSince(id, sinceMs);
    if (query === undefined) return 0;
    const { count } = await this.call((s) => s.countWorkflowExecutions({ namespace: this.namespace, query }));
    return toNumber(count);
  }

  async startExactly(
    scheduleId: string,
    schedule: Schedule,
    nominalMs: number,
    delayMs: number,
  ): Promise<'started' | 'exists'> {
    const request = startRequest(this.namespace, scheduleId, schedule, nominalMs, delayMs);
    try {
      await this.call((s) => s.startWorkflowExecution(request));
      return 'started';
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return 'exists';
      throw error;
    }
  }

  async backfill(
    id: string,
    ranges: BackfillRange[],
    policy: OverlapPolicy,
    requestId: string,
  ): Promise<'accepted' | 'unknown' | 'gone'> {
    const backfillRequest = ranges.map(({ fromMs, toMs: untilMs }) => ({
      startTime: timestamp(fromMs),
      endTime: timestamp(untilMs),
      overlapPolicy: policy,
    }));
    const { namespace } = this;
    const patch = { backfillRequest };
    try {
      await this.call((s) => s.patchSchedule({ namespace, scheduleId: id, patch, identity: IDENTITY, requestId }));
      return 'accepted';
    } catch (error) {
      const code = codeOf(error);
      if (code === status.NOT_FOUND) return 'gone';
      if (code !== undefined && UNKNOWN_OUTCOME.has(code)) return 'unknown';
      throw error;
    }
  }

  async endRun(workflowId: string, how: 'cancel' | 'terminate'): Promise<void> {
    const { namespace } = this;
    const common = { namespace, workflowExecution: { workflowId }, identity: IDENTITY };
    const reason = `${how === 'cancel' ? 'cancelled' : 'terminated'} by the overlap policy of its schedule`;
    try {
      await this.call((s) =>
        how === 'cancel'
          ? s.requestCancelWorkflowExecution({ ...common, reason, requestId: `ferry-${workflowId}` })
          : s.terminateWorkflowExecution({ ...common, reason }),
      );
    } catch (error) {
      // Closed meanwhile: that is what was asked for.
      if (!isNotFound(error)) throw error;
    }
  }

  async nominalTimes(schedule: Schedule, fromMs: number, toMillis: number): Promise<number[]> {
    const id = `${SCRATCH_PREFIX}${randomUUID()}`;
    const spec = { ...schedule.spec, jitter: null, startTime: null, endTime: null };
    const action = { startWorkflow: { workflowId: id, workflowType: { name: id }, taskQueue: { name: id } } };
    const notes = 'temporal-ferry: answers one question about a spec; may be deleted at any time';
    await this.create(id, { schedule: { spec, action, state: { paused: true, notes } } });
    try {
      return await this.matchingTimes(id, fromMs, toMillis);
    } finally {
      await this.delete(id);
    }
  }

  async behindMs(): Promise<number> {
    const measured = await this.#offset();
    return measured ? Math.max(0, measured.errorMs - measured.offsetMs) : UNKNOWN_OFFSET_MS;
  }

  async aheadMs(): Promise<number> {
    const measured = await this.#offset();
    return measured ? Math.max(0, measured.errorMs + measured.offsetMs) : UNKNOWN_OFFSET_MS;
  }

  async #offset(): Promise<ClockOffset | undefined> {
    if (!this.#clock || Date.now() - this.#clock.at > CLOCK_MS) {
      this.#clock = { at: Date.now(), offset: clockOffset(this) };
    }
    try {
      return await this.#clock.offset;
    } catch (error) {
      this.#clock = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#untilClosed.close();
    await this.connection.close();
  }
}
