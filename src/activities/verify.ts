import { differingFields } from '../schedules/canonical.ts';
import { asUserWrote, isOurBound } from '../schedules/shapes.ts';
import { readNote } from '../schedules/note.ts';
import { situation } from '../schedules/pair.ts';
import type { Described } from '../schedules/ports.ts';
import { FIRST_PAGE, listPage, walk } from '../clusters/inventory.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import type { FerryDeps } from './deps.ts';
import { eachSchedule, heartbeating } from './pages.ts';
import type { PageInput, VerifyResult } from './types.ts';

const CONCURRENCY = 16;
const MAX_LISTED = 50;
/** A difference is looked at again this often, unless a page has many. */
const LOOKS = 3;
const MAX_LOOKS = 60;
const SOON_MS = 1_500;

/** Fields in which the copy differs; none where it is equal. */
type Compared = 'gone' | 'missing' | string[];

/** Compares a page of the source with the target, field by field; on the first page also what only the target has. */
export async function verifyPage(deps: FerryDeps, input: PageInput): Promise<VerifyResult> {
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const page = await listPage(source, input.selection, input.cursor, input.pageSize);
  const result: VerifyResult = { seen: page.entries.length, matching: 0, different: [], missing: [], extra: [] };

  let looks = 0;
  const look = async (id: string): Promise<Compared> => {
    const [from, to] = await Promise.all([source.describe(id), target.describe(id)]);
    const at = situation(from?.schedule, to?.schedule, { from: input.from, to: input.to });
    if (!from || at.kind === 'gone') return 'gone';
    if (!to) return 'missing';
    const fields = differingFields(withoutBounds(from, to), withoutBounds(to, from));
    return at.kind === 'foreign' ? [...fields, 'ownership'] : fields;
  };

  const walked = await eachSchedule(
    page.entries,
    CONCURRENCY,
    () => ({}),
    async ({ id }) => {
      let found = await look(id);
      // Services write the owner first, and the copy a moment later: what differs then is looked at again.
      for (let again = 0; again < LOOKS && isWrong(found) && looks < MAX_LOOKS; again++) {
        looks++;
        await REAL_TIME.sleep(SOON_MS);
        found = await look(id);
      }
      if (found === 'missing') result.missing.push(id);
      else if (Array.isArray(found) && found.length === 0) result.matching++;
      else if (Array.isArray(found)) result.different.push({ schedule: id, fields: found });
    },
  );

  if (!input.cursor) {
    const pulse = heartbeating(() => ({ extra: result.extra.length }));
    try {
      for await (const { id, notes } of walk(target, input.selection)) {
        if (result.extra.length >= MAX_LISTED) break;
        // Copies are compared above, and the sweep removes those whose source is gone.
        const { mark } = readNote(notes);
        if (mark?.kind === 'standby' && mark.owner === input.from) continue;
        if (!(await source.describe(id))) result.extra.push(id);
      }
    } finally {
      pulse.stop();
    }
  }
  if (walked.complete) return { ...result, next: page.next };
  return { seen: 0, matching: 0, different: [], missing: [], extra: [], next: input.cursor ?? FIRST_PAGE };
}

function isWrong(found: Compared): boolean {
  return found === 'missing' || (Array.isArray(found) && found.length > 0);
}

/** A bound of ours on one side hides the user's there; bounds are compared where there is none. */
function withoutBounds(own: Described, other: Described): Described {
  const bounded = [own, other].some(
    ({ schedule: { spec, state } }) =>
      readNote(state?.notes).mark?.kind === 'fence' || isOurBound(spec?.startTime) || isOurBound(spec?.endTime),
  );
  if (!bounded) return own;
  return { ...own, schedule: asUserWrote(own.schedule, { startTime: null, endTime: null }) };
}
