/**
 * Failure types a user meets. Each message says what was found, what is accepted and what to do next; `type` is what
 * programs match on. All are non-retryable: a retry cannot change the answer.
 */
import { ApplicationFailure } from '@temporalio/common';

export type FailureType =
  /** The workflow's JSON input is not acceptable. */
  | 'InvalidInput'
  /** Another migration of the tenant is running. */
  | 'TenantLocked'
  /** Preflight found reasons against the migration. */
  | 'PreflightFailed'
  /** The copies differ from their source and could not be brought in line. */
  | 'VerifyFailed'
  /** A step failed before anything was handed over. */
  | 'StepFailed';

export function refusal(type: FailureType, message: string, ...details: unknown[]): ApplicationFailure {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true, details });
  // A person reads this in the Web UI: the stack of a refusal is noise.
  failure.stack = `${type}: ${message}`;
  return failure;
}
