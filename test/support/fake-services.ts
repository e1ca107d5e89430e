/**
 * Two clusters and a tenant's record in memory and in virtual time, as several processes see them: each with a clock of its
 * own, late and lost answers. Only what routing rests on is there.
 */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import proto, { type temporal } from '@temporalio/proto';
import type { WorkflowService } from '@temporalio/client';
import { vi } from 'vitest';
import type { Route } from '../../src/routes/route.ts';
import { AbsentCluster } from '../../src/services/errors.ts';
import { Memory } from '../../src/services/memory.ts';
import type { Parts } from '../../src/services/parts.ts';
import type { ServiceTime, Side } from '../../src/services/ports.ts';
import { type Published, RouteReader, type RouteReaderOptions } from '../../src/services/route-reader.ts';
import { CallScope, callError } from '../../src/services/scope.ts';
import { routedService } from '../../src/services/workflow-service.ts';

const {
  WorkflowExecutionStatus: Status,
  WorkflowIdConflictPolicy: Conflict,
  WorkflowIdReusePolicy: Reuse,
} = proto.temporal.api.enums.v1;
const { EVENT_TYPE_WORKFLOW_EXECUTION_STARTED } = proto.temporal.api.enums.v1.EventType;

export interface Run {
  cluster: string;
  workflowId: string;
  runId: string;
  firstRunId: string;
  requestId: string;
  status: temporal.api.enums.v1.WorkflowExecutionStatus;
  startedAt: number;
  signals: { name: string; requestId: string }[];
  updates: string[];
  /** The run that went on as this one. */
  continued?: string;
}

interface Request {
  namespace?: string;
  workflowId?: string;
  requestId?: string;
  signalName?: string;
  nextPageToken?: Uint8Array;
  workflowIdConflictPolicy?: number;
  workflowIdReusePolicy?: number;
  execution?: { workflowId?: string; runId?: string };
  workflowExecution?: { workflowId?: string; runId?: string };
  operations?: { startWorkflow?: Request; updateWorkflow?: { request?: { meta?: { updateId?: string } } } }[];
  request?: { meta?: { updateId?: string } };
  updateRef?: { workflowExecution?: { workflowId?: string; runId?: string }; updateId?: string };
  taskToken?: Uint8Array;
}

export class FakeCluster {
  readonly profile: string;
  readonly namespace: string;
  readonly runs: Run[] = [];
  /** Methods of all calls, with those that did not arrive. */
  readonly sent: string[] = [];
  /** Of every call that arrived. */
  readonly calls: { method: string; request: Request }[] = [];
  /** Says nothing of request ids in a Describe. */
  old = false;
  down = false;
  /** Takes calls, and answers none. */
  silent = false;
  /** What is said of an update, one answer after the other; then that it is completed. */
  stages: number[] = [];
  /** Of starts: refused for what is in them. */
  invalid = false;
  /** Added to the way of each call. */
  slowMs = 0;

  constructor(profile: string) {
    this.profile = profile;
    this.namespace = `ns-${profile}`;
  }

  of(workflowId: string): Run[] {
    return this.runs.filter((run) => run.workflowId === workflowId);
  }

  count(method: string): number {
    return this.calls.filter((call) => call.method === method).length;
  }

  start(workflowId: string, requestId: string = randomUUID()): Run {
    const runId = randomUUID();
    const run: Run = {
      cluster: this.profile,
      workflowId,
      runId,
      firstRunId: runId,
      requestId,
      status: Status.WORKFLOW_EXECUTION_STATUS_RUNNING,
      startedAt: Date.now(),
      signals: [],
      updates: [],
    };
    this.runs.push(run);
    return run;
  }

  /** The next run of a chain: it does not know the request that started the first. */
  continueAsNew(run: Run): Run {
    run.status = Status.WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW;
    return Object.assign(this.start(run.workflowId), {
      firstRunId: run.firstRunId,
      continued: run.runId,
    });
  }

