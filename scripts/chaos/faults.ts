/** What has been done to the clusters, their connections and the workers, and when. */

export type FaultKind =
  | 'worker killed'
  | 'server ended (SIGTERM)'
  | 'server killed (SIGKILL)'
  | 'connections cut'
  | 'connections refused'
  | 'connections stalled'
  | 'connections stalled past the deadline'
  | 'answers held back, then cut'
  | 'answer of a write lost'
  | 'throttled';

export interface Fault {
  kind: FaultKind;
  /** Epoch ms. */
  at: number;
  /** What was hit, and how. */
  what: string;
}

export class FaultLog {
  readonly faults: Fault[] = [];
  readonly #tell: (fault: Fault) => void;

  constructor(tell: (fault: Fault) => void) {
    this.#tell = tell;
  }

  add(kind: FaultKind, what: string): void {
    const fault = { kind, at: Date.now(), what };
    this.faults.push(fault);
    this.#tell(fault);
  }

  byKind(): Map<FaultKind, number> {
    const counts = new Map<FaultKind, number>();
    for (const { kind } of this.faults) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  }
}
