/** What went wrong, for people: the innermost message, once, and no stack. */
import { ActivityFailure, ApplicationFailure, TemporalFailure, TimeoutFailure } from '@temporalio/common';
import { type FailureType, refusal } from '../errors.ts';
import type { Phase } from './progress.ts';

const REFUSALS: readonly FailureType[] = [
  'InvalidInput',
  'TenantLocked',
  'PreflightFailed',
  'VerifyFailed',
  'StepFailed',
];

/** A failure of which the message is all there is to know. */
export function plainFailure(type: string, message: string, cause?: Error): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true, cause });
  failure.stack = `${type}: ${message}`;
  return failure;
}

/** `copyPage: connection refused`: which activity, and the innermost reason. */
export function reasonOf(error: Error): string {
  let inner = error;
  while (inner instanceof TemporalFailure && inner.cause) inner = inner.cause;
  const message = inner instanceof TimeoutFailure ? `timed out (${inner.timeoutType})` : inner.message;
  return error instanceof ActivityFailure ? `${error.activityType}: ${message}` : message;
}

/** A refusal keeps its type and words on its way out of an activity; anything else is a failed step. */
export function failureOf(error: TemporalFailure, tenant: string, phase: Phase): ApplicationFailure {
  const message =
    `${tenant}: failed while ${phase}: ${reasonOf(error)}. It handed nothing over and the lock is free: ` +
    'remove the cause and start the migration again.';
  return refusedBy(error) ?? plainFailure('StepFailed', message, error);
}

/** The same of an audit, which changes nothing. */
export function auditFailureOf(error: TemporalFailure, tenant: string): ApplicationFailure {
  const message = `${tenant}: the audit stopped: ${reasonOf(error)}. Remove the cause and start it again.`;
  return refusedBy(error) ?? plainFailure('StepFailed', message, error);
}

/** `what`: `copying`, … */
export function stepFailureOf(error: TemporalFailure, tenant: string, what: string): ApplicationFailure {
  const message = `${tenant}: ${what} stopped: ${reasonOf(error)}. Remove the cause and start it again: what is done is found done.`;
  return refusedBy(error) ?? plainFailure('StepFailed', message, error);
}

export function rolloutFailureOf(error: TemporalFailure): ApplicationFailure {
  const message = `The tenants could not be looked at: ${reasonOf(error)}. Nothing was started: remove the cause and start it again.`;
  return refusedBy(error) ?? plainFailure('StepFailed', message, error);
}

/** The refusal in it, if it is one. */
export function refusedBy(error: TemporalFailure): ApplicationFailure | undefined {
  const refused = error instanceof ActivityFailure ? error.cause : error;
  if (!(refused instanceof ApplicationFailure)) return undefined;
  const type = REFUSALS.find((known) => known === refused.type);
  return type && refusal(type, refused.message, ...(refused.details ?? []));
}
