/** Bringing the target to what its users want: our bound off, and what they did to the fenced source carried over. */
import { type EditedByBoth, contents, editedBy, specEditedMs } from './carry.ts';
import { change, reread } from './change.ts';
import type { Handover } from './step.ts';
import { readNote } from './note.ts';
import type { Described, ScheduleCluster } from './ports.ts';
import { untilQuiet } from './quiet.ts';
import { isOurBound } from './shapes.ts';
import { durationMs } from './times.ts';

/**
 * One write, or none; none where both sides were edited. On V1 an unbounded target would still run nominal times before the boundary whose jittered time
 * lies ahead there: the source's. So the bound stays until the last of them has passed. Where that is far off it is
 * harmless, the schedule shows it, and the watch takes it off later.
 */
export async function bringTogether(
  h: Handover,
  id: string,
  seen: Described,
  source: Described,
  boundary: number,
): Promise<{ owner: Described; specEditedMs?: number } | EditedByBoth> {
  const paused = pausedByUser(source);
  const safeAt = (await whenSafe(h.target, id, seen, boundary)) + (await h.target.behindMs());
  const stays = isFarOff(h, safeAt) && !paused;
  if (!stays && safeAt > h.time.now()) await h.time.sleep(safeAt - h.time.now() + 100);
  let target = await reread(h.target, id);
  if (await untilQuiet(h.target, h.time, target)) target = await reread(h.target, id);
  const edited = editedBy(source, target, seen);
  if (edited.by === 'both') return edited;
  const user = contents(source.schedule, target.schedule);
  const written = edited.by === 'source' ? edited.content : user.target;
  const ours = stays && isOurBound(target.schedule.spec?.startTime);
  const startTime = ours ? target.schedule.spec?.startTime : written.spec?.startTime;
  const carriesPause = paused && !target.schedule.state?.paused;
  // A note without our mark was written by a person, or by the server in the name of one.
  const carriesNote =
    carriesPause || (edited.by === 'source' && readNote(source.schedule.state?.notes).mark === undefined);
  const state = {
    ...target.schedule.state,
    ...(carriesPause ? { paused: true } : {}),
    ...(carriesNote ? { notes: readNote(source.schedule.state?.notes).user } : {}),
  };
  const desired = { ...written, spec: { ...written.spec, startTime }, state };
  const searchAttributes = edited.by === 'source' ? edited.searchAttributes : undefined;
  const owner = await change(h.target, h.time, id, target, desired, { searchAttributes });
  return { owner, specEditedMs: specEditedMs(source, target, edited) };
}

const MAX_BOUND_WAIT_MS = 20_000;

/** Whether the bound stays on for now, because a jitter reaches far across the boundary. */
export async function boundStays(h: Handover, id: string, target: Described, boundary: number): Promise<boolean> {
  return isFarOff(h, (await whenSafe(h.target, id, target, boundary)) + (await h.target.behindMs()));
}

function isFarOff(h: Handover, safeAt: number): boolean {
  return safeAt - h.time.now() > MAX_BOUND_WAIT_MS;
}

/** Jitter never reaches the next nominal time: once the first of the target's own is due, all earlier ones have passed. */
export async function whenSafe(
  cluster: ScheduleCluster,
  id: string,
  target: Described,
  boundary: number,
): Promise<number> {
  const jitter = durationMs(target.schedule.spec?.jitter);
  if (jitter <= 5_000) return boundary + jitter;
  const [first] = await cluster.matchingTimes(id, boundary - 1000, boundary + jitter);
  return Math.min(boundary + jitter, first ?? Infinity);
}

function pausedByUser(source: Described): boolean {
  return Boolean(source.schedule.state?.paused) && readNote(source.schedule.state?.notes).mark?.kind !== 'standby';
}
