/** A limited schedule's count after a handover. */
import Long from 'long';
import { change, reread } from './change.ts';
import type { Handover } from './step.ts';
import type { Described } from './ports.ts';
import type { Settled } from './settling.ts';
import { runId } from './times.ts';
import { ranAs, withBounds } from './verdicts.ts';

/** More runs than this since the boundary are not counted one by one: it was long ago. */
const COUNTED = 200;

/**
 * Runs started by id are not counted by the scheduler. What is left is what was left on the source at the boundary, less
 * all that has run on the target since: said in absolute numbers, so that it can be said twice.
 */
export async function rightCount(
  h: Handover,
  id: string,
  source: Settled,
  target: Settled,
  boundary: number,
): Promise<Described> {
  if (target.uncounted === 0 || !target.after.schedule.state?.limitedActions) return target.after;
  const owner = await reread(h.target, id);
  const listed = withBounds(await h.target.matchingTimes(id, boundary - 1000, h.time.now()), boundary - 1000);
  if (listed.length > COUNTED) return owner;
  let ran = 0;
  for (const due of listed) {
    const nominalMs = await target.nominalOf(due);
    const base = owner.schedule.action?.startWorkflow?.workflowId ?? '';
    const byId = nominalMs !== undefined && (await h.target.describeRun(runId(base, nominalMs)));
    if (byId || ranAs(due, owner.recent)) ran++;
  }
  const left = Math.max(0, source.after.remaining - source.uncounted - ran);
  if (left === owner.remaining) return owner;
  const state = { ...owner.schedule.state, remainingActions: Long.fromNumber(left) };
  return change(h.target, h.time, id, owner, { ...owner.schedule, state }, { always: true });
}

/** A limited owner has that many less than it says. The schedule, written; or as it was, where nothing is to be counted. */
export async function countStarted(h: Handover, id: string, owner: Described, started: number): Promise<Described> {
  if (started === 0 || !owner.schedule.state?.limitedActions) return owner;
  const now = await reread(h.target, id);
  const state = { ...now.schedule.state, remainingActions: Long.fromNumber(Math.max(0, now.remaining - started)) };
  return change(h.target, h.time, id, now, { ...now.schedule, state }, { always: true });
}
