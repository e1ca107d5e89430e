/**
 * Starts follow the route (`src/routes/route.ts`), and never make two executions of one id:
 *
 * - Nothing is sent around T. What was sent before has to be answered by T, or by the end of what its route is good for.
 * - Where the id may be open from before is asked first; an open one is treated there, and nothing is started there.
 * - A start without an answer is looked for by its request id, once nothing of it can arrive any more; then the same
 *   request, with the same request id, goes where starts go now.
 */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../clusters/calls.ts';
import { clustersOf, eraAt, openOn, startAt } from '../routes/route.ts';
import { type Seen, describeOn, isAbsent } from './describing.ts';
import { type Parts, isAskable } from './parts.ts';
import type { Reading, Side } from './ports.ts';

export interface Starting<Answer> {
  workflowId: string;
  requestId: string;
  /** What to do with an open one of the same id. */
  conflict: 'fail' | 'use' | 'terminate';
  /** Closed ones of the same id that are in the way. */
  inTheWay: 'none' | 'completed' | 'any';
  /** Sends it as it is. */
  send: (side: Side) => Promise<Answer>;
  /** To where the id is, in a form that starts nothing: answered for our own one, refused as already started for another. */
  refuse: (side: Side) => Promise<Answer>;
  /** Uses the open one and starts nothing; refused when it has been closed meanwhile. */
  use: (side: Side, runId: string) => Promise<Answer>;
  terminate: (side: Side, runId: string) => Promise<unknown>;
  /** The answer that was lost: our request started this run. */
  started: (side: Side, runId: string) => Answer | Promise<Answer>;
  runOf: (answer: Answer) => string | undefined;
}

/** To ask a cluster about one id. */
const LOOK_MS = 10_000;
const AGAIN_MS = 100;
const SERVER_FIRST_MS = 1_000;
const UNKNOWN_OUTCOME = new Set([status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.CANCELLED, status.UNKNOWN]);

export async function start<Answer>(parts: Parts, starting: Starting<Answer>): Promise<Answer> {
  const { routes, scope, time, memory } = parts;
  const { workflowId } = starting;
  /** Where it was sent to, and may have arrived. */
  const sent = new Set<string>();
  for (;;) {
    const reading = routes.fresh() ?? (await scope.wait('the route', () => routes.read()));
    const plan = startAt(reading.route, workflowId, time.now());
    if (plan.kind === 'hold') {
      await scope.wait('the change of route', (signal) => time.sleep(plan.forMs, signal));
      continue;
    }
    const era = eraAt(reading.route, time.now());
    const answered = (profile: string, answer: Answer): Answer => {
      memory.set(workflowId, starting.runOf(answer), { profile, era });
      return answer;
    };
    const by = Math.min(time.now() + (plan.withinMs ?? Infinity), reading.until);

    for (const profile of sent) {
      const runId = await ownRun(parts, profile, starting);
      if (runId !== undefined) return answered(profile, await starting.started(parts.side(profile), runId));
    }

    const other = await elsewhere(parts, reading, plan, starting);
    if (other !== undefined) {
      const side = parts.side(other.profile);
      if (!other.open || starting.conflict === 'fail') return answered(other.profile, await starting.refuse(side));
      const taken = await takenThere(starting, side, other.runId);
      if (taken !== undefined) return answered(other.profile, taken.answer);
      // Closed, terminated, or gone on as another run meanwhile: the next look says which.
      continue;
    }

    // Asking took too long: what was decided above does not hold any more.
    if (time.now() >= by) continue;
    try {
      return answered(plan.cluster, await scope.by(by, () => starting.send(parts.side(plan.cluster))));
    } catch (error) {
      const code = codeOf(error);
      // A server that gives a call up for its deadline cancels it, often before the caller's own clock says so.
      const givenUp = code === status.CANCELLED && time.now() >= by - SERVER_FIRST_MS;
      const ours = (code === status.DEADLINE_EXCEEDED || givenUp) && by < scope.deadline;
      const lost = plan.withinMs !== null && code !== undefined && UNKNOWN_OUTCOME.has(code);
      if (scope.isOver || !(ours || lost)) throw error;
      sent.add(plan.cluster);
      await scope.wait('another attempt', (signal) => time.sleep(AGAIN_MS, signal));
    }
  }
}

/**
 * The run that our request has started there, if it did. A run that went on as another one does not know the request any
 * more, so the first of its chain is asked too.
 */
async function ownRun<Answer>(parts: Parts, profile: string, starting: Starting<Answer>): Promise<string | undefined> {
  const { workflowId, requestId } = starting;
  const side = parts.side(profile);
  return parts.scope.by(parts.time.now() + LOOK_MS, async () => {
    const latest = await describeOn(side, workflowId);
    if (latest === undefined) return undefined;
    const { firstRunId, runId } = latest;
    const first = firstRunId && firstRunId !== runId ? await describeOn(side, workflowId, firstRunId) : latest;
    const known = [latest, first].find((seen) => seen?.startedBy.includes(requestId));
    if (known !== undefined || latest.startedBy.length > 0) return known?.runId;
    // An older server does not say by which request. Asked again, it does: in a form that starts nothing.
    try {
      return starting.runOf(await starting.refuse(side));
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return undefined;
      throw error;
    }
  });
}

/**
 * One of the same id that decides about this start on another cluster than the one it would be sent to. A cluster that
 * cannot be asked throws: a start could be the second.
 */
async function elsewhere(
  parts: Parts,
  { route }: Reading,
  plan: { cluster: string; others: string[] },
  { workflowId, inTheWay }: Pick<Starting<unknown>, 'workflowId' | 'inTheWay'>,
): Promise<Seen | undefined> {
  const { cluster } = plan;
  if (plan.others.length === 0 && inTheWay === 'none') return undefined;
  const open = openOn(route, parts.time.now());
  const all = inTheWay === 'none' ? plan.others : clustersOf(route).filter((name) => isAskable(parts, open, name));
  const others = all.filter((name) => name !== cluster);
  if (others.length === 0) return undefined;
  // Whether a completed one is in the way depends on whether it is the latest of all.
  const asked = inTheWay === 'completed' ? [cluster, ...others] : others;
  const seen = await parts.scope.by(parts.time.now() + LOOK_MS, () =>
    Promise.all(asked.map(async (profile) => describeOn(parts.side(profile), workflowId))),
  );
  const found = seen.filter((one) => one !== undefined);
  const running = found.find((one) => one.open && one.profile !== cluster);
  if (running !== undefined || inTheWay === 'none') return running;
  const [latest] = found.toSorted((a, b) => b.startedAt - a.startedAt);
  if (latest === undefined || latest.profile === cluster) return undefined;
  return inTheWay === 'any' || latest.completed ? latest : undefined;
}

/** Undefined: nothing is open there now. */
async function takenThere<Answer>(
  starting: Starting<Answer>,
  side: Side,
  runId: string,
): Promise<{ answer: Answer } | undefined> {
  try {
    if (starting.conflict === 'use') return { answer: await starting.use(side, runId) };
    await starting.terminate(side, runId);
  } catch (error) {
    if (!isAbsent(error) && codeOf(error) !== status.ALREADY_EXISTS) throw error;
  }
  return undefined;
}