  handle(method: string, request: Request): object {
    this.calls.push({ method, request });
    if (request.namespace !== undefined && request.namespace !== this.namespace) {
      throw callError(status.INVALID_ARGUMENT, `namespace ${request.namespace} on ${this.profile}`);
    }
    switch (method) {
      case 'startWorkflowExecution':
        return this.#started(request);
      case 'signalWithStartWorkflowExecution': {
        const { run, started } = this.#started(request, Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING);
        signal(run, request);
        return { runId: run.runId, started };
      }
      case 'executeMultiOperation': {
        const [start, update] = request.operations ?? [];
        const { run, started } = this.#started(start?.startWorkflow ?? {});
        run.updates.push(update?.updateWorkflow?.request?.meta?.updateId ?? '');
        return { responses: [{ startWorkflow: { runId: run.runId, started } }, { updateWorkflow: { stage: 3 } }] };
      }
      case 'signalWorkflowExecution':
        // As a server: request ids are looked at before it is closed.
        if (!this.#any(request.workflowExecution).signals.some((known) => known.requestId === request.requestId)) {
          signal(this.#open(request.workflowExecution), request);
        }
        return {};
      case 'updateWorkflowExecution':
        this.#open(request.workflowExecution).updates.push(request.request?.meta?.updateId ?? '');
        return { stage: 3 };
      case 'pollWorkflowExecutionUpdate': {
        const { workflowExecution, updateId = '' } = request.updateRef ?? {};
        const run = this.#any(workflowExecution);
        if (!run.updates.includes(updateId)) throw notFound();
        return { stage: this.stages.shift() ?? 3, updateRef: request.updateRef };
      }
      case 'resetWorkflowExecution':
        return { runId: this.start(this.#any(request.workflowExecution).workflowId).runId };
      case 'terminateWorkflowExecution':
        this.#open(request.workflowExecution).status = Status.WORKFLOW_EXECUTION_STATUS_TERMINATED;
        return {};
      case 'queryWorkflow':
        return { answeredBy: this.#any(request.execution).runId };
      case 'describeWorkflowExecution':
        return this.#described(this.#any(request.execution));
      case 'getWorkflowExecutionHistory': {
        const { runId, continued } = this.#any(request.execution);
        return {
          of: runId,
          history: { events: [{ workflowExecutionStartedEventAttributes: { continuedExecutionRunId: continued } }] },
          nextPageToken: request.nextPageToken?.length ? new Uint8Array() : Buffer.from(this.profile),
        };
      }
      case 'listWorkflowExecutions': {
        const at = Number(Buffer.from(request.nextPageToken ?? []).toString() || 0);
        const executions = this.runs
          .slice(at, at + 2)
          .map(({ workflowId, runId }) => ({ execution: { workflowId, runId } }));
        return {
          executions,
          nextPageToken: at + 2 < this.runs.length ? Buffer.from(String(at + 2)) : new Uint8Array(),
        };
      }
      case 'countWorkflowExecutions':
        return {
          count: this.runs.length,
          groups: [{ groupValues: [{ data: Buffer.from('"Running"') }], count: this.runs.length }],
        };
      case 'respondActivityTaskCompleted':
        if (Buffer.from(request.taskToken ?? []).toString() !== this.profile) throw notFound();
        return {};
      default:
        return { by: this.profile };
    }
  }

  #started(
    request: Request,
    otherwise: number = Conflict.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
  ): { run: Run; runId: string; started: boolean } {
    const { workflowId = '', requestId = '', workflowIdReusePolicy: reuse } = request;
    if (this.invalid) throw callError(status.INVALID_ARGUMENT, 'search attribute NotThere is not defined');
    const latest = this.of(workflowId).at(-1);
    if (latest?.requestId === requestId) return { run: latest, runId: latest.runId, started: true };
    const conflict = request.workflowIdConflictPolicy || otherwise;
    if (latest?.status === Status.WORKFLOW_EXECUTION_STATUS_RUNNING) {
      if (conflict === Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING)
        return { run: latest, runId: latest.runId, started: false };
      if (conflict !== Conflict.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING) throw exists();
      latest.status = Status.WORKFLOW_EXECUTION_STATUS_TERMINATED;
    } else if (latest) {
      const completed = latest.status === Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
      if (reuse === Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE) throw exists();
      if (reuse === Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY && completed) throw exists();
    }
    const run = this.start(workflowId, requestId);
    return { run, runId: run.runId, started: true };
  }

  #any({ workflowId = '', runId }: { workflowId?: string; runId?: string } = {}): Run {
    const run = this.of(workflowId).findLast((each) => !runId || each.runId === runId);
    if (!run) throw notFound();
    return run;
  }

  #open(execution: Request['workflowExecution']): Run {
    const run = this.#any(execution);
    if (run.status !== Status.WORKFLOW_EXECUTION_STATUS_RUNNING) throw notFound();
    return run;
  }

  #described({ workflowId, runId, firstRunId, requestId, status: state, startedAt }: Run): object {
    const eventType = EVENT_TYPE_WORKFLOW_EXECUTION_STARTED;
    return {
      workflowExecutionInfo: {
        execution: { workflowId, runId },
        firstRunId,
        status: state,
        startTime: { seconds: Math.floor(startedAt / 1000), nanos: (startedAt % 1000) * 1e6 },
      },
      workflowExtendedInfo: { requestIdInfos: this.old ? {} : { [requestId]: { eventType } } },
    };
  }
}

function signal(run: Run, { signalName = '', requestId = '' }: Request): void {
  if (!run.signals.some((known) => known.requestId === requestId)) run.signals.push({ name: signalName, requestId });
}

const exists = (): Error => callError(status.ALREADY_EXISTS, 'Workflow execution already started');
const notFound = (): Error => callError(status.NOT_FOUND, 'workflow not found');

/**
 * `unanswered`: worked on, and never answered, as an update that goes on; `late`: the server works on it after the caller has given up; `late and cancelled`: it gives the call up
 * first.
 */
