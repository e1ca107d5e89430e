/** Ctrl-C and SIGTERM as something to wait for, so that what was started is stopped in order. */

export interface Interrupt {
  /** Aborts at the first signal. */
  signal: AbortSignal;
  /** Resolves at the first signal. */
  asked: Promise<void>;
}

/** The second signal ends the program at once: servers notice by themselves that it is gone. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const asked = new Promise<void>((resolve) => {
    const handle = () => {
      if (controller.signal.aborted) process.exit(130);
      controller.abort(new Error('interrupted'));
      resolve();
    };
    process.on('SIGINT', handle);
    process.on('SIGTERM', handle);
  });
  return { signal: controller.signal, asked };
}
