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

/**
 * For programs that have nothing to hand back: the first signal ends them at once. Servers notice by themselves, and
 * temporary directories go with the program, which they would not where the signal itself ended it.
 */
export function endOnInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
}
