/** The workflows of one cluster: ids, their executions, and how they end. */
import type { World } from './world.ts';

/** `backfill`: asked of the scheduler through the port; `user`: a user's trigger or backfill; `fill`: started by id. */
export type StartedBy = 'scheduler' | 'backfill' | 'user' | 'fill';
export type Status = 'open' | 'completed' | 'failed' | 'canceled' | 'terminated';

export interface Execution {
  workflowId: string;
  by: StartedBy;
  /** The cluster's clock. */
  startMs: number;
  /** When its code begins: later than its start where it was started with a delay. The cluster's clock. */
  beginMs: number;
  /** Infinity while open. The cluster's clock. */
  closeMs: number;
  status: Status;
  cancelAsked: boolean;
}

/** How the runs of a case behave. */
export interface RunBehaviour {
  /** How long a run takes once it has begun, ms. */
  takesMs: (workflowId: string) => number;
  fails: (workflowId: string) => boolean;
  /** From being asked to cancel to having closed, ms. */
  cancelMs: number;
}

export class Runs {
  readonly byId = new Map<string, Execution[]>();
  /** How many are open: 0 for most of the time, which makes looking for them cheap. */
  open = 0;
  readonly #world: World;
  readonly #skewMs: number;
  readonly #behaviour: RunBehaviour;
  /** Told of every execution that has closed. */
  onClose: (execution: Execution) => void = () => {};
  onStart: (execution: Execution) => void = () => {};

  constructor(world: World, skewMs: number, behaviour: RunBehaviour) {
    this.#world = world;
    this.#skewMs = skewMs;
    this.#behaviour = behaviour;
  }

  latest(workflowId: string): Execution | undefined {
    return this.byId.get(workflowId)?.at(-1);
  }

  /** Undefined where the id has been taken: by an open run, or (`rejectDuplicate`) by any within retention. */
  start(workflowId: string, by: StartedBy, rejectDuplicate: boolean, delayMs = 0): Execution | undefined {
    const before = this.latest(workflowId);
    if (before && (rejectDuplicate || before.status === 'open')) return undefined;
    const startMs = this.#world.now() + this.#skewMs;
    const execution: Execution = {
      workflowId,
      by,
      startMs,
      beginMs: startMs + delayMs,
      closeMs: Infinity,
      status: 'open',
      cancelAsked: false,
    };
    const all = this.byId.get(workflowId);
    if (all) all.push(execution);
    else this.byId.set(workflowId, [execution]);
    this.open++;
    this.onStart(execution);
    const takes = delayMs + this.#behaviour.takesMs(workflowId);
    const end = (): void => this.#close(execution, this.#behaviour.fails(workflowId) ? 'failed' : 'completed');
    if (takes === 0) end();
    else this.#world.at(this.#world.now() + takes, end);
    return execution;
  }

  cancel(workflowId: string): boolean {
    const execution = this.latest(workflowId);
    if (execution?.status !== 'open') return false;
    if (!execution.cancelAsked) {
      execution.cancelAsked = true;
      this.#world.at(this.#world.now() + this.#behaviour.cancelMs, () => this.#close(execution, 'canceled'));
    }
    return true;
  }

  terminate(workflowId: string): boolean {
    const execution = this.latest(workflowId);
    if (execution?.status !== 'open') return false;
    this.#close(execution, 'terminated');
    return true;
  }

  #close(execution: Execution, status: Status): void {
    if (execution.status !== 'open') return;
    execution.status = status;
    execution.closeMs = this.#world.now() + this.#skewMs;
    this.open--;
    this.onClose(execution);
  }
}
