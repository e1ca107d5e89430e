/**
 * Starts follow the route (`src/routes/route.ts`), and never make two executions of one id:
 *
 * - Nothing is sent around T. What was sent before has to be answered by T, or by the end of what its route is good for.
 * - Where the id may be open from before is asked first; an open one is treated there, and nothing is started there.
 * - A start without an answer is looked for (`arrived.ts`), once nothing of it can arrive any more; then the same request,
 *   with the same request id, goes where starts go now.
 */
import { status } from '@grpc/grpc-js';
import { isGrpcServiceError } from '@temporalio/client';
import { codeOf } from '../clusters/calls.ts';
import { clustersOf, eraAt, openOn, startAt } from '../routes/route.ts';
import { LOOK_MS, arrived } from './arrived.ts';
import { type Seen, describeOn, isAbsent } from './describing.ts';
import { messageOf } from './message-of.ts';
import { type Parts, isAskable } from './parts.ts';
import type { Reading, Side } from './ports.ts';
import { callError } from './scope.ts';

export interface Starting<Answer> {
  workflowId: string;
  requestId: string;
  /** What to do with an open one of the same id. */
  conflict: 'fail' | 'use' | 'terminate';
  /** Closed ones of the same id that are in the way. */
  inTheWay: 'none' | 'completed' | 'any';
  /** Sends it as it is. */
  send: (side: Side) => Promise<Answer>;
  /** Whatever closed one of the same id there is. */
  sendOver: (side: Side) => Promise<Answer>;
  /** To where the id is, in a form that starts nothing: answered for our own one, refused as already started for another. */
  refuse: (side: Side) => Promise<Answer>;
  /** Uses the open one and starts nothing; refused when it has been closed meanwhile. */
  use: (side: Side, runId: string) => Promise<Answer>;
  terminate: (side: Side, runId: string) => Promise<unknown>;
  /**
   * Throws what the side refuses in the request itself, and starts nothing where the id is. Left out: there is no way to
   * ask without doing something.
   */
  validate?: ((side: Side) => Promise<Answer | undefined>) | undefined;
  /** The answer that was lost: our request started this run. */
  started: (side: Side, runId: string) => Answer | Promise<Answer>;
  /**
   * The answer that was lost, if our request has used this run, which others had started, and which may be closed by now;
   * undefined: it has not, and can not. Left out: a start that does nothing to what it uses.
   */
  used?: ((side: Side, runId: string) => Promise<Answer | undefined>) | undefined;
  runOf: (answer: Answer) => string | undefined;
}

const AGAIN_MS = 100;
const SERVER_FIRST_MS = 1_000;
const UNKNOWN_OUTCOME = new Set([status.DEADLINE_EXCEEDED, status.UNAVAILABLE, status.CANCELLED, status.UNKNOWN]);

export async function start<Answer>(parts: Parts, starting: Starting<Answer>): Promise<Answer> {
  /** What was terminated to make room. */
  const room: Seen[] = [];
  try {
    return await started(parts, starting, room);
  } catch (error) {
    const [seen] = room;
    if (seen === undefined) throw error;
    throw withRoomMade(error, seen);
  }
}

async function started<Answer>(parts: Parts, starting: Starting<Answer>, room: Seen[]): Promise<Answer> {
  const { routes, scope, time, memory } = parts;
  const { workflowId } = starting;
  /** Where it was sent to, and may have arrived; since when. */
  const sent = new Map<string, number>();
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

    for (const [profile, sentAt] of sent) {
      const answer = await arrived(parts, profile, starting, sentAt);
      if (answer !== undefined) return answered(profile, answer);
    }

    const home = parts.side(plan.cluster);
    const { other, over } = await elsewhere(parts, reading, plan, starting);
    if (other !== undefined) {
      const side = parts.side(other.profile);
      if (!other.open || starting.conflict === 'fail') return answered(other.profile, await starting.refuse(side));
      const taken =
        starting.conflict === 'use'
          ? await orGone(async () => ({ answer: await starting.use(side, other.runId) }))
          : await madeRoom(parts, starting, other, home, room);
      if (taken !== undefined) return answered(other.profile, taken.answer);
      // Closed, terminated, or gone on as another run meanwhile: the next look says which.
      continue;
    }

    // Asking took too long: what was decided above does not hold any more.
    const sentAt = time.now();
    if (sentAt >= by) continue;
    try {
      return answered(plan.cluster, await scope.by(by, () => (over ? starting.sendOver(home) : starting.send(home))));
    } catch (error) {
      const code = codeOf(error);
      // A server that gives a call up for its deadline cancels it, often before the caller's own clock says so.
      const givenUp = code === status.CANCELLED && time.now() >= by - SERVER_FIRST_MS;
      const ours = (code === status.DEADLINE_EXCEEDED || givenUp) && by < scope.deadline;
      const lost = plan.withinMs !== null && code !== undefined && UNKNOWN_OUTCOME.has(code);
      if (scope.isOver || !(ours || lost)) throw error;
      if (!sent.has(plan.cluster)) sent.set(plan.cluster, sentAt);
      await scope.wait('another attempt', (signal) => time.sleep(AGAIN_MS, signal));
    }
  }
}

