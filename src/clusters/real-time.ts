import { setTimeout as delay } from 'node:timers/promises';
import type { Time } from '../schedules/ports.ts';

export const REAL_TIME: Time = {
  now: () => Date.now(),
  sleep: async (ms) => {
    await delay(ms);
  },
};
