/** The three requests that start workflows, each with its forms that start nothing. */
import { randomUUID } from 'node:crypto';
import proto, { type temporal } from '@temporalio/proto';
import { updateOn } from './arrived.ts';
import { isAbsent } from './describing.ts';
import type { Call } from './methods.ts';
import { type Parts, send } from './parts.ts';
import type { Side } from './ports.ts';
import { type Starting, start } from './starts.ts';

const { WorkflowIdConflictPolicy: Conflict, WorkflowIdReusePolicy: Reuse } = proto.temporal.api.enums.v1;
const service = proto.temporal.api.workflowservice.v1;
type StartRequest = temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest;
type SignalWithStartRequest = temporal.api.workflowservice.v1.ISignalWithStartWorkflowExecutionRequest;
type UpdateRequest = temporal.api.workflowservice.v1.IUpdateWorkflowExecutionRequest;
type MultiRequest = temporal.api.workflowservice.v1.IExecuteMultiOperationRequest;

/** As the server's own: the history of a workflow that made room says why. */
const TERMINATED = 'another workflow was started with the same id, on another cluster (TERMINATE_EXISTING)';
/** With an id that exists, a request with this policy starts nothing. Not to be had together with TERMINATE_EXISTING. */
const NEVER_ANOTHER = { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE };
const OVER_ANY = { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE };
const REFUSED = { ...NEVER_ANOTHER, workflowIdConflictPolicy: Conflict.WORKFLOW_ID_CONFLICT_POLICY_FAIL };

export function startMethods(parts: Parts): Record<string, Call> {
  return {
    startWorkflowExecution: (request) => start(parts, starting(parts, request)),
    signalWithStartWorkflowExecution: (request) => start(parts, signalWithStart(parts, request)),
    executeMultiOperation: (request) => start(parts, multiOperation(parts, request)),
  };
}

interface StartAnswer {
  runId?: string;
  started?: boolean;
}

function starting(parts: Parts, given: StartRequest): Starting<StartAnswer> {
  const request = identified(given);
  const as = (side: Side, more?: Partial<StartRequest>): Promise<StartAnswer> =>
    send(parts, side.profile, 'startWorkflowExecution', more ? { ...request, ...more } : request);
  return {
    ...policies(parts, request, 'fail'),
    send: (side) => as(side),
    sendOver: (side) => as(side, OVER_ANY),
    refuse: (side) => as(side, REFUSED),
    validate: (side) => as(side, REFUSED),
    use: (side) => as(side, NEVER_ANOTHER),
    started: (_side, runId) => service.StartWorkflowExecutionResponse.create({ runId, started: true }),
    runOf: ({ runId }) => runId,
  };
}

function signalWithStart(parts: Parts, given: SignalWithStartRequest): Starting<StartAnswer> {
  const request = identified(given);
  const decided = policies(parts, request, 'use');
  const as = (side: Side, more?: Partial<SignalWithStartRequest>): Promise<StartAnswer> =>
    send(parts, side.profile, 'signalWithStartWorkflowExecution', more ? { ...request, ...more } : request);
  // With the request id it would have had there: a signal that has arrived before is not applied again.
  const signal = async (side: Side, runId: string): Promise<StartAnswer> => {
    const { namespace, workflowId, signalName, signalInput, identity, requestId, control, header, links } = request;
    await send(parts, side.profile, 'signalWorkflowExecution', {
      namespace,
      signalName,
      identity,
      requestId,
      control,
      header,
      links,
      input: signalInput,
      workflowExecution: { workflowId, runId },
    });
    return service.SignalWithStartWorkflowExecutionResponse.create({ runId, started: false });
  };
  return {
    ...decided,
    send: (side) => as(side),
    sendOver: (side) => as(side, OVER_ANY),
    // Without FAIL an open one is signalled, as it would be by whoever does not forbid it.
    refuse: (side) =>
      as(side, decided.conflict === 'fail' ? REFUSED : { ...NEVER_ANOTHER, workflowIdConflictPolicy: undefined }),
    use: signal,
    // A closed run still answers for a signal it has taken: a server looks at request ids first.
    used:
      decided.conflict === 'use'
        ? async (side, runId) => {
            try {
              return await signal(side, runId);
            } catch (error) {
              if (isAbsent(error)) return undefined;
              throw error;
            }
          }
        : undefined,
    started: (_side, runId) => service.SignalWithStartWorkflowExecutionResponse.create({ runId, started: true }),
    runOf: ({ runId }) => runId,
  };
}

