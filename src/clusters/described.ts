/** A DescribeSchedule answer as the handover reads it. */
import type { temporal } from '@temporalio/proto';
import type { Described, Engine } from '../schedules/ports.ts';
import { toMs, toNumber } from '../schedules/times.ts';

export function describedFrom(answer: temporal.api.workflowservice.v1.IDescribeScheduleResponse): Described {
  const info = answer.info ?? {};
  const token = answer.conflictToken ?? new Uint8Array();
  return {
    schedule: answer.schedule ?? {},
    memo: answer.memo,
    searchAttributes: answer.searchAttributes,
    token,
    engine: engineOf(token),
    createdMs: toMs(info.createTime),
    updatedMs: toMs(info.updateTime),
    futureMs: (info.futureActionTimes ?? []).map((t) => toMs(t) ?? 0),
    recent: (info.recentActions ?? []).map((action) => ({
      workflowId: action.startWorkflowResult?.workflowId ?? '',
      dueMs: toMs(action.scheduleTime) ?? 0,
      startedMs: toMs(action.actualTime) ?? 0,
    })),
    running: (info.runningWorkflows ?? []).map((run) => run.workflowId ?? ''),
    buffered: Math.max(0, toNumber(info.bufferSize)),
    remaining: toNumber(answer.schedule?.state?.remainingActions),
  };
}

/** The token is a counter of 8 bytes, big-endian on V1 and little-endian on V2: the half that is zero tells. */
function engineOf(token: Uint8Array): Engine {
  return token.length === 8 && token.subarray(0, 4).some((byte) => byte !== 0) ? 'v2' : 'v1';
}
