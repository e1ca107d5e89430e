import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { addAudit, emptyAudit } from '../schedules/audit.ts';
import { type HandoverResult, handOver } from '../schedules/handover.ts';
import { INTERRUPTED } from '../schedules/step.ts';
import { FIRST_PAGE, listPage } from '../clusters/inventory.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import { DEFAULT_HANDOVER, type FerryDeps } from './deps.ts';
import { eachSchedule, provenBefore, reasonFor } from './pages.ts';
import type { Cursor, CutOverResult, PageInput, Reason } from './types.ts';

/**
 * Hands over a page of schedules, pipelined. Cancelled, it takes on no further one, and one that waits for an open run
 * goes back whole instead of holding up a pause or a rollback. Whatever state an earlier attempt left one in, it goes on from there.
 */
export async function cutOverPage(deps: FerryDeps, input: PageInput): Promise<CutOverResult> {
  const settings = { ...DEFAULT_HANDOVER, ...deps.handover };
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const page: { entries: { id: string }[]; next?: Cursor } = input.only
    ? { entries: input.only.map((id) => ({ id })) }
    : await listPage(source, input.selection, input.cursor, input.pageSize);
  const result: CutOverResult = {
    seen: page.entries.length,
    handedOver: 0,
    alreadyThere: 0,
    userPaused: 0,
    failed: [],
    failedIds: [],
    audit: provenBefore(),
  };
  const idleLimitMs = input.openRunLimitMs ?? settings.idleLimitMs;
  const stillWanted = (): Promise<boolean> => isStillRunning(deps);
  const cancelled = cancellationSignal();
  const hurried = (): boolean => cancelled.aborted;
  const common = { source, target, time: REAL_TIME, migration: input.migration, stillWanted, hurried };
  const handover = { ...common, ...settings, idleLimitMs };

  let interrupted = false;
  const fail = (id: string, reason: Reason): void => {
    result.failed.push(reason);
    result.failedIds?.push(id);
  };
  const count = (id: string, { reason, outcome, userPaused }: HandoverResult): void => {
    if (reason?.code === INTERRUPTED) interrupted = true;
    else if (reason) fail(id, reason);
    if (outcome === 'handed-over') result.handedOver++;
    if (outcome === 'already-there') result.alreadyThere++;
    if (userPaused) result.userPaused++;
  };
  const progress = (): object => ({ audit: result.audit });
  const walked = await eachSchedule(page.entries, settings.inFlight, progress, async ({ id }) => {
    const audit = emptyAudit();
    try {
      count(id, await handOver(handover, id, audit));
    } catch (error) {
      fail(id, reasonFor(error, id));
    } finally {
      result.audit = addAudit(result.audit, audit);
    }
  });
  if (walked.complete && !interrupted) return { ...result, next: page.next };
  // The page will be walked again, and what is done will then count as already there; what was proven is kept.
  const none = { seen: 0, handedOver: 0, alreadyThere: 0, userPaused: 0, failed: [], failedIds: [] };
  return { ...result, ...none, next: input.cursor ?? FIRST_PAGE };
}

/** The migration this page is of; a terminated one hears of nothing else. */
async function isStillRunning({ control }: FerryDeps): Promise<boolean> {
  const { workflowExecution } = activityInfo();
  if (!workflowExecution) return true;
  const { workflowId, runId } = workflowExecution;
  const { status } = await control.workflow.getHandle(workflowId, runId).describe();
  return status.name === 'RUNNING';
}
