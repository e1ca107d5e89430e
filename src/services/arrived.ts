/**
 * What became of a start whose answer was lost, asked of the cluster it was sent to once nothing of it can arrive any more:
 * it started a run, or used one that others had started, which may be closed by now.
 */
import { status } from '@grpc/grpc-js';
import proto, { type temporal } from '@temporalio/proto';
import { codeOf } from '../clusters/calls.ts';
import { HOLD_AFTER_MS } from '../routes/route.ts';
import { type Seen, describeOn, previousRun } from './describing.ts';
import { type Parts, send } from './parts.ts';
import type { Side } from './ports.ts';
import type { Starting } from './starts.ts';

const { UPDATE_WORKFLOW_EXECUTION_LIFECYCLE_STAGE_ACCEPTED: ACCEPTED } =
  proto.temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage;

/** To ask a cluster about one id. */
export const LOOK_MS = 10_000;

/** Its answer; undefined: it has not arrived. `sentAt`: Unix milliseconds, when it was first sent there. */
export async function arrived<Answer>(
  parts: Parts,
  profile: string,
  starting: Starting<Answer>,
  sentAt: number,
): Promise<Answer | undefined> {
  const { scope, time } = parts;
  const side = parts.side(profile);
  const { own, runs } = await scope.by(time.now() + LOOK_MS, () => runsOf(side, starting, sentAt));
  if (own !== undefined) return starting.started(side, own);
  // The oldest first: a signal that the one before has taken is new to the run that went on.
  for (const { runId } of runs.toReversed()) {
    const answer = await starting.used?.(side, runId);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/**
 * The run that our request has started there, if it did, else those it may have used. A run that went on as another one
 * does not know the request any more, so the first of its chain is asked too.
 */
async function runsOf<Answer>(
  side: Side,
  starting: Starting<Answer>,
  sentAt: number,
): Promise<{ own: string | undefined; runs: Seen[] }> {
  const { workflowId, requestId } = starting;
  const latest = await describeOn(side, workflowId);
  if (latest === undefined) return { own: undefined, runs: [] };
  const { firstRunId, runId } = latest;
  const first = firstRunId && firstRunId !== runId ? await describeOn(side, workflowId, firstRunId) : latest;
  const known = [latest, first].find((seen) => seen?.startedBy.includes(requestId));
  if (known !== undefined) return { own: known.runId, runs: [] };
  if (latest.startedBy.length === 0) {
    // An older server does not say by which request. Asked again, it does: in a form that starts nothing.
    const own = await refused(side, starting);
    if (own !== undefined) return { own, runs: [] };
  }
  return { own: undefined, runs: starting.used === undefined ? [] : await since(side, latest, sentAt) };
}

async function refused<Answer>(side: Side, starting: Starting<Answer>): Promise<string | undefined> {
  try {
    return starting.runOf(await starting.refuse(side));
  } catch (error) {
    if (codeOf(error) === status.ALREADY_EXISTS) return undefined;
    throw error;
  }
}

/** The latest run, and those of its chain that were open after `sentAt`, by two clocks that differ as far as they may. */
async function since(side: Side, latest: Seen, sentAt: number): Promise<Seen[]> {
  const runs = [latest];
  for (let seen = latest; seen.runId !== seen.firstRunId && seen.startedAt > sentAt - HOLD_AFTER_MS;) {
    const previous = await previousRun(side, latest.workflowId, seen.runId);
    const before = previous === undefined ? undefined : await describeOn(side, latest.workflowId, previous);
    if (before === undefined) break;
    runs.push(before);
    seen = before;
  }
  return runs;
}

interface Update {
  waitPolicy?: { lifecycleStage?: number | null } | null;
  request?: { meta?: { updateId?: string | null } | null } | null;
}

interface Reached {
  updateRef?: object | null;
  outcome?: object | null;
  stage?: temporal.api.enums.v1.UpdateWorkflowExecutionLifecycleStage | null;
}

const stageOf = ({ stage }: Reached): number => stage ?? 0;

/**
 * How far the update has got on this run, open or closed, waiting as it says itself; undefined: the run does not know it.
 * An update that a validator rejected, or that the run's end overtook, leaves no trace: nothing was done for it.
 */
export async function updateOn(
  parts: Parts,
  side: Side,
  execution: { workflowId: string; runId: string },
  update: Update,
): Promise<Reached | undefined> {
  const wanted = update.waitPolicy?.lifecycleStage ?? 0;
  const ask = (lifecycleStage: number): Promise<Reached> =>
    send(parts, side.profile, 'pollWorkflowExecutionUpdate', {
      namespace: side.namespace,
      updateRef: { workflowExecution: execution, updateId: update.request?.meta?.updateId },
      waitPolicy: { lifecycleStage },
    });
  try {
    let reached = await parts.scope.by(parts.time.now() + LOOK_MS, () => ask(0));
    if (stageOf(reached) < wanted) reached = await ask(wanted);
    // A server answers a long wait with what there is. Below ACCEPTED it may still be lost with the run.
    while (stageOf(reached) < Math.min(wanted, ACCEPTED)) reached = await ask(wanted);
    return reached;
  } catch (error) {
    if (codeOf(error) === status.NOT_FOUND) return undefined;
    throw error;
  }
}
