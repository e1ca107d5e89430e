/** The runs of schedules, read from the executions of the clusters and from nothing else. */
import type { Connection } from '@temporalio/client';
import type proto from '@temporalio/proto';

type Execution = proto.temporal.api.workflow.v1.IWorkflowExecutionInfo;

export interface Side {
  /** `cloud`, `selfhosted`, … */
  name: string;
  connection: Connection;
  namespace: string;
  /** Its schedules are run by the V2 scheduler, which loses some of its times by itself: see `lostByV2`. @default false */
  v2?: boolean;
}

export interface Run {
  side: string;
  workflowId: string;
  /** Epoch seconds. */
  nominal: number;
  /** When its work could begin: a delayed start begins at the end of its delay. */
  startMs: number;
  /** Infinity while it is open. */
  closeMs: number;
}

/** From when on a server did not serve, until it did again, epoch ms. */
export interface Outage {
  side: string;
  fromMs: number;
  toMs: number;
}

/** An update or a patch of a schedule, as it was sent. */
export interface Write {
  side: string;
  schedule: string;
  /** Epoch ms. */
  atMs: number;
  /** Of an update: which nominal times it leaves the schedule, epoch ms, inclusive. A patch says nothing of them. */
  open?: { paused: boolean; fromMs: number; untilMs: number };
}

/** Every scheduled execution of both clusters since shortly before `from`, by schedule. */
export async function readRuns({
  sides,
  ids,
  from,
}: {
  sides: Side[];
  ids: string[];
  /** Epoch seconds. */
  from: number;
}): Promise<Map<string, Run[]>> {
  const wanted = new Set(ids);
  // Limited schedules are counted from their first run.
  const since = new Date((from - 3_600) * 1_000).toISOString();
  const runs = new Map<string, Run[]>();
  for (const side of sides) {
    let nextPageToken: Uint8Array | undefined;
    do {
      const page = await side.connection.workflowService.listWorkflowExecutions({
        namespace: side.namespace,
        query: `TemporalScheduledById IS NOT NULL AND StartTime >= '${since}'`,
        pageSize: 1_000,
        nextPageToken,
      });
      for (const execution of page.executions ?? []) {
        const schedule = attribute(execution, 'TemporalScheduledById');
        if (!wanted.has(schedule)) continue;
        runs.set(schedule, [...(runs.get(schedule) ?? []), toRun(side.name, execution)]);
      }
      nextPageToken = page.nextPageToken ?? undefined;
    } while (nextPageToken && nextPageToken.length > 0);
  }
  return runs;
}

function toRun(side: string, execution: Execution): Run {
  const workflowId = execution.execution?.workflowId ?? '';
  // The action's id, then the nominal time: `orders-run-2026-11-22T16:44:20Z`.
  const suffix = /-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/.exec(workflowId)?.[1];
  const nominal = Date.parse(suffix ?? '') / 1_000;
  const recorded = Date.parse(attribute(execution, 'TemporalScheduledStartTime')) / 1_000;
  if (!(nominal === recorded))
    throw new Error(`${workflowId} on ${side} was scheduled for ${iso(recorded)}, says its attribute`);
  const closed = execution.closeTime ? milliseconds(execution.closeTime) : Infinity;
  return {
    side,
    workflowId,
    nominal,
    startMs: milliseconds(execution.executionTime ?? execution.startTime),
    closeMs: closed,
  };
}

function attribute(execution: Execution, name: string): string {
  const data = execution.searchAttributes?.indexedFields?.[name]?.data;
  return data ? String(JSON.parse(new TextDecoder().decode(data))) : '';
}

export function milliseconds(time: proto.google.protobuf.ITimestamp | null | undefined): number {
  return Number(time?.seconds ?? 0) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);
}

export function iso(seconds: number): string {
  return Number.isFinite(seconds)
    ? new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z')
    : 'an unreadable time';
}
