/** A server process that is ended and started again with the same command, and is the same server to everybody else. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerProcess } from './process.ts';

export type HowToEnd = 'SIGTERM' | 'SIGKILL';

export interface Restartable extends Omit<ServerProcess, 'terminate'> {
  /** Returns once the new process has been started; whether it serves is for the caller to find out. */
  restart: (how: HowToEnd, downMs: number) => Promise<void>;
}

/** What has not ended by itself this long after a SIGTERM is killed, as an init system would. */
const GRACE_MS = 10_000;

export async function restartable(start: () => Promise<ServerProcess>): Promise<Restartable> {
  let current = await start();
  let fail: (reason: unknown) => void;
  const died = new Promise<never>((_, reject) => {
    fail = reject;
  });
  died.catch(() => undefined);
  const watch = (process: ServerProcess): void => {
    process.died.catch((reason: unknown) => fail(reason));
  };
  watch(current);
  return {
    logFile: current.logFile,
    pid: current.pid,
    died,
    stop: () => current.stop(),
    restart: async (how, downMs) => {
      await (how === 'SIGKILL' ? current.stop() : current.terminate(GRACE_MS));
      await delay(downMs);
      current = await start();
      watch(current);
    },
  };
}
