/**
 * Every RPC to a cluster goes through here: a deadline, a cap on calls in flight that adapts to throttling (additive up,
 * multiplicative down), and a count.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import PQueue from 'p-queue';

export interface CallLimits {
  /** Most calls in flight to one cluster. */
  maxInFlight: number;
  deadlineMs: number;
}

export const DEFAULT_LIMITS: CallLimits = { maxInFlight: 32, deadlineMs: 15_000 };

export class Calls {
  readonly #queue: PQueue;
  readonly #limits: CallLimits;
  #count = 0;
  #throttled = 0;

  constructor(limits: CallLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
    this.#queue = new PQueue({ concurrency: limits.maxInFlight });
  }

  get deadlineMs(): number {
    return this.#limits.deadlineMs;
  }

  /** Calls made so far, and how many of them the cluster refused as too many. */
  get figures(): { calls: number; throttled: number } {
    return { calls: this.#count, throttled: this.#throttled };
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    return this.#queue.add(async () => {
      for (let attempt = 0; ; attempt++) {
        this.#count++;
        try {
          const answer = await call();
          this.#faster();
          return answer;
        } catch (error) {
          if (codeOf(error) !== status.RESOURCE_EXHAUSTED || attempt >= MAX_THROTTLED_ATTEMPTS) throw error;
          this.#throttled++;
          // One V1 schedule answers one Describe at a time; that says nothing about the cluster's load.
          if (!isOneScheduleBusy(error)) {
            this.#queue.concurrency = Math.max(1, Math.floor(this.#queue.concurrency / 2));
          }
          await delay(Math.min(100 * 2 ** attempt, 5000) * (0.5 + Math.random()));
        }
      }
    });
  }

  #faster(): void {
    if (this.#queue.concurrency < this.#limits.maxInFlight && this.#count % 20 === 0) this.#queue.concurrency++;
  }
}

function isOneScheduleBusy(error: unknown): boolean {
  return error instanceof Error && error.message.includes('query buffer is full');
}

const MAX_THROTTLED_ATTEMPTS = 8;

export function codeOf(error: unknown): status | undefined {
  return isGrpcServiceError(error) ? (error.code as status) : undefined;
}

export function isNotFound(error: unknown): boolean {
  return codeOf(error) === status.NOT_FOUND;
}
