import { REAL_TIME } from '../../clusters/real-time.ts';
import type { Clock } from './look.ts';

export const REAL_CLOCK: Clock = {
  ...REAL_TIME,
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
