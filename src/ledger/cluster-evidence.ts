/** The evidence of a real cluster. Reads only: DescribeSchedule, ListScheduleMatchingTimes, DescribeNamespace, the list of
 *  executions and DescribeWorkflowExecution. */
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import proto, { type temporal } from '@temporalio/proto';
import { codeOf, isNotFound } from '../clusters/calls.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { describedFrom } from '../clusters/described.ts';
import { keyword } from '../clusters/keyword.ts';
import { timestamp } from '../clusters/proto-times.ts';
import { durationMs, nominalOf, toMs, toNumber } from '../schedules/times.ts';
import { type AuditedCluster, type Evidence, type Execution, Unreadable } from './ports.ts';
import { byScheduleIds, nominalBetween, openAt } from './queries.ts';

const { WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW } = proto.temporal.api.enums.v1.WorkflowExecutionStatus;

const PAGE = 1000;
/** Half of what a self-hosted cluster allows a namespace by default: its people use its lists too. */
const LISTS_PER_SECOND = 5;

/** Answers that are about one schedule, not about the cluster. */
const ONE_SCHEDULE = new Set([status.NOT_FOUND, status.INVALID_ARGUMENT, status.FAILED_PRECONDITION]);

export class ClusterEvidence implements AuditedCluster {
  readonly profile: string;
  readonly #cluster: Cluster;
  #retention?: Promise<number | undefined>;
  #nextList = 0;

  constructor(cluster: Cluster) {
    this.profile = cluster.profile;
    this.#cluster = cluster;
  }

  retentionMs(): Promise<number | undefined> {
    this.#retention ??= this.#askRetention();
    return this.#retention;
  }

  async #askRetention(): Promise<number | undefined> {
    const { namespace } = this.#cluster;
    const { config } = await this.#cluster.call((s) => s.describeNamespace({ namespace }));
    return durationMs(config?.workflowExecutionRetentionTtl) || undefined;
  }

  async describe(id: string): Promise<Evidence | undefined> {
    const { namespace } = this.#cluster;
    try {
      const answer = await this.#cluster.call((s) => s.describeSchedule({ namespace, scheduleId: id }));
      const { createTime, overlapSkipped, missedCatchupWindow, bufferDropped } = answer.info ?? {};
      return {
        ...describedFrom(answer),
        cluster: this.profile,
        createdMs: toMs(createTime),
        counters: {
          overlapSkipped: toNumber(overlapSkipped),
          missedCatchup: toNumber(missedCatchupWindow),
          bufferDropped: toNumber(bufferDropped),
        },
      };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw this.#unreadable(error, id);
    }
  }

  async matchingTimes(id: string, afterMs: number, untilMs: number): Promise<number[]> {
    const { namespace } = this.#cluster;
    const [startTime, endTime] = [timestamp(afterMs), timestamp(untilMs)];
    try {
      const answer = await this.#cluster.call((s) =>
        s.listScheduleMatchingTimes({ namespace, scheduleId: id, startTime, endTime }),
      );
      return (answer.startTime ?? []).map((t) => toMs(t) ?? 0);
    } catch (error) {
      throw this.#unreadable(error, id);
    }
  }

  async *executions(schedules: string[], fromMs: number, untilMs: number): AsyncGenerator<Execution[]> {
    if (schedules.length === 0) return;
    const wanted = new Set(schedules);
    const query = `${byScheduleIds(schedules)} AND ${nominalBetween(fromMs, untilMs)}`;
    let token: Uint8Array | undefined;
    do {
      const page = await this.#list(query, token);
      yield page.executions.filter(({ schedule }) => wanted.has(schedule));
      token = page.next;
    } while (token);
  }

  async openAt(schedule: string, ms: number): Promise<Execution[]> {
    const { executions } = await this.#list(`${byScheduleIds([schedule])} AND ${openAt(ms)}`, undefined);
    return executions.filter((execution) => execution.schedule === schedule);
  }

  async #list(
    query: string,
    nextPageToken: Uint8Array | undefined,
  ): Promise<{ executions: Execution[]; next?: Uint8Array }> {
    const { namespace } = this.#cluster;
    await this.#turn();
    const answer = await this.#cluster.call((s) =>
      s.listWorkflowExecutions({ namespace, query, pageSize: PAGE, nextPageToken }),
    );
    const executions = (answer.executions ?? []).map((info) => executionOf(this.profile, info));
    const next = answer.nextPageToken ?? undefined;
    return {
      executions: executions.filter((execution) => execution !== undefined),
      ...(next && next.length > 0 ? { next } : {}),
    };
  }

  async #turn(): Promise<void> {
    const at = Math.max(Date.now(), this.#nextList);
    this.#nextList = at + 1000 / LISTS_PER_SECOND;
    if (at > Date.now()) await delay(at - Date.now());
  }

  async findRun(workflowId: string): Promise<{ runId: string; startMs: number; closeMs?: number } | undefined> {
    const { namespace } = this.#cluster;
    try {
      const { workflowExecutionInfo: info } = await this.#cluster.call((s) =>
        s.describeWorkflowExecution({ namespace, execution: { workflowId } }),
      );
      if (!info) return undefined;
      return { runId: info.execution?.runId ?? '', startMs: startOf(info), closeMs: toMs(info.closeTime) };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async firstRunId(workflowId: string, runId: string): Promise<string | undefined> {
    const { namespace } = this.#cluster;
    try {
      const { workflowExecutionInfo: info } = await this.#cluster.call((s) =>
        s.describeWorkflowExecution({ namespace, execution: { workflowId, runId } }),
      );
      return info?.firstRunId || undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #unreadable(error: unknown, id: string): unknown {
    const code = codeOf(error);
    if (!(error instanceof Error) || code === undefined || !ONE_SCHEDULE.has(code)) return error;
    return new Unreadable(`${this.profile} does not answer about schedule ${id}: ${error.message}`, { cause: error });
  }
}

type Info = temporal.api.workflow.v1.IWorkflowExecutionInfo;

/** Undefined for what no schedule started: an id without a nominal time. */
function executionOf(cluster: string, info: Info): Execution | undefined {
  const { execution, searchAttributes } = info;
  const workflowId = execution?.workflowId ?? '';
  const nominalMs = nominalOf(workflowId);
  const schedule = keyword(searchAttributes?.indexedFields?.TemporalScheduledById);
  if (nominalMs === undefined || schedule === undefined) return undefined;
  return {
    cluster,
    schedule,
    workflowId,
    runId: execution?.runId ?? '',
    nominalMs,
    startMs: startOf(info),
    closeMs: toMs(info.closeTime),
    continuedAsNew: info.status === WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW,
  };
}

/** A run started early with a delay begins when the delay is over. */
function startOf({ startTime, executionTime }: Info): number {
  return Math.max(toMs(startTime) ?? 0, toMs(executionTime) ?? 0);
}

/** System attributes are JSON, never a user's codec. */
