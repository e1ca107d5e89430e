/** One side's raw schedule API, as the code that makes copies needs it. */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { temporal } from '@temporalio/proto';
import { codeOf, isNotFound } from '../../clusters/calls.ts';
import { describedFrom } from '../../clusters/described.ts';
import type { ScheduleContent } from '../../schedules/canonical.ts';
import type { Described, ScheduleStore } from '../../schedules/ports.ts';
import type { Schedule } from '../../schedules/times.ts';
import type { Side } from '../ports.ts';

type DescribeAnswer = temporal.api.workflowservice.v1.IDescribeScheduleResponse;

export interface Seen extends Described {
  /** The server's answer as it came. */
  answer: DescribeAnswer;
}

/** A call whose outcome the transport did not tell. */
const UNKNOWN_OUTCOME = new Set([status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.CANCELLED, status.UNKNOWN]);

export function isUnknownOutcome(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && UNKNOWN_OUTCOME.has(code);
}

/** Calls made by `run` end after `ms` at the latest: those that nobody waits for any more do not go on for ever. */
export type Limit = <T>(ms: number, run: () => Promise<T>) => Promise<T>;

export const NO_LIMIT: Limit = (_ms, run) => run();

/** Neither the caller's deadline nor their abort signal ends calls made by `run`; closing waits for it. */
export type Apart = <T>(run: () => Promise<T>) => Promise<T>;

export const NOT_APART: Apart = (run) => run();

/** Longer is not waited for either side. */
export const ANSWERS_WITHIN_MS = 15_000;

export const IDENTITY = 'temporal-ferry';

export class SideStore implements ScheduleStore {
  readonly profile: string;
  readonly side: Side;
  readonly #limit: Limit;

  constructor(side: Side, limit: Limit = NO_LIMIT) {
    this.side = side;
    this.#limit = limit;
    this.profile = side.profile;
  }

  async describe(id: string): Promise<Seen | undefined> {
    const { service, namespace } = this.side;
    try {
      const asked = { namespace, scheduleId: id };
      const answer = await this.#limit(ANSWERS_WITHIN_MS, () => service.describeSchedule(asked));
      return { ...describedFrom(answer), answer };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async create(id: string, content: ScheduleContent): Promise<'created' | 'exists'> {
    const { service, namespace } = this.side;
    try {
      const { schedule, memo, searchAttributes } = content;
      const common = { namespace, scheduleId: id, identity: IDENTITY, requestId: randomUUID() };
      await service.createSchedule({ ...common, schedule, memo, searchAttributes });
      return 'created';
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return 'exists';
      throw error;
    }
  }

  async update(
    id: string,
    schedule: Schedule,
    conflictToken: Uint8Array,
    searchAttributes?: ScheduleContent['searchAttributes'],
  ): Promise<'accepted' | 'conflict' | 'gone'> {
    const { service, namespace } = this.side;
    const common = { namespace, scheduleId: id, identity: IDENTITY, requestId: randomUUID() };
    try {
      await service.updateSchedule({ ...common, schedule, conflictToken, searchAttributes });
      return 'accepted';
    } catch (error) {
      const code = codeOf(error);
      if (code === status.FAILED_PRECONDITION) return 'conflict';
      if (code === status.NOT_FOUND) return 'gone';
      if (isUnknownOutcome(error)) return 'accepted';
      throw error;
    }
  }

  async delete(id: string): Promise<void> {
    const { service, namespace } = this.side;
    try {
      await service.deleteSchedule({ namespace, scheduleId: id, identity: IDENTITY });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
