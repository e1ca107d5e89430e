/**
 * One conditional UpdateSchedule of an owner, in its user's words. It is conditional also where the user asked for none:
 * a hand-over that begins moves the token, and a write that did not look would take its fence down.
 *
 * On V1 an acknowledged update has only been queued, and is dropped without a word when the token has moved. The user's
 * words are not the server's (it parses crons, fills in defaults), so what has landed is told by those parts that no
 * server rewrites.
 */
import { status } from '@grpc/grpc-js';
import type { temporal } from '@temporalio/proto';
import { codeOf } from '../../clusters/calls.ts';
import { readNote } from '../../schedules/note.ts';
import type { Described, Time } from '../../schedules/ports.ts';
import { type Schedule, durationMs, toMs } from '../../schedules/times.ts';
import { ScheduleCallError } from './errors.ts';
import { type Seen, type SideStore, isUnknownOutcome } from './side.ts';

type UpdateRequest = temporal.api.workflowservice.v1.IUpdateScheduleRequest;

const SHOWS_WITHIN_MS = 20_000;
/** A write whose answer was lost: later it can still come, but nobody is kept waiting for that. */
const UNKNOWN_WITHIN_MS = 3_000;

/** `conflict`: nothing was written. Throws the transport's error where that cannot be told. */
export async function writeOwner(
  store: SideStore,
  time: Time,
  seen: Seen,
  request: UpdateRequest & { scheduleId: string; schedule: Schedule },
): Promise<'applied' | 'conflict'> {
  const { service, namespace } = store.side;
  let unknown: unknown;
  try {
    await service.updateSchedule({ ...request, namespace, conflictToken: seen.token });
    if (seen.engine === 'v2') return 'applied';
  } catch (error) {
    const code = codeOf(error);
    // Also where a retry below us fails on the token its first try has moved: on V2 the schedule itself tells.
    if (code === status.FAILED_PRECONDITION) return (await hasLanded(store, seen, request)) ? 'applied' : 'conflict';
    if (code === status.NOT_FOUND) return 'conflict';
    if (!isUnknownOutcome(error)) throw error;
    unknown = error;
  }
  const deadline = time.now() + (unknown === undefined ? SHOWS_WITHIN_MS : UNKNOWN_WITHIN_MS);
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    const after = await describeOr(store, request.scheduleId, unknown);
    // Made anew meanwhile, its tokens begin again as those of the old one did.
    if (after === undefined || after.createdMs !== seen.createdMs) return 'conflict';
    if (Buffer.compare(after.token, seen.token) !== 0)
      return isOurs(after, seen, request.schedule) ? 'applied' : 'conflict';
    if (time.now() > deadline)
      throw unknown ?? new ScheduleCallError(status.UNAVAILABLE, notShown(store.profile, request.scheduleId));
    await time.sleep(wait);
  }
}

async function hasLanded(
  store: SideStore,
  seen: Seen,
  { scheduleId, schedule }: { scheduleId: string; schedule: Schedule },
): Promise<boolean> {
  const after = await store.describe(scheduleId);
  return after !== undefined && changesShow(after, seen, schedule) === true;
}

async function describeOr(store: SideStore, id: string, unknown: unknown): Promise<Described | undefined> {
  try {
    return await store.describe(id);
  } catch (error) {
    // Of two failures the first is the one whose outcome is in question.
    throw unknown ?? error;
  }
}

/** Something has been written since: whether it was ours, with or without a later write on top. */
function isOurs(after: Described, before: Described, desired: Schedule): boolean {
  const shows = changesShow(after, before, desired);
  if (shows !== undefined) return shows;
  // Nothing changes that could tell: then all of it has to be as it was asked for, by an update, and not by one of ours.
  const same = JSON.stringify(plain(after.schedule)) === JSON.stringify(plain(desired));
  return same && after.updatedMs !== before.updatedMs && !readNote(after.schedule.state?.notes).mark;
}

/** Whether what this write changes shows; undefined where it changes nothing of what every server keeps as written. */
function changesShow(after: Described, before: Described, desired: Schedule): boolean | undefined {
  const [was, is, wanted] = [before.schedule, after.schedule, desired].map(plain);
  const changed = Object.keys(wanted ?? {}).filter((key) => was?.[key] !== wanted?.[key]);
  return changed.length === 0 ? undefined : changed.some((key) => is?.[key] === wanted?.[key]);
}

/** What every server keeps as it was written. */
function plain({ spec, action, policies, state }: Schedule): Record<string, string> {
  const start = action?.startWorkflow;
  const parts = {
    paused: Boolean(state?.paused),
    notes: readNote(state?.notes).user,
    limited: Boolean(state?.limitedActions),
    startMs: toMs(spec?.startTime) ?? null,
    endMs: toMs(spec?.endTime) ?? null,
    jitterMs: durationMs(spec?.jitter),
    intervals: (spec?.interval ?? []).map(({ interval, phase }) => [durationMs(interval), durationMs(phase)]),
    pauseOnFailure: Boolean(policies?.pauseOnFailure),
    workflowId: start?.workflowId ?? '',
    type: start?.workflowType?.name ?? '',
    taskQueue: start?.taskQueue?.name ?? '',
    input: (start?.input?.payloads ?? []).map(bytesOf),
    memo: named(start?.memo?.fields),
    header: named(start?.header?.fields),
  };
  return Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, JSON.stringify(value)]));
}

type Payload = temporal.api.common.v1.IPayload;

function named(fields: Record<string, Payload> | null | undefined): [string, string][] {
  const entries = Object.entries(fields ?? {}).map(([name, payload]): [string, string] => [name, bytesOf(payload)]);
  return entries.toSorted(([x], [y]) => (x < y ? -1 : 1));
}

function bytesOf({ data }: Payload): string {
  return Buffer.from(data ?? []).toString('base64');
}

function notShown(profile: string, id: string): string {
  return (
    `schedule ${id} on ${profile} does not show an update it acknowledged ${SHOWS_WITHIN_MS / 1000} s ago: ` +
    `is the cluster's scheduler worker overloaded?`
  );
}
