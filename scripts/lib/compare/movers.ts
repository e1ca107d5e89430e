/** What all three ways of moving a tenant are given, and what they say afterwards. */
import type { ProfileName } from '../stack.ts';

export type MoverName = 'ferry' | 'cli' | 'sdk' | 'none';

export interface MoveOrder {
  tenant: string;
  from: ProfileName;
  to: ProfileName;
}

export interface Moved {
  /** Programs that were started for it. */
  processes: number;
  /** What it says itself of the runs around the move, if it keeps an account. */
  account?: { runs: number; duplicates: number; missed: number; wrongSide: number };
}

export interface Mover {
  name: MoverName;
  /** Moves nothing: the tenant is made on the target and left alone, to show what the scheduler there does by itself. */
  stays?: boolean;
  /** Returns when the tenant runs on the other cluster, as far as the mover can tell. */
  move: (order: MoveOrder) => Promise<Moved>;
  close: () => Promise<void>;
}