interface MultiAnswer {
  responses?: { startWorkflow?: StartAnswer | null; updateWorkflow?: object }[] | null;
}

/** An update with a start, the only one there is. */
function multiOperation(parts: Parts, given: MultiRequest): Starting<MultiAnswer> {
  const found = given.operations?.find((operation) => operation.startWorkflow)?.startWorkflow;
  const request = identified(found ?? {});
  const decided = policies(parts, request, 'fail');
  const update = identifiedUpdate(
    given.operations?.find((operation) => operation.updateWorkflow)?.updateWorkflow ?? {},
  );
  const as = (side: Side, more?: Partial<StartRequest>): Promise<MultiAnswer> => {
    const operations = given.operations?.map(({ startWorkflow, updateWorkflow }) => ({
      ...(startWorkflow && { startWorkflow: { ...request, ...more, namespace: side.namespace } }),
      ...(updateWorkflow && { updateWorkflow: { ...update, namespace: side.namespace } }),
    }));
    return send(parts, side.profile, 'executeMultiOperation', { ...given, operations });
  };
  return {
    ...decided,
    send: (side) => as(side),
    sendOver: (side) => as(side, OVER_ANY),
    refuse: (side) => as(side, REFUSED),
    validate: (side) => as(side, REFUSED),
    use: (side) => as(side, NEVER_ANOTHER),
    // The answer of the update is still to be had, from a closed workflow too: the server knows it by its id.
    started: async (side, runId) => {
      const updateWorkflow = await send(parts, side.profile, 'updateWorkflowExecution', {
        ...update,
        workflowExecution: { workflowId: request.workflowId, runId },
      });
      return { responses: [{ startWorkflow: { runId, started: true } }, { updateWorkflow }] };
    },
    used:
      decided.conflict === 'use'
        ? async (side, runId) => {
            const reached = await updateOn(parts, side, { workflowId: decided.workflowId, runId }, update);
            if (reached === undefined) return undefined;
            const updateWorkflow = service.UpdateWorkflowExecutionResponse.create(reached);
            return { responses: [{ startWorkflow: { runId, started: false } }, { updateWorkflow }] };
          }
        : undefined,
    runOf: ({ responses }) => responses?.find((answer) => answer.startWorkflow)?.startWorkflow?.runId,
  };
}

/** Without an id of its own a request could not be told from another one. */
function identified<Request extends { requestId?: string | null }>(request: Request): Request & { requestId: string } {
  const { requestId } = request;
  return requestId ? (request as Request & { requestId: string }) : { ...request, requestId: randomUUID() };
}

/** The server would give it one, another one each time it is sent. */
function identifiedUpdate(update: UpdateRequest): UpdateRequest {
  const { request } = update;
  if (request?.meta?.updateId) return update;
  return { ...update, request: { ...request, meta: { ...request?.meta, updateId: randomUUID() } } };
}

function policies(
  parts: Parts,
  request: StartRequest & { requestId: string },
  otherwise: 'fail' | 'use',
): Pick<Starting<unknown>, 'workflowId' | 'requestId' | 'conflict' | 'inTheWay' | 'terminate'> {
  const { namespace, identity, requestId, workflowIdConflictPolicy, workflowIdReusePolicy: reuse } = request;
  const workflowId = request.workflowId ?? '';
  return {
    workflowId,
    requestId,
    conflict:
      reuse === Reuse.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING
        ? 'terminate'
        : (CONFLICTS.get(workflowIdConflictPolicy ?? 0) ?? otherwise),
    inTheWay: IN_THE_WAY.get(reuse ?? 0) ?? 'none',
    terminate: (side, runId) =>
      send(parts, side.profile, 'terminateWorkflowExecution', {
        namespace,
        identity,
        reason: TERMINATED,
        workflowExecution: { workflowId, runId },
      }),
  };
}

const CONFLICTS = new Map<number, 'fail' | 'use' | 'terminate'>([
  [Conflict.WORKFLOW_ID_CONFLICT_POLICY_FAIL, 'fail'],
  [Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING, 'use'],
  [Conflict.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING, 'terminate'],
]);

const IN_THE_WAY = new Map<number, 'completed' | 'any'>([
  [Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY, 'completed'],
  [Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE, 'any'],
]);
