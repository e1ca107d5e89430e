/** Any error as an exit code and a message without a stack. */
import { ApplicationFailure } from '@temporalio/common';
import { status } from '@grpc/grpc-js';
import { UnknownProfile } from '../clusters/profiles.ts';
import type { FailureType } from '../errors.ts';
import { grpcCode } from './control.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';

const UNREACHABLE = new Map<status, string>([
  [status.UNAVAILABLE, 'it does not answer: check the address and TLS settings of the profile, and the network'],
  [status.DEADLINE_EXCEEDED, 'it does not answer: check the address and TLS settings of the profile, and the network'],
  [status.UNAUTHENTICATED, "it refuses the profile's credentials: renew its api_key or certificates"],
  [status.PERMISSION_DENIED, "it refuses the profile's credentials: give them access to the namespace"],
  [status.NOT_FOUND, 'it has no such namespace: create it, or correct the namespace of the profile'],
]);

export interface Explained {
  code: ExitCode;
  message: string;
}

export function explain(error: unknown, controlProfile: string): Explained {
  if (error instanceof CliError) return { code: error.code, message: error.message };
  if (error instanceof UnknownProfile) return { code: EXIT.unreachable, message: error.message };
  const invalid: FailureType = 'InvalidInput';
  if (error instanceof ApplicationFailure && error.type === invalid) {
    return { code: EXIT.usage, message: error.message };
  }
  const why = whyUnreachable(error);
  if (why !== undefined) {
    return {
      code: EXIT.unreachable,
      message: `The control cluster (profile "${controlProfile}") cannot be had: ${why}.`,
    };
  }
  return { code: EXIT.unwished, message: innermost(error) };
}

/** What stands between us and a cluster, and what to do about it; undefined for an error of another kind. */
export function whyUnreachable(error: unknown): string | undefined {
  const code = grpcCode(error);
  // The worker's own connection has another kind of error, without a code.
  const noTransport = error instanceof Error && error.name === 'TransportError';
  if (code === undefined) return noTransport ? UNREACHABLE.get(status.UNAVAILABLE) : undefined;
  return UNREACHABLE.get(code);
}

/** Wrappers say "request failed"; the reason is inside. */
function innermost(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
