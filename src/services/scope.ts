/**
 * The deadline, metadata and abort signal a caller has set with `withDeadline` and the like: they hold on every cluster a
 * call goes to, and for the waiting in between.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import type { CallContext } from '@temporalio/client';
import type { ServiceTime } from './ports.ts';

export class CallScope {
  readonly #storage = new AsyncLocalStorage<CallContext>();
  readonly #time: ServiceTime;

  constructor(time: ServiceTime) {
    this.#time = time;
  }

  get current(): CallContext | undefined {
    return this.#storage.getStore();
  }

  /** Unix milliseconds; Infinity: the caller set none. */
  get deadline(): number {
    const deadline = this.current?.deadline;
    return deadline === undefined ? Infinity : Number(deadline);
  }

  async with<T>(context: CallContext, run: () => Promise<T>): Promise<T> {
    const outer = this.current;
    const metadata = context.metadata && { ...outer?.metadata, ...context.metadata };
    return this.#storage.run({ ...outer, ...context, ...(metadata && { metadata }) }, run);
  }

  /** Calls made by `run` end at `at`, or at the caller's own deadline if that is earlier. */
  async by<T>(at: number, run: () => Promise<T>): Promise<T> {
    return at < this.deadline ? this.with({ deadline: at }, run) : run();
  }

  /** Whatever the caller has set as its limits: what must come to its end when the call itself need not fail. */
  async apart<T>(run: () => Promise<T>): Promise<T> {
    const { metadata } = this.current ?? {};
    return this.#storage.run(metadata ? { metadata } : {}, run);
  }

  /** The caller has given up: what failed now failed for that. */
  get isOver(): boolean {
    return this.current?.abortSignal?.aborted === true || this.#time.now() >= this.deadline;
  }

  /** Ends as a call would: with the caller's deadline or abort signal. */
  async wait<T>(what: string, wait: (signal?: AbortSignal) => Promise<T>): Promise<T> {
    const { deadline } = this;
    const abort = this.current?.abortSignal;
    if (deadline === Infinity && abort === undefined) return wait();
    if (abort?.aborted) throw callError(status.CANCELLED, `Cancelled on client while waiting for ${what}`);
    const over = new AbortController();
    const ended = new Promise<never>((_, reject) => {
      const cancelled = callError(status.CANCELLED, `Cancelled on client while waiting for ${what}`);
      abort?.addEventListener('abort', () => reject(cancelled), { once: true, signal: over.signal });
      if (deadline === Infinity) return;
      const exceeded = callError(status.DEADLINE_EXCEEDED, `Deadline exceeded while waiting for ${what}`);
      this.#time.sleep(deadline - this.#time.now(), over.signal).then(
        () => reject(exceeded),
        // Called off below: the wait was over first.
        () => undefined,
      );
    });
    try {
      return await Promise.race([wait(over.signal), ended]);
    } finally {
      over.abort();
    }
  }
}

/** An error in the shape of gRPC's own, so that the SDK's client treats it as one. */
export function callError(code: status, details: string): ServiceError {
  const error = new Error(`${code} ${status[code]}: ${details}`);
  return Object.assign(error, { code, details, metadata: new Metadata() });
}