/**
 * One of the same id that decides about this start on another cluster than the one it would be sent to. A cluster that
 * cannot be asked throws: a start could be the second. `over`: the latest of all does not forbid it, but the latest where
 * it is sent to would. (One that is started and completed there between this question and the start is not seen then.)
 */
async function elsewhere(
  parts: Parts,
  { route }: Reading,
  plan: { cluster: string; others: string[] },
  { workflowId, inTheWay }: Pick<Starting<unknown>, 'workflowId' | 'inTheWay'>,
): Promise<{ other?: Seen | undefined; over?: boolean }> {
  const { cluster } = plan;
  if (plan.others.length === 0 && inTheWay === 'none') return {};
  const open = openOn(route, parts.time.now());
  const all = inTheWay === 'none' ? plan.others : clustersOf(route).filter((name) => isAskable(parts, open, name));
  const others = all.filter((name) => name !== cluster);
  if (others.length === 0) return {};
  // A closed one is in the way if it is the latest of all, and none is open.
  const asked = inTheWay === 'none' ? others : [cluster, ...others];
  const seen = await parts.scope.by(parts.time.now() + LOOK_MS, () =>
    Promise.all(
      asked.map(async (profile) =>
        describeOn(parts.side(profile), workflowId).catch((error: unknown) => {
          throw profile === cluster ? error : unasked(error, workflowId, profile);
        }),
      ),
    ),
  );
  const found = seen.filter((one) => one !== undefined);
  const running = found.find((one) => one.open && one.profile !== cluster);
  if (running !== undefined || inTheWay === 'none') return { other: running };
  const here = found.find((one) => one.profile === cluster);
  const [latest] = found.toSorted((a, b) => b.startedAt - a.startedAt);
  if (latest === undefined || latest === here || here?.open) return {};
  return inTheWay === 'any' || latest.completed ? { other: latest } : { over: here?.completed === true };
}

/** Undefined: nothing is open there now. */
async function orGone<T>(use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (!isAbsent(error) && codeOf(error) !== status.ALREADY_EXISTS) throw error;
    return undefined;
  }
}

/**
 * Terminates the one over there, unless it is our own: then this is its answer. Two clusters do not do this and the start
 * in one: what can be known beforehand, that the new one's cluster answers and that the request is sound, is asked first.
 */
async function madeRoom<Answer>(
  parts: Parts,
  starting: Starting<Answer>,
  other: Seen,
  home: Side,
  room: Seen[],
): Promise<{ answer: Answer } | undefined> {
  const side = parts.side(other.profile);
  const [own] = await parts.scope.by(parts.time.now() + LOOK_MS, () =>
    Promise.all([orGone(async () => starting.validate?.(side)), describeOn(home, starting.workflowId)]),
  );
  if (own !== undefined) return { answer: own };
  await orGone(async () => {
    await starting.terminate(side, other.runId);
    room.push(other);
  });
  return undefined;
}

/** Whoever gets it must know that the old one is gone. */
function withRoomMade(error: unknown, { profile, workflowId, runId }: Seen): Error {
  return told(
    error,
    `Its workflow id "${workflowId}" was open on "${profile}", and run ${runId} was terminated there to make room for it (TERMINATE_EXISTING)`,
  );
}

/** The transport's words do not say which cluster that is, nor why it is asked at all. */
function unasked(error: unknown, workflowId: string, profile: string): unknown {
  if (!isGrpcServiceError(error)) return error;
  return told(
    error,
    `Nothing was started: workflow id "${workflowId}" may be there from before on "${profile}", which cannot be asked. If nothing of ` +
      `the tenant is open there, or it is gone for good: ferry route <tenant> --drained ${profile}`,
  );
}

/** The same error to whoever looks at its code. */
function told(error: unknown, more: string): Error {
  const known = isGrpcServiceError(error) ? { metadata: error.metadata } : {};
  const code = codeOf(error) ?? status.UNKNOWN;
  return Object.assign(callError(code, `${messageOf(error)}. ${more}`), { ...known, cause: error });
}
