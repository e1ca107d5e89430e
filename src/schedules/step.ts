/** What the steps of a handover share: what they work on, and how they end. */
import type { Audit, Reason } from '../activities/types.ts';
import type { ReasonCode } from '../reasons.ts';
import { Asking } from './asking.ts';
import type { ScheduleCluster, Time } from './ports.ts';

export interface Handover {
  source: ScheduleCluster;
  target: ScheduleCluster;
  time: Time;
  /** Workflow id of the migration, for the notes. */
  migration: string;
  /** From choosing a boundary to reaching it, ms; more where writes are slow to land. */
  leadMs: number;
  /** How long an open run of the source may hold up its schedule's handover, ms. */
  idleLimitMs: number;
  /** What the schedulers have been asked in this handover; its own. */
  askings?: Map<ScheduleCluster, Asking>;
  /**
   * Whether the migration still runs: asked before a schedule is taken on that this attempt had fenced before and finds
   * unfenced. Ended meanwhile, another one has taken it back, and it is not ours any more.
   */
  stillWanted?: () => Promise<boolean>;
  /**
   * Nobody waits for the outcome any more, or everybody for the end of this attempt: it takes on no schedule it finds
   * untouched, and waits for open runs no longer than as if `idleLimitMs` had passed.
   */
  hurried?: () => boolean;
  /** What this attempt has seen of its schedule; its own. */
  seen?: { fenced: boolean };
  /** Tells the notes of this attempt from those of another at the same schedule. */
  by?: string;
}

/** One for each side: a time is asked for once, however often it is settled. */
export function askingOf(h: Handover, side: ScheduleCluster, id: string): Asking {
  const known = h.askings?.get(side);
  if (known) return known;
  const asking = new Asking(side, side === h.source ? h.target : h.source, h.time, id, h.by ?? '');
  h.askings?.set(side, asking);
  return asking;
}

/** A standing fence, as its note tells. */
export interface FencedAt {
  boundary: number;
  next?: number;
  left?: number;
}

export interface HandoverResult {
  outcome: 'handed-over' | 'already-there' | 'gone' | 'failed';
  userPaused: boolean;
  audit: Audit;
  reason?: Reason;
}

export interface Step {
  wrote: boolean;
  done?: Omit<HandoverResult, 'audit'>;
}

export const AGAIN: Step = { wrote: true };

/** A schedule that does not cross now, why, and what a person can do about it. */
export function failed(h: Handover, id: string, code: ReasonCode, found: string): Omit<HandoverResult, 'audit'> {
  const remedies: Partial<Record<ReasonCode, string>> = {
    'not-ours': `decide which one is right, delete or rename the other, then signal proceed`,
    'edited-on-both-sides': `it runs on ${h.target.profile}; make both read the same, by editing either, then signal proceed`,
    'still-running':
      `it stays on ${h.source.profile}, whole; signal proceed to try it again when its runs are done, ` +
      `or migrate with a longer openRunLimit`,
    [INTERRUPTED]: `it stays on ${h.source.profile}, whole`,
    'bound-ahead': `it is handed over when that time has passed`,
    unproven: `it is looked at again; when its open run has ended, signal proceed to try again`,
    'fence-too-slow': `it stays on ${h.source.profile}; relieve the cluster, then signal proceed to try again`,
  };
  const reason = { object: `schedule ${id}`, code, found, remedy: remedies[code] ?? 'signal proceed to try again' };
  return { outcome: 'failed', userPaused: false, reason };
}

/** Code of a schedule that was not handed over because its attempt was hurried: a verdict about nothing. */
export const INTERRUPTED = 'interrupted' satisfies ReasonCode;

/** Why an open run is not waited for any longer. */
export function waitedEnough(h: Handover, id: string): Omit<HandoverResult, 'audit'> {
  if (h.hurried?.()) return interrupted(h, id);
  return failed(h, id, 'still-running', stillRunning(h));
}

export function interrupted(h: Handover, id: string): Omit<HandoverResult, 'audit'> {
  return failed(h, id, INTERRUPTED, 'its handover was called off before it began, or while it waited for an open run');
}

function stillRunning(h: Handover): string {
  return `a run of it was still open after ${h.idleLimitMs / 1000} s, and its overlap policy or pauseOnFailure looks at it`;
}

/**
 * Until the target's clock has passed the boundary too: opened without a bound it would run what is past on the source
 * and ahead by its own clock.
 */
export async function untilPast(h: Handover, boundary: number): Promise<void> {
  const left = boundary + (await h.target.behindMs()) - h.time.now();
  if (left > 0) await h.time.sleep(left);
}

export const UNPROVEN =
  'runs it was asked for by an attempt that was cut off wait behind an open run, or were never asked for: that shows when the run ends';
