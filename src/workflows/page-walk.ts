/** Walks over as many pages as a history may grow by; who calls it continues as new from where it stopped. */
import { isCancellation, TemporalFailure, workflowInfo } from '@temporalio/workflow';
import type { Cursor } from '../activities/types.ts';

/** Well below what the server suggests by. */
const HISTORY_LIMIT = 1000;

export interface PageWalk<Page> {
  /** Undefined: the first. */
  page: (cursor: Cursor | undefined) => Promise<Page>;
  take: (page: Page) => void;
  /** In whose words the workflow fails. */
  failure: (error: TemporalFailure) => TemporalFailure;
}

/** Undefined after the last page; else where a new run goes on. */
export async function walkPages<Page extends { next?: Cursor }>(
  from: Cursor | undefined,
  { page, take, failure }: PageWalk<Page>,
): Promise<Cursor | undefined> {
  for (let cursor = from; ;) {
    const answer = await inWords(() => page(cursor), failure);
    take(answer);
    cursor = answer.next;
    if (cursor === undefined) return undefined;
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (continueAsNewSuggested || historyLength > HISTORY_LIMIT) return cursor;
  }
}

/** A cancellation, and a bug, stay what they are. */
export async function inWords<T>(call: () => Promise<T>, failure: PageWalk<unknown>['failure']): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isCancellation(error) || !(error instanceof TemporalFailure)) throw error;
    throw failure(error);
  }
}
