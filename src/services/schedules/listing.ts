/**
 * The schedules of a tenant's namespaces as one list: the one side's pages, then the other's, without our copies and
 * without our notes. Eventually consistent, as every list; nothing is decided by it.
 */
import type { temporal } from '@temporalio/proto';
import { isScratch } from '../../clusters/cluster.ts';
import { readNote } from '../../schedules/note.ts';
import { isOurBound } from '../../schedules/shapes.ts';
import { toMs } from '../../schedules/times.ts';
import type { AnswerOf, RequestOf } from './methods.ts';
import type { SideStore } from './side.ts';

type Entry = temporal.api.schedule.v1.IScheduleListEntry;

interface Position {
  /** Profile whose list is read. */
  on: string;
  /** The server's own token, base64; empty at the beginning. */
  token: string;
}

export async function listPage(
  stores: SideStore[],
  request: RequestOf<'listSchedules'>,
  nowMs: number,
  /** Where a side cannot be asked: whether the list is whole without it. */
  mayMiss: (store: SideStore, error: unknown) => boolean,
): Promise<AnswerOf<'listSchedules'>> {
  const position = readPosition(request.nextPageToken);
  const index = position ? stores.findIndex(({ profile }) => profile === position.on) : 0;
  const store = stores[index];
  // The side it was read from is not of this tenant any more.
  if (!store) return { schedules: [] };
  const nextPageToken = position ? Buffer.from(position.token, 'base64') : new Uint8Array();
  const rest = stores[index + 1];
  const after = rest ? writePosition({ on: rest.profile, token: '' }) : new Uint8Array();
  try {
    const { service, namespace } = store.side;
    const answer = await service.listSchedules({ ...request, namespace, nextPageToken });
    const schedules = (answer.schedules ?? []).flatMap((entry) => shownEntry(entry, nowMs));
    const token = answer.nextPageToken ?? new Uint8Array();
    const next = { on: store.profile, token: Buffer.from(token).toString('base64') };
    return { schedules, nextPageToken: token.length > 0 ? writePosition(next) : after };
  } catch (error) {
    if (!mayMiss(store, error)) throw error;
    return { schedules: [], nextPageToken: after };
  }
}

/**
 * None for our paused copies. In the middle of a hand-over the fenced source stands for both until the boundary, the
 * opened target from there on.
 */
function shownEntry(entry: Entry, nowMs: number): Entry[] {
  if (isScratch(entry)) return [];
  const { mark, user } = readNote(entry.info?.notes);
  if (mark?.kind === 'standby') return [];
  if (mark?.kind === 'fence' && mark.boundary <= nowMs) return [];
  const start = entry.info?.spec?.startTime;
  if (isOurBound(start) && (toMs(start) ?? 0) > nowMs) return [];
  return [mark ? { ...entry, info: { ...entry.info, notes: user } } : entry];
}

function writePosition(position: Position): Uint8Array {
  return Buffer.from(JSON.stringify(position));
}

function readPosition(token: Uint8Array | null | undefined): Position | undefined {
  if (!token || token.length === 0) return undefined;
  const { on, token: own }: Partial<Position> = JSON.parse(Buffer.from(token).toString());
  if (typeof on !== 'string' || typeof own !== 'string') throw new TypeError('nextPageToken is not of this list');
  return { on, token: own };
}
