/**
 * The SDK's retries cannot be called off: one whose pause ends after the connection was closed throws out of a timer, which
 * ends the process. Between them and the connection, this answers for it from then on.
 */
import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js';

export class UntilClosed {
  #closed = false;

  close(): void {
    this.#closed = true;
  }

  readonly interceptor: Interceptor = (options, nextCall) =>
    new InterceptingCall(this.#closed ? cancelled() : nextCall(options));
}

/** CANCELLED is not retried. */
function cancelled(): ConstructorParameters<typeof InterceptingCall>[0] {
  const answer = { code: status.CANCELLED, details: 'the connection was closed', metadata: new Metadata() };
  return {
    start: (_metadata, listener) => void setImmediate(() => listener?.onReceiveStatus?.(answer)),
    sendMessageWithContext: () => undefined,
    sendMessage: () => undefined,
    startRead: () => undefined,
    halfClose: () => undefined,
    cancelWithStatus: () => undefined,
    getPeer: () => 'closed',
    getAuthContext: () => null,
  };
}
