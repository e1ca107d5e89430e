/** Which cluster a workflow id, or one run of it, was last seen on. Bounded: what was not used for longest goes first. */
import { LRUCache } from 'lru-cache';

/** Ids and runs together, of all tenants. */
const LIMIT = 100_000;

export interface Place {
  profile: string;
  /** In which stretch of time an id was seen there (`eraAt`); null: in none. A run stays where it is, whatever the time. */
  era: string | null;
}

/** One for all tenants: an empty one takes 3 MB, a full one some 25 MB. */
export class Memory {
  readonly #places = new LRUCache<string, Place>({ max: LIMIT });

  of(tenant: string): TenantMemory {
    return new TenantMemory(this.#places, tenant);
  }
}

export class TenantMemory {
  readonly #places: LRUCache<string, Place>;
  readonly #tenant: string;

  constructor(places: LRUCache<string, Place>, tenant: string) {
    this.#places = places;
    this.#tenant = tenant;
  }

  get(workflowId: string, runId?: string): Place | undefined {
    return this.#places.get(this.#key(workflowId, runId));
  }

  set(workflowId: string, runId: string | undefined, place: Place): void {
    this.#places.set(this.#key(workflowId), place);
    if (runId) this.#places.set(this.#key(workflowId, runId), place);
  }

  forget(workflowId: string, runId?: string): void {
    this.#places.delete(this.#key(workflowId));
    if (runId) this.#places.delete(this.#key(workflowId, runId));
  }

  #key(workflowId: string, runId = ''): string {
    // No name or id contains it: texts of the API are UTF-8 without NUL by convention, and a run id is a UUID.
    return `${this.#tenant}\0${runId}\0${workflowId}`;
  }
}
