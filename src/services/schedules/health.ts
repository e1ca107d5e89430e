/** A cluster that just failed to answer is not waited for by every call: the other side often tells enough. */
import type { Clock } from './look.ts';

const LEFT_ALONE_MS = 5_000;

export class Health {
  readonly #clock: Clock;
  readonly #down = new Map<string, { untilMs: number; error: unknown }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failed(profile: string, error: unknown): void {
    this.#down.set(profile, { untilMs: this.#clock.now() + LEFT_ALONE_MS, error });
  }

  /** What it failed with a moment ago; undefined where it may be asked. */
  why(profile: string): unknown {
    const down = this.#down.get(profile);
    return down && down.untilMs > this.#clock.now() ? down.error : undefined;
  }
}
