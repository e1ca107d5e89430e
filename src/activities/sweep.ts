import { readNote } from '../schedules/note.ts';
import { situation } from '../schedules/pair.ts';
import { walk } from '../clusters/inventory.ts';
import type { FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import type { Crossing, SweepResult } from './types.ts';

/**
 * The last inventory: what users created meanwhile still has to cross, and copies of what they deleted go. The lists
 * only say where to look; both sides' Describe decides.
 */
export async function sweep(deps: FerryDeps, input: Crossing): Promise<SweepResult> {
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const result: SweepResult = { removed: [], remaining: 0 };
  const seen = new Set<string>();
  let looked = 0;
  const pulse = heartbeating(() => ({ looked }));
  const at = async (id: string) => {
    const [from, to] = await Promise.all([source.describe(id), target.describe(id)]);
    return situation(from?.schedule, to?.schedule, { from: input.from, to: input.to });
  };
  try {
    for await (const { id, notes } of walk(source, input.selection)) {
      looked++;
      const { mark } = readNote(notes);
      seen.add(id);
      // Only we write a mark with a boundary, and only when a side gives up: a stale list cannot show it too early.
      const gaveUp = mark?.kind === 'standby' && mark.boundary !== undefined && mark.settle === undefined;
      if (gaveUp && mark.owner === input.to && mark.migration === input.migration) continue;
      const { kind } = await at(id);
      if (kind !== 'handed-over' && kind !== 'gone') result.remaining++;
    }
    for await (const { id, notes } of walk(target, input.selection)) {
      looked++;
      const { mark } = readNote(notes);
      // Fenced towards the side we come from, and not seen there: its copy is gone, and it would stay stopped.
      if (mark?.kind === 'fence' && mark.to === input.from && !seen.has(id)) result.remaining++;
      if (mark?.kind !== 'standby' || mark.owner !== input.from) continue;
      const { kind } = await at(id);
      if (kind === 'orphan') {
        await target.delete(id);
        result.removed.push(id);
      } else if (kind !== 'handed-over' && kind !== 'gone' && !seen.has(id)) {
        // Too new for the other list: it has to cross as well.
        result.remaining++;
      }
    }
  } finally {
    pulse.stop();
  }
  return result;
}
