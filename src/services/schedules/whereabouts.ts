/**
 * Where one schedule lives, whichever of two clusters that is: pure. Read off both sides alone, as the hand-over reads
 * them; neither a list nor the route decides it.
 */
import { type Situation, situation } from '../../schedules/pair.ts';
import { readNote, standbyMark } from '../../schedules/note.ts';
import { fencedBoundary, openedBoundary } from '../../schedules/shapes.ts';
import type { Schedule } from '../../schedules/times.ts';

export type Which = 'a' | 'b';

export type Whereabouts =
  /** `orphan`: the side that still has a paused copy of it. */
  | { kind: 'absent'; orphan?: Which }
  | { kind: 'owned'; owner: Which }
  /** Between two owners. `source` gives it up; of two resting sides it is the keeper of what the user wrote. */
  | { kind: 'moving'; phase: 'fenced' | 'opened' | 'given-up'; source: Which; boundary: number }
  /** On both sides, or stopped on one, and nobody can tell whose it is. */
  | { kind: 'foreign'; why: string };

export function whereabouts(
  a: Schedule | undefined,
  b: Schedule | undefined,
  names: { a: string; b: string },
): Whereabouts {
  if (a && !b && standbyMark({ schedule: a })) return { kind: 'absent', orphan: 'a' };
  const at = situation(a, b, { from: names.a, to: names.b });
  // Without its copy on `a` it is the same as a schedule of `b` that `a` has no copy of.
  if (at.kind === 'handed-over' && !a) return mirrored(situation(b, a, { from: names.b, to: names.a }), 'b');
  return mirrored(at, 'a');
}

function mirrored(at: Situation, source: Which): Whereabouts {
  const target: Which = source === 'a' ? 'b' : 'a';
  switch (at.kind) {
    case 'gone':
      return { kind: 'absent' };
    case 'orphan':
      return { kind: 'absent', orphan: target };
    case 'uncopied':
    case 'ready':
      return { kind: 'owned', owner: source };
    case 'handed-over':
      return { kind: 'owned', owner: target };
    case 'fenced':
    case 'opened':
      return { kind: 'moving', phase: at.kind, source, boundary: at.boundary };
    case 'reversed':
      return { kind: 'moving', phase: at.opened ? 'opened' : 'fenced', source: target, boundary: at.boundary };
    case 'given-up': {
      const keeper = at.keeper === 'source' ? source : target;
      return { kind: 'moving', phase: 'given-up', source: keeper, boundary: at.boundary };
    }
    case 'foreign':
      return at;
  }
}

/**
 * What one side tells while the other cannot be asked. Only a schedule that is neither our copy nor bounded by us is
 * certainly owned there: a write of it is conditional on its token, and a hand-over begins by moving that token.
 */
export function whatOneTells(schedule: Schedule | undefined): 'owner' | 'nothing' {
  if (!schedule) return 'nothing';
  const marked = readNote(schedule.state?.notes).mark !== undefined;
  const bounded = fencedBoundary(schedule) !== undefined || openedBoundary(schedule) !== undefined;
  return marked || bounded ? 'nothing' : 'owner';
}
