/** Walks over a tenant's schedules in pages, holding and stopping between them. */
import type { Crossing, Cursor, PageInput } from '../activities/types.ts';
import type { Controls } from './controls.ts';

export interface Walk<R> {
  crossing: Crossing;
  pageSize: number;
  treat: (input: PageInput, page: number) => Promise<R>;
  /** Called for every answer, also for that of a page cut short by a pause or a rollback: what it did is done. */
  take: (result: R) => void;
}

export async function eachPage<R extends { next?: Cursor }>(controls: Controls, walk: Walk<R>): Promise<void> {
  const { crossing, pageSize, treat, take } = walk;
  let cursor: Cursor | undefined;
  for (let page = 1; ; page++) {
    await controls.checkpoint();
    const input: PageInput = cursor === undefined ? { ...crossing, pageSize } : { ...crossing, pageSize, cursor };
    const result = await controls.page(() => treat(input, page));
    if (result === undefined) continue;
    take(result);
    if (result.next === undefined) break;
    cursor = result.next;
  }
  await controls.checkpoint();
}