export type Fault = 'request lost' | 'answer lost' | 'unanswered' | 'late' | 'late and cancelled' | undefined;

export interface ProcessOptions {
  clusters: FakeCluster[];
  ask: RouteReaderOptions['ask'];
  /** Its clock against that of the record. */
  skewMs?: number;
  /** One way, of one call. */
  latencyMs?: () => number;
  fault?: (method: string) => Fault;
  reader?: Partial<RouteReaderOptions>;
}

export interface FakeProcess {
  service: WorkflowService;
  reader: RouteReader;
  parts: Parts;
  scope: CallScope;
  time: ServiceTime;
}

/** How long a server goes on with what was given up. */
const LATE_MS = 500;

export function virtualTime(skewMs = 0): ServiceTime {
  return {
    now: () => Date.now() + skewMs,
    monotonic: () => Date.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        signal?.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve();
        });
      }),
  };
}

export function fakeProcess({
  clusters,
  ask,
  skewMs = 0,
  latencyMs = () => 5,
  fault,
  reader: more,
}: ProcessOptions): FakeProcess {
  const time = virtualTime(skewMs);
  const scope = new CallScope(time);
  const present = clusters.map(({ profile }) => profile);
  const call = (cluster: FakeCluster, method: string, request: Request): Promise<object> =>
    new Promise((resolve, reject) => {
      cluster.sent.push(method);
      const broken = fault?.(method);
      const endsAt = scope.deadline - skewMs;
      const timers: NodeJS.Timeout[] = [];
      const fail = (code: status, ms: number): void => {
        timers.push(setTimeout(() => reject(callError(code, `${code} of ${method} on ${cluster.profile}`)), ms));
      };
      scope.current?.abortSignal?.addEventListener('abort', () => fail(status.CANCELLED, 0));
      if (cluster.down) return fail(status.UNAVAILABLE, 20);
      if (endsAt !== Infinity) fail(status.DEADLINE_EXCEEDED, Math.max(0, endsAt - Date.now()));
      if (broken === 'late and cancelled' && endsAt !== Infinity)
        fail(status.CANCELLED, Math.max(0, endsAt - Date.now() - 20));
      // A connection that is lost is noticed some time.
      if (broken === 'request lost' || broken === 'answer lost') fail(status.UNAVAILABLE, 8_000);
      if (broken === 'request lost' || cluster.silent) return;
      const arrives = broken?.startsWith('late')
        ? Math.max(0, endsAt === Infinity ? 5 : endsAt - Date.now() + LATE_MS)
        : latencyMs() + cluster.slowMs;
      setTimeout(() => {
        if (Date.now() > endsAt + LATE_MS) return;
        let finish: () => void;
        try {
          const answer = cluster.handle(method, request);
          finish = () => resolve(answer);
        } catch (error) {
          finish = () => reject(error instanceof Error ? error : new Error(String(error)));
        }
        if (broken !== 'answer lost' && broken !== 'unanswered') setTimeout(finish, latencyMs());
      }, arrives);
    });
  const sides = new Map(
    clusters.map((cluster): [string, Side] => {
      const service = new Proxy({} as WorkflowService, {
        get: (_target, method) => (request: Request) => call(cluster, String(method), request),
      });
      return [cluster.profile, { profile: cluster.profile, namespace: cluster.namespace, service }];
    }),
  );
  const reader = new RouteReader({ tenant: 'acme', ask, time, controlProfile: 'control', present, ...more });
  const parts: Parts = {
    routes: reader,
    side: (profile) => {
      const side = sides.get(profile);
      if (!side) throw new AbsentCluster('acme', profile, present);
      return side;
    },
    present,
    namespaces: new Set(clusters.map(({ namespace }) => namespace)),
    memory: new Memory().of('acme'),
    scope,
    time,
  };
  return { service: routedService(parts), reader, parts, scope, time };
}

/** A record that answers after `latencyMs`. */
export class FakeRecord {
  published: Published | undefined;
  asked = 0;
  failing: Error | undefined;
  latencyMs = 5;

  constructor(route?: Route) {
    this.published = route && { route };
  }

  readonly ask = async (): Promise<Published | undefined> => {
    this.asked++;
    const { published, failing, latencyMs } = this;
    await new Promise((resolve) => setTimeout(resolve, latencyMs));
    if (failing) throw failing;
    return published;
  };
}

export function routeTo(cluster: string, more: Partial<Route> = {}): Route {
  return { to: { cluster, split: null }, from: null, at: null, undrained: [], ...more };
}

/** Lets virtual time pass until the promise is settled, and says how it ended. */
export async function settled<T>(promise: Promise<T>, limitMs = 120_000, stepMs = 50): Promise<T> {
  let over = false;
  const done = promise.finally(() => {
    over = true;
  });
  done.catch(() => undefined);
  for (let passed = 0; !over && passed < limitMs; passed += stepMs) await vi.advanceTimersByTimeAsync(stepMs);
  if (!over) throw new Error(`not settled after ${limitMs} ms of virtual time`);
  return done;
}
