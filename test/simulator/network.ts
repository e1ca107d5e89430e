/** What may happen to one call between the handover and a cluster. */

/** A worker that dies: nothing of the handover may catch it. */
export class Crash extends Error {
  override name = 'Crash';
}

/** What a call throws when the transport failed; `code` as gRPC's. */
export class TransportError extends Error {
  override name = 'TransportError';
  readonly code: 'DEADLINE_EXCEEDED' | 'UNAVAILABLE' | 'RESOURCE_EXHAUSTED';
  constructor(code: TransportError['code'], method: string) {
    super(`${code}: ${method}`);
    this.code = code;
  }
}

export type Method =
  | 'describe'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'matchingTimes'
  | 'countRuns'
  | 'describeRun'
  | 'startExactly'
  | 'backfill'
  | 'endRun'
  | 'nominalTimes';

export interface Call {
  cluster: string;
  method: Method;
  id: string;
}

export const WRITES: ReadonlySet<Method> = new Set<Method>([
  'create',
  'update',
  'patch',
  'delete',
  'startExactly',
  'backfill',
  'endRun',
]);

/**
 * - `undelivered`: never arrives; the caller waits for `answerMs` and knows nothing.
 * - `lost`: done, but the answer is lost; the caller waits for `answerMs`.
 * - `late`: arrives `byMs` later, after the caller has given up at `answerMs`, or not.
 * - `twice`: sent again by the transport after a lost answer; the answer is the second one's.
 * - `throttled`: RESOURCE_EXHAUSTED after the retries of `answerMs`.
 */
export type Fate =
  | { kind: 'undelivered' | 'lost' | 'throttled'; answerMs: number }
  | { kind: 'late'; byMs: number; answerMs: number }
  | { kind: 'twice'; byMs: number };

export interface Network {
  /** May throw a Crash, or act as a user. */
  before(call: Call): Fate | undefined;
  after(call: Call): void;
  /** One way, ms. */
  travelMs(call: Call): number;
}
