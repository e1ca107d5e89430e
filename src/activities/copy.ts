import { differingFields } from '../schedules/canonical.ts';
import { ChangedMeanwhile } from '../schedules/change.ts';
import { bringStandbyUpToDate, createStandby } from '../schedules/copying.ts';
import { readNote } from '../schedules/note.ts';
import { situation } from '../schedules/pair.ts';
import { ownerAsUserWrote } from '../schedules/shapes.ts';
import { FIRST_PAGE, listPage } from '../clusters/inventory.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import type { FerryDeps } from './deps.ts';
import { eachSchedule, reasonFor } from './pages.ts';
import type { CopyResult, PageInput, Reason } from './types.ts';

const CONCURRENCY = 16;
const MAX_ROUNDS = 10;

/** Makes or mends the paused copies of a page. What exists and is equal is left alone. */
export async function copyPage(deps: FerryDeps, input: PageInput): Promise<CopyResult> {
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const copying = { source, target, time: REAL_TIME, migration: input.migration };
  const page = await listPage(source, input.selection, input.cursor, input.pageSize);
  const none = { created: 0, updated: 0, unchanged: 0, elsewhere: 0 };
  const result = { seen: page.entries.length, ...none, failed: [] as Reason[] };

  const copyOne = async (id: string): Promise<'created' | 'updated' | 'unchanged' | 'elsewhere'> => {
    const from = await source.describe(id);
    if (!from) return 'unchanged';
    const { mark } = readNote(from.schedule.state?.notes);
    // A side that rests or is fenced is past copying: the cut-over reads both sides and goes on from there.
    if (mark) return 'elsewhere';
    if ((await createStandby(copying, id, from)) === 'created') return 'created';
    const to = await target.describe(id);
    const at = situation(from.schedule, to?.schedule, { from: input.from, to: input.to });
    if (at.kind === 'foreign') throw new Foreign(at.why);
    if (at.kind !== 'ready' || !to) return 'unchanged';
    const user = { ...from, schedule: ownerAsUserWrote(from.schedule, to.schedule) };
    if (differingFields(user, to).length === 0) return 'unchanged';
    await bringStandbyUpToDate(copying, id, from, to);
    return 'updated';
  };

  const walked = await eachSchedule(
    page.entries,
    CONCURRENCY,
    () => ({}),
    async ({ id }) => {
      for (let round = 0; ; round++) {
        try {
          const did = await copyOne(id);
          result[did]++;
          if (did === 'elsewhere') result.unchanged++;
          return;
        } catch (error) {
          if (error instanceof Foreign) {
            result.failed.push({
              object: `schedule ${id} on ${input.to}`,
              code: 'not-ours',
              found: error.message,
              remedy: `delete or rename one of the two, or leave it out of the selection`,
            });
            return;
          }
          if (error instanceof ChangedMeanwhile && round < MAX_ROUNDS) continue;
          result.failed.push(reasonFor(error, id));
          return;
        }
      }
    },
  );
  if (walked.complete) return { ...result, next: page.next };
  // The page will be walked again, and what is done will then count as unchanged.
  return { ...result, seen: 0, ...none, failed: [], next: input.cursor ?? FIRST_PAGE };
}

class Foreign extends Error {}
