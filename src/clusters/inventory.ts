/**
 * Which schedules a tenant has on a cluster. ListSchedules is eventually consistent: an inventory to walk over, never a
 * reason to decide anything.
 */
import type { temporal } from '@temporalio/proto';
import type { Selection } from '../activities/types.ts';
import { type Cluster, isScratch } from './cluster.ts';
import { keyword } from './keyword.ts';

/** The search attribute that says whose a schedule is. */
const TENANT = 'TenantId';

/** Cursor of the first page, for one that was interrupted and is walked again. */
export const FIRST_PAGE = 'first';

export interface InventoryEntry {
  id: string;
  notes: string;
  paused: boolean;
  searchAttributes?: temporal.api.common.v1.ISearchAttributes | null;
  /** Due times ahead as last published, ms; stale by nature. */
  info: temporal.api.schedule.v1.IScheduleListInfo;
}

export interface InventoryPage {
  entries: InventoryEntry[];
  /** Opaque; undefined after the last page. */
  next?: string;
}

export async function listPage(
  cluster: Cluster,
  selection: Selection,
  cursor: string | undefined,
  pageSize: number,
): Promise<InventoryPage> {
  if ('none' in selection) return { entries: [] };
  const answer = await cluster.call((s) =>
    s.listSchedules({
      namespace: cluster.namespace,
      maximumPageSize: pageSize,
      query: 'query' in selection ? selection.query : '',
      nextPageToken: cursor === undefined || cursor === FIRST_PAGE ? undefined : Buffer.from(cursor, 'base64'),
    }),
  );
  const entries = (answer.schedules ?? [])
    .filter((entry) => !isScratch(entry))
    .map((entry) => ({
      id: entry.scheduleId ?? '',
      notes: entry.info?.notes ?? '',
      paused: Boolean(entry.info?.paused),
      searchAttributes: entry.searchAttributes,
      info: entry.info ?? {},
    }))
    .filter(({ id }) => !('prefix' in selection) || id.startsWith(selection.prefix));
  const token = answer.nextPageToken;
  return { entries, next: token && token.length > 0 ? Buffer.from(token).toString('base64') : undefined };
}

/** Every schedule of the tenant, a page in memory at a time. */
export async function* walk(cluster: Cluster, selection: Selection, pageSize = 200): AsyncGenerator<InventoryEntry> {
  let cursor: string | undefined;
  do {
    const page = await listPage(cluster, selection, cursor, pageSize);
    yield* page.entries;
    cursor = page.next;
  } while (cursor !== undefined);
}

/** Whose the schedules are that a visibility query matches, in order; at most `limit` and one. */
export async function tenantsOf(cluster: Cluster, query: string, limit: number): Promise<string[]> {
  const tenants = new Set<string>();
  for await (const { searchAttributes } of walk(cluster, { query })) {
    const tenant = keyword(searchAttributes?.indexedFields?.[TENANT]);
    if (tenant !== undefined) tenants.add(tenant);
    if (tenants.size > limit) break;
  }
  return [...tenants].toSorted();
}
