/** Which cluster a workflow id, or one run of it, was last seen on. Bounded: what was not used for longest goes first. */
import { LRUCache } from 'lru-cache';

/** Ids and runs together, of one tenant. */
const LIMIT = 10_000;

export class Memory {
  readonly #places = new LRUCache<string, string>({ max: LIMIT });

  get(workflowId: string, runId?: string): string | undefined {
    return this.#places.get(keyOf(workflowId, runId));
  }

  set(workflowId: string, runId: string | undefined, place: string): void {
    this.#places.set(keyOf(workflowId), place);
    if (runId) this.#places.set(keyOf(workflowId, runId), place);
  }

  forget(workflowId: string, runId?: string): void {
    this.#places.delete(keyOf(workflowId));
    if (runId) this.#places.delete(keyOf(workflowId, runId));
  }
}

function keyOf(workflowId: string, runId?: string): string {
  // No id contains it: texts of the API are UTF-8 without NUL by convention, and a run id is a UUID.
  return runId ? `${runId}\0${workflowId}` : workflowId;
}
