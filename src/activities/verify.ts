import { differingFields } from '../schedules/canonical.ts';
import { asUserWrote, isOurBound } from '../schedules/shapes.ts';
import { readNote } from '../schedules/note.ts';
import { situation } from '../schedules/pair.ts';
import type { Described } from '../schedules/ports.ts';
import { FIRST_PAGE, listPage, walk } from '../clusters/inventory.ts';
import type { FerryDeps } from './deps.ts';
import { eachSchedule, heartbeating } from './pages.ts';
import type { PageInput, VerifyResult } from './types.ts';

const CONCURRENCY = 16;
const MAX_LISTED = 50;

/** Compares a page of the source with the target, field by field; on the first page also what only the target has. */
export async function verifyPage(deps: FerryDeps, input: PageInput): Promise<VerifyResult> {
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const page = await listPage(source, input.selection, input.cursor, input.pageSize);
  const result: VerifyResult = { seen: page.entries.length, matching: 0, different: [], missing: [], extra: [] };

  const walked = await eachSchedule(
    page.entries,
    CONCURRENCY,
    () => ({}),
    async ({ id }) => {
      const [from, to] = await Promise.all([source.describe(id), target.describe(id)]);
      const at = situation(from?.schedule, to?.schedule, { from: input.from, to: input.to });
      if (!from || at.kind === 'gone') return;
      if (!to) {
        result.missing.push(id);
        return;
      }
      const fields = differingFields(withoutBounds(from, to), withoutBounds(to, from));
      if (at.kind === 'foreign') fields.push('ownership');
      if (fields.length === 0) result.matching++;
      else result.different.push({ schedule: id, fields });
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

/** A bound of ours on one side hides the user's there; bounds are compared where there is none. */
function withoutBounds(own: Described, other: Described): Described {
  const bounded = [own, other].some(
    ({ schedule: { spec, state } }) =>
      readNote(state?.notes).mark?.kind === 'fence' || isOurBound(spec?.startTime) || isOurBound(spec?.endTime),
  );
  if (!bounded) return own;
  return { ...own, schedule: asUserWrote(own.schedule, { startTime: null, endTime: null }) };
}
