/** Which cluster a workflow id, or one run of it, was last seen on. Bounded: what was not used for longest goes first. */
const LIMIT = 10_000;

export class Memory {
  readonly #places = new Map<string, string>();

  get(workflowId: string, runId?: string): string | undefined {
    const key = keyOf(workflowId, runId);
    const place = this.#places.get(key);
    if (place !== undefined) this.#put(key, place);
    return place;
  }

  set(workflowId: string, runId: string | undefined, place: string): void {
    this.#put(keyOf(workflowId), place);
    if (runId) this.#put(keyOf(workflowId, runId), place);
  }

  forget(workflowId: string, runId?: string): void {
    this.#places.delete(keyOf(workflowId));
    if (runId) this.#places.delete(keyOf(workflowId, runId));
  }

  #put(key: string, place: string): void {
    // A Map remembers the order of insertion.
    this.#places.delete(key);
    this.#places.set(key, place);
    if (this.#places.size <= LIMIT) return;
    const [oldest] = this.#places.keys();
    if (oldest !== undefined) this.#places.delete(oldest);
  }
}

function keyOf(workflowId: string, runId?: string): string {
  // No id contains it: texts of the API are UTF-8 without NUL by convention, and a run id is a UUID.
  return runId ? `${runId}\0${workflowId}` : workflowId;
}
