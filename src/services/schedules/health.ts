/**
 * A cluster that cannot be had is not waited for by every call: the other side often tells enough. One slow answer says
 * nothing about a cluster, a V1 schedule answers one question at a time; several in a row, with none in between, do.
 */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../../clusters/calls.ts';
import type { Clock } from './look.ts';
import { ScheduleCallError } from './errors.ts';

const LEFT_ALONE_MS = 5_000;
const SLOW_IN_A_ROW = 3;

interface Trouble {
  slow: number;
  untilMs: number;
  error: unknown;
}

export class Health {
  readonly #clock: Clock;
  readonly #trouble = new Map<string, Trouble>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  answered(profile: string): void {
    this.#trouble.delete(profile);
  }

  failed(profile: string, error: unknown): void {
    const refused = codeOf(error) === status.UNAVAILABLE && !(error instanceof ScheduleCallError);
    const slow = (this.#trouble.get(profile)?.slow ?? 0) + 1;
    const down = refused || slow >= SLOW_IN_A_ROW;
    this.#trouble.set(profile, { slow, untilMs: down ? this.#clock.now() + LEFT_ALONE_MS : 0, error });
  }

  /** What it failed with a moment ago; undefined where it may be asked. */
  why(profile: string): unknown {
    const trouble = this.#trouble.get(profile);
    return trouble && trouble.untilMs > this.#clock.now() ? trouble.error : undefined;
  }
}
