import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';

/** A V2 scheduler runs a trigger or backfill once more for every retry of its request. */
const NON_IDEMPOTENT = '/PatchSchedule';

export function exceptNonIdempotent(retry: Interceptor): Interceptor {
  return (options, nextCall) =>
    options.method_definition.path.endsWith(NON_IDEMPOTENT)
      ? new InterceptingCall(nextCall(options))
      : retry(options, nextCall);
}
