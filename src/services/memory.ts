/**
 * Which cluster a workflow id, or one run of it, was last seen on. Bounded: two halves, of which the older one is dropped
 * when the younger one is full; what is used moves to the younger. Every start is written here, so it has to cost little.
 */
const HALF = 10_000;

export class Memory {
  #young = new Map<string, string>();
  #old = new Map<string, string>();

  get(workflowId: string, runId?: string): string | undefined {
    const key = keyOf(workflowId, runId);
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.#put(key, old);
    return old;
  }

  set(workflowId: string, runId: string | undefined, place: string): void {
    this.#put(keyOf(workflowId), place);
    if (runId) this.#put(keyOf(workflowId, runId), place);
  }

  forget(workflowId: string, runId?: string): void {
    for (const key of [keyOf(workflowId), ...(runId ? [keyOf(workflowId, runId)] : [])]) {
      this.#young.delete(key);
      this.#old.delete(key);
    }
  }

  #put(key: string, place: string): void {
    if (this.#young.size >= HALF) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, place);
  }
}

function keyOf(workflowId: string, runId?: string): string {
  // Of a run its id alone would do, but for a text that is both one's run and another's workflow id.
  return runId ? `${runId}\0${workflowId}` : workflowId;
}
