/** The control: nobody moves anything. What is lost or late here is the scheduler's own doing. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Mover } from './movers.ts';

/** About as long as the longest of the moves. */
const LIKE_A_MOVE_MS = 60_000;

export async function noMover(): Promise<Mover> {
  return {
    name: 'none',
    stays: true,
    move: async () => {
      await delay(LIKE_A_MOVE_MS);
      return { processes: 0 };
    },
    close: async () => undefined,
  };
}
