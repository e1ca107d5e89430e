/**
 * How people steer a migration: everything going forward runs in one cancellable scope, so a rollback stops it wherever
 * it is; a page runs in a scope of its own, so a pause stops only that page. Both let the schedules in flight finish, but for those
 * that wait for an open run: they go back whole.
 */
import {
  ActivityFailure,
  CancellationScope,
  TimeoutFailure,
  condition,
  isCancellation,
  patched,
} from '@temporalio/workflow';
import { type Gate, oddInput, readReason } from './commands.ts';
import type { Command } from './progress.ts';
import type { Run } from './run.ts';
import { patches } from './patches.ts';

export class Controls {
  readonly #run: Run;
  readonly #forward = new CancellationScope();
  #page: CancellationScope | undefined;
  #proceeds = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** A person or a gate asked for the way back. */
  get rollbackRequested(): boolean {
    return this.#run.progress.rollbackReason !== null;
  }

  /** Carries out a command that makes sense now. Its input is only read as far as it is understood. */
  obey(command: Command, argument: unknown): void {
    const run = this.#run;
    const odd = oddInput(command, argument);
    if (odd !== null) run.note(odd);
    switch (command) {
      case 'rollback':
        this.turnBack(readReason(argument).reason ?? 'requested without a reason');
        break;
      case 'proceed':
        this.#proceeds++;
        if (run.progress.paused) run.note('`proceed` is taken; it is paused, so it goes on with `resume`');
        break;
      case 'pause':
        run.update({ paused: true });
        this.#page?.cancel();
        break;
      case 'resume':
        run.update({ paused: false });
    }
  }

  /** Stops the way forward wherever it is. */
  turnBack(reason: string): void {
    this.#run.update({ rollbackReason: reason, paused: false });
    this.#run.close('the schedules in flight, before it turns back');
    this.#forward.cancel();
  }

  /** Runs the way forward; throws a cancellation when a rollback or a cancel request stops it. */
  forward<T>(steps: () => Promise<T>): Promise<T> {
    return this.#forward.run(steps);
  }

  /** Between steps and pages: holds while paused; throws when there is to be no further step. */
  async checkpoint(): Promise<void> {
    await condition(() => !this.#run.progress.paused);
  }

  /** One page. `undefined`: paused before it had begun, so the same page is to be asked for again. */
  async page<T>(treat: () => Promise<T>): Promise<T | undefined> {
    const outer = CancellationScope.current();
    const scope = new CancellationScope();
    this.#page = scope;
    try {
      return await scope.run(treat);
    } catch (error) {
      if (outer.consideredCancelled) throw error;
      if (isCancellation(error)) return undefined;
      // A page whose cancel was requested is not tried again when its worker dies: paused, it is asked for anew.
      if (scope.consideredCancelled && isTimeout(error) && patched(patches.pauseOutlivesWorker)) return undefined;
      throw error;
    } finally {
      this.#page = undefined;
    }
  }

  /** Until a person proceeds. A `proceed` sent earlier does not count: it answered something else. */
  async untilProceed(gate: Exclude<Gate, null>, waitingFor: string): Promise<void> {
    this.#run.wait(gate, waitingFor);
    await condition(this.proceeded());
    this.#run.wait(null, null);
    await this.checkpoint();
  }

  /** Whether a `proceed` has come since this call. */
  proceeded(): () => boolean {
    const before = this.#proceeds;
    return () => this.#proceeds > before;
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}
