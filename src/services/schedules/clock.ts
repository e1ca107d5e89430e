import { REAL_SERVICE_TIME } from '../time.ts';
import type { Clock } from './look.ts';

export const REAL_CLOCK: Clock = {
  now: () => REAL_SERVICE_TIME.now(),
  sleep: (ms, signal) => REAL_SERVICE_TIME.sleep(ms, signal),
  async within(ms, promise) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), ms);
    });
    try {
      return await Promise.race([promise, late]);
    } finally {
      clearTimeout(timer);
    }
  },
};
