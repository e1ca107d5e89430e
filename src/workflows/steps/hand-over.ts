import type { Crossing, CutOverResult, PageInput, Reason } from '../../activities/types.ts';
import type { Controls } from '../controls.ts';
import { eachPage } from '../pages.ts';
import { addAudit } from '../../schedules/audit.ts';
import { LISTED } from '../progress.ts';
import type { Run } from '../run.ts';

export interface Pass {
  seen: number;
  /** Changed owner in this pass. */
  moved: number;
  /** Are owned by the crossing's target after it. */
  there: number;
  failed: number;
  /** Ids of the failed ones; undefined where they are too many to name. */
  failedIds: string[] | undefined;
}

/** As many as one page may have. */
const MAX_NAMED = 250;

export interface PassInput {
  crossing: Crossing;
  /** Just these, instead of all. */
  only?: string[];
  treat: (input: PageInput, page: number) => Promise<CutOverResult>;
  /** Called after every page with the figures so far. */
  counted: (pass: Pass) => void;
}

/** One pass over all schedules of a crossing, either way. What an earlier pass or attempt did is found done. */
export async function handOver(run: Run, controls: Controls, input: PassInput): Promise<Pass> {
  const pass: Pass = { seen: 0, moved: 0, there: 0, failed: 0, failedIds: [] };
  const failures: Reason[] = [];
  await eachPage(controls, {
    crossing: input.crossing,
    pageSize: run.pageSize,
    treat: (page, number) =>
      input.treat(
        { ...page, openRunLimitMs: run.settings.openRunLimitMs, ...(input.only && { only: input.only }) },
        number,
      ),
    take: (result) => {
      pass.seen += result.seen;
      pass.moved += result.handedOver;
      pass.there += result.handedOver + result.alreadyThere;
      pass.failed += result.failed.length;
      pass.failedIds = named(pass.failedIds, result.failedIds);
      failures.push(...result.failed.slice(0, LISTED - failures.length));
      run.update({ audit: addAudit(run.progress.audit, result.audit), failures: [...failures] });
      input.counted(pass);
    },
  });
  return pass;
}

function named(before: string[] | undefined, more: string[] | undefined): string[] | undefined {
  const all = before && more && [...before, ...more];
  return all && all.length <= MAX_NAMED ? all : undefined;
}
