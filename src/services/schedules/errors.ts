/**
 * What a schedule call fails with when it is not the server that refuses it. Shaped as gRPC's own errors, which is what
 * the SDK's schedule client looks at.
 */
import { Metadata, status } from '@grpc/grpc-js';
import { codeOf } from '../../clusters/calls.ts';

/** `code` is gRPC's. `message` says what was found, and whether anything was written. */
export class ScheduleCallError extends Error {
  override name = 'ScheduleCallError';
  readonly code: status;
  readonly details: string;
  readonly metadata = new Metadata();

  constructor(code: status, details: string, cause?: unknown) {
    super(`${code} ${status[code]}: ${details}`, { cause });
    this.code = code;
    this.details = details;
  }
}

export function stillMoving(tenant: string, id: string, waitedMs: number): ScheduleCallError {
  const found = `schedule ${id} of ${tenant} has been changing clusters for ${Math.round(waitedMs / 1000)} s`;
  return new ScheduleCallError(
    status.UNAVAILABLE,
    `${found}; nothing was written. Try again: see \`ferry status ${tenant}\` for what it waits for`,
  );
}

export function tokenMismatch(id: string): ScheduleCallError {
  return new ScheduleCallError(
    status.FAILED_PRECONDITION,
    `mismatched conflict token: schedule ${id} was changed since it was described; nothing was written. Describe it again`,
  );
}

export function changedTooOften(id: string, rounds: number): ScheduleCallError {
  return new ScheduleCallError(
    status.ABORTED,
    `schedule ${id} was changed by somebody else ${rounds} times while it was written; nothing was written. Try again`,
  );
}

export function silent(profile: string): ScheduleCallError {
  return new ScheduleCallError(status.UNAVAILABLE, `${profile} did not answer in time`);
}

/** The other side has something without which this call could do harm. */
export function needsOther(id: string, profile: string, why: string, cause: unknown): ScheduleCallError {
  const found = cause instanceof Error ? cause.message : String(cause);
  const text = `schedule ${id} needs ${profile}, which cannot be asked (${found}): ${why}; nothing was written`;
  return new ScheduleCallError(status.UNAVAILABLE, text, cause);
}

/** Keeps the code of what it failed with; anything that is no answer of a server is left as it is. */
export function notRead(id: string, error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined || !(error instanceof Error)) return error;
  return new ScheduleCallError(
    code,
    `schedule ${id} could not be read before it is written (${error.message}); nothing was written`,
    error,
  );
}

/** A bound of ours still holds back times that the other cluster has run, and the new start would take it off. */
export function startHeldBack(id: string, atMs: number): ScheduleCallError {
  return new ScheduleCallError(
    status.UNAVAILABLE,
    `schedule ${id} has just changed clusters, and its jitter reaches back: its start time can be changed from ` +
      `${new Date(atMs).toISOString()} on; nothing was written`,
  );
}

/** What makes a delete conditional did not get through. */
export function notDeleted(id: string, cause: Error): ScheduleCallError {
  const text = `schedule ${id} was not deleted, nothing was written: ${cause.message} Try again`;
  return new ScheduleCallError(status.UNAVAILABLE, text, cause);
}
