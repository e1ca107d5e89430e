/** Calls whose answer is lost: the server has done the work, the client hears of a failure. */
import { InterceptingCall, type Interceptor, type InterceptorOptions, status } from '@grpc/grpc-js';

export interface LostAnswers {
  interceptor: Interceptor;
  /** Method → how many of its answers were lost. */
  lost: Map<string, number>;
}

/**
 * Loses the first answer of every `each`-th call of the methods. `UNAVAILABLE` is retried by the client below us,
 * `DEADLINE_EXCEEDED` reaches the product: both happen in turn. The client hears of it `afterMs` later.
 */
export function losingAnswers(methods: string[], each: number, afterMs = 0): LostAnswers {
  const lost = new Map<string, number>();
  const seen = new Map<string, number>();
  const interceptor: Interceptor = (options: InterceptorOptions, nextCall) => {
    const method = options.method_definition.path.split('/').at(-1) ?? '';
    const call = nextCall(options);
    if (!methods.includes(method)) return new InterceptingCall(call);
    const count = (seen.get(method) ?? 0) + 1;
    seen.set(method, count);
    if (count % each !== 0) return new InterceptingCall(call);
    return new InterceptingCall(call, {
      start: (metadata, _listener, next) => {
        next(metadata, {
          onReceiveMessage: (message, pass) => pass(message),
          onReceiveStatus: (answer, pass) => {
            if (answer.code !== status.OK) return pass(answer);
            const total = (lost.get(method) ?? 0) + 1;
            lost.set(method, total);
            const code = total % 2 === 1 ? status.DEADLINE_EXCEEDED : status.UNAVAILABLE;
            setTimeout(() => pass({ ...answer, code, details: 'answer lost by the test' }), afterMs);
          },
        });
      },
    });
  };
  return { interceptor, lost };
}
