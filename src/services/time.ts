import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceTime } from './ports.ts';

/** Longer timers end at once in Node. */
const LONGEST_MS = 2 ** 31 - 1;

export const REAL_SERVICE_TIME: ServiceTime = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(Math.min(Math.max(ms, 0), LONGEST_MS), undefined, signal ? { signal } : undefined);
  },
};
