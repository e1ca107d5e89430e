/** Which schedules an audit looks at: those of the selection on either cluster, each once, a batch at a time. */
import type { Selection } from '../activities/types.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { FIRST_PAGE, listPage } from '../clusters/inventory.ts';

/** Opaque: which cluster's list, and where in it. */
export type BatchCursor = string;

export interface Batch {
  ids: string[];
  /** Absent after the last batch. */
  next?: BatchCursor;
}

export async function nextBatch(
  clusters: Cluster[],
  selection: Selection,
  cursor: BatchCursor | undefined,
  size: number,
): Promise<Batch> {
  const { side, page } = read(cursor);
  const cluster = clusters[side];
  if (!cluster) return { ids: [] };
  const { entries, next } = await listPage(cluster, selection, page, size);
  const listed = entries.map(({ id }) => id);
  // Walked over already, with the cluster that comes first.
  const before = clusters.slice(0, side);
  const seen = await Promise.all(listed.map((id) => isOnAny(before, id)));
  const ids = listed.filter((_, i) => !seen[i]);
  if (next !== undefined) return { ids, next: `${side}:${next}` };
  return side + 1 < clusters.length ? { ids, next: `${side + 1}:${FIRST_PAGE}` } : { ids };
}

async function isOnAny(clusters: Cluster[], id: string): Promise<boolean> {
  for (const cluster of clusters) if (await cluster.describe(id)) return true;
  return false;
}

function read(cursor: BatchCursor | undefined): { side: number; page: string } {
  if (cursor === undefined) return { side: 0, page: FIRST_PAGE };
  const colon = cursor.indexOf(':');
  return { side: Number(cursor.slice(0, colon)), page: cursor.slice(colon + 1) };
}
