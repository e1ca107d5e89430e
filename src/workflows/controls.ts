/**
 * How people steer a migration: everything going forward runs in one cancellable scope, so a rollback stops it wherever
 * it is; a page runs in a scope of its own, so a pause stops only that page. Both let the schedules in flight finish.
 */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { type Gate, readReason } from './commands.ts';
import type { Command } from './progress.ts';
import type { Run } from './run.ts';

export class Controls {
  readonly #run: Run;
  readonly #forward = new CancellationScope();
  #page: CancellationScope | undefined;
  #proceeds = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** A person asked for the way back. */
  get rollbackRequested(): boolean {
    return this.#run.progress.rollbackReason !== null;
  }

  /** Carries out a command that makes sense now. */
  obey(command: Command, argument: unknown): void {
    const run = this.#run;
    if (command === 'rollback') {
      const { reason, odd } = readReason(argument);
      if (odd !== null) run.note(`\`rollback\` came with ${odd}; it takes nothing or {"reason": "…"}, and is obeyed`);
      run.update({ rollbackReason: reason ?? 'requested without a reason', paused: false });
      run.close('the schedules in flight, before it turns back');
      this.#forward.cancel();
      return;
    }
    if (argument !== undefined && argument !== null)
      run.note(`\`${command}\` came with an input, which it does not take`);
    if (command === 'proceed') {
      this.#proceeds++;
    } else {
      run.update({ paused: command === 'pause' });
      if (command === 'pause') this.#page?.cancel();
    }
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
      if (isCancellation(error) && !outer.consideredCancelled) return undefined;
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
