/** Waiting on conditions, never on time alone. */
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Completes the sentence "waited 10 s for …". */
  what: string;
  /** @default 30_000 */
  timeoutMs?: number;
  /** @default 100 */
  everyMs?: number;
}

/**
 * Calls `probe` until it returns something other than `undefined` or `false`. An error of the probe counts as "not
 * yet"; the last one is the cause of the timeout's error.
 */
export async function waitFor<T>(options: WaitOptions, probe: () => Promise<T | undefined | false>): Promise<T> {
  const { what, timeoutMs = 30_000, everyMs = 100 } = options;
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= deadline) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`, { cause });
    await delay(everyMs);
  }
}
