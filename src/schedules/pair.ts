/**
 * Where one schedule stands between two clusters, read from the two sides alone. This is what makes every step
 * resumable by anybody: no memory of what was done before is needed or trusted.
 */
import { fencedBoundary, isBoundedBefore, isOurBound, openedBoundary } from './shapes.ts';
import { type Mark, type StandbyMark, readNote } from './note.ts';
import type { Schedule } from './times.ts';

export type Situation =
  /** On neither side. */
  | { kind: 'gone' }
  /** Source owns it, target has no copy. */
  | { kind: 'uncopied' }
  /** Source owns it, target holds our paused copy. */
  | { kind: 'ready' }
  /** Source is bounded at `boundary`, target still shut. */
  | { kind: 'fenced'; boundary: number; next?: number; left?: number }
  /** Source is bounded, target runs from `boundary`; settle and retire are left. */
  | { kind: 'opened'; boundary: number; next?: number; left?: number }
  /** Source already rests as standby, target still shut: nobody runs from `boundary` on until the target is opened. */
  | { kind: 'given-up'; keeper: 'source' | 'target'; boundary: number }
  /** Target owns it. `boundary` is set where a bound of ours is still to be taken off or the handover is recent. */
  | { kind: 'handed-over'; boundary?: number; bounded: boolean }
  /** Same handover, seen from the other direction: source was opened or is about to be, target is the fenced one. */
  | { kind: 'reversed'; opened: boolean; boundary: number; next?: number; left?: number }
  /** Our paused copy on the target outlived its schedule on the source. */
  | { kind: 'orphan' }
  /** Neither side carries our mark: another tool's, or both sides were opened by hand. */
  | { kind: 'foreign'; why: string };

interface Side {
  schedule: Schedule;
  mark?: Mark;
  paused: boolean;
}

export function situation(
  source: Schedule | undefined,
  target: Schedule | undefined,
  names: { from: string; to: string },
): Situation {
  const s = side(source);
  const t = side(target);
  if (!s && !t) return { kind: 'gone' };
  if (!s) {
    if (t?.mark?.kind === 'standby') return { kind: 'orphan' };
    return { kind: 'handed-over', bounded: t !== undefined && isOurBound(t.schedule.spec?.startTime) };
  }
  const sourceFence = fenceOf(s, names.to);
  if (!t) {
    if (s.mark?.kind === 'standby') {
      return { kind: 'foreign', why: `only a paused copy owned by ${s.mark.owner} is left, its schedule is gone` };
    }
    return sourceFence
      ? { kind: 'foreign', why: 'it is fenced, but its copy on the target is gone' }
      : { kind: 'uncopied' };
  }
  const targetShut = t.mark?.kind === 'standby';
  if (s.mark?.kind === 'standby') {
    if (t.mark?.kind === 'standby') return givenUp(s.mark, t.mark);
    const reverse = fenceOf(t, names.from);
    if (reverse) return { kind: 'reversed', opened: false, ...reverse };
    return {
      kind: 'handed-over',
      boundary: openedBoundary(t.schedule) ?? s.mark.boundary,
      bounded: isOurBound(t.schedule.spec?.startTime),
    };
  }
  // A user's edit may have taken our bound off: an unbounded source is not fenced, whatever its note says.
  if (sourceFence && targetShut)
    return isBoundedBefore(s.schedule, sourceFence.boundary) ? { kind: 'fenced', ...sourceFence } : { kind: 'ready' };
  if (sourceFence) return { kind: 'opened', ...sourceFence };
  if (targetShut) return { kind: 'ready' };
  const reverse = fenceOf(t, names.from);
  if (reverse) return { kind: 'reversed', opened: true, ...reverse };
  const openedAt = openedBoundary(t.schedule);
  // The user's end came before the boundary, and the note was overwritten: the target's bound still tells.
  if (openedAt !== undefined) return { kind: 'opened', boundary: openedAt };
  return { kind: 'foreign', why: 'it exists on both clusters and neither is marked as the paused copy of the other' };
}

function side(schedule: Schedule | undefined): Side | undefined {
  if (!schedule) return undefined;
  return { schedule, mark: readNote(schedule.state?.notes).mark, paused: Boolean(schedule.state?.paused) };
}

/** The fence on a side, from its note or, where the note was overwritten, from the bound itself. */
function fenceOf(at: Side, to: string): { boundary: number; next?: number; left?: number } | undefined {
  const bound = fencedBoundary(at.schedule);
  if (at.mark?.kind === 'fence' && at.mark.to === to) {
    const { next, left } = at.mark;
    return { boundary: bound ?? at.mark.boundary, next, left };
  }
  return at.mark === undefined && bound !== undefined ? { boundary: bound } : undefined;
}

/** Both sides rest. The one that gave up last is the keeper of the user's note and pause. */
function givenUp(source: StandbyMark, target: StandbyMark): Situation {
  const keeper = (source.boundary ?? 0) >= (target.boundary ?? 0) ? 'source' : 'target';
  const kept = keeper === 'source' ? source : target;
  if (kept.boundary === undefined || kept.userPaused === undefined) {
    return { kind: 'foreign', why: 'both sides are paused copies and neither tells what the user wrote' };
  }
  return { kind: 'given-up', keeper, boundary: kept.boundary };
}
