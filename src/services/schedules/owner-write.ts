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
import { differingFields } from '../../schedules/canonical.ts';
import { readNote } from '../../schedules/note.ts';
import type { Described, Time } from '../../schedules/ports.ts';
import { type Schedule, durationMs, toMs } from '../../schedules/times.ts';
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
    if (after === undefined) return 'conflict';
    if (Buffer.compare(after.token, seen.token) !== 0)
      return looksLike(after, seen, request.schedule) ? 'applied' : 'conflict';
    if (time.now() > deadline) throw unknown ?? new Error(notShown(store.profile, request.scheduleId));
    await time.sleep(wait);
  }
}

async function hasLanded(
  store: SideStore,
  seen: Seen,
  { scheduleId, schedule }: { scheduleId: string; schedule: Schedule },
): Promise<boolean> {
  const after = await store.describe(scheduleId);
  return after !== undefined && looksLike(after, seen, schedule) && differs(after, seen);
}

/** Somebody else may have written the very same; only a change is known for ours. */
function differs(after: Described, before: Described): boolean {
  return differingFields(after, before).length > 0 || !sameState(after.schedule, before.schedule);
}

async function describeOr(store: SideStore, id: string, unknown: unknown): Promise<Described | undefined> {
  try {
    return await store.describe(id);
  } catch (error) {
    // Of two failures the first is the one whose outcome is in question.
    throw unknown ?? error;
  }
}

/** Whether what is there now can be what was asked for: our own notes, and anybody's pause, edit or count, tell it is not. */
function looksLike(after: Described, before: Described, desired: Schedule): boolean {
  if (readNote(after.schedule.state?.notes).mark) return false;
  const stamped = after.updatedMs !== before.updatedMs;
  return (
    stamped &&
    sameState(after.schedule, desired) &&
    JSON.stringify(plain(after)) === JSON.stringify(plain({ schedule: desired }))
  );
}

function sameState({ state: a }: Schedule, { state: b }: Schedule): boolean {
  return (
    Boolean(a?.paused) === Boolean(b?.paused) &&
    (a?.notes ?? '') === (b?.notes ?? '') &&
    Boolean(a?.limitedActions) === Boolean(b?.limitedActions)
  );
}

/** What every server keeps as it was written. */
function plain({ schedule: { spec, action } }: { schedule: Schedule }) {
  const start = action?.startWorkflow;
  return {
    startMs: toMs(spec?.startTime) ?? null,
    endMs: toMs(spec?.endTime) ?? null,
    jitterMs: durationMs(spec?.jitter),
    intervals: (spec?.interval ?? []).map(({ interval, phase }) => [durationMs(interval), durationMs(phase)]),
    workflowId: start?.workflowId ?? '',
    type: start?.workflowType?.name ?? '',
    taskQueue: start?.taskQueue?.name ?? '',
    input: (start?.input?.payloads ?? []).map(({ data }) => Buffer.from(data ?? []).toString('base64')),
    memo: Object.keys(start?.memo?.fields ?? {}).toSorted(),
  };
}

function notShown(profile: string, id: string): string {
  return (
    `schedule ${id} on ${profile} does not show an update it acknowledged ${SHOWS_WITHIN_MS / 1000} s ago: ` +
    `is the cluster's scheduler worker overloaded?`
  );
}
