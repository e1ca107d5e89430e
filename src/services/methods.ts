/** The raw API by name: what is routed alike needs no code of its own per method. */
import { WorkflowService } from '@temporalio/client';
import type { Side } from './ports.ts';

export type Call = (request: object) => Promise<object>;
export type Methods = Record<string, Call | undefined>;

/** Every method takes one request and promises one answer; the SDK's type does not say so by name. */
export function methodsOf(service: Partial<WorkflowService>): Methods {
  return service as unknown as Methods;
}

export function serviceOf(methods: [name: string, method: Call][]): WorkflowService {
  return Object.fromEntries(methods) as unknown as WorkflowService;
}

export const methodNames: readonly string[] = Object.entries(WorkflowService.create(() => undefined, false, false))
  .filter(([name, member]) => typeof member === 'function' && name !== 'rpcImpl')
  .map(([name]) => name);

/**
 * Sends a request to a side, in the side's namespace. A request for a namespace that is none of the tenant's is sent as
 * it is: `describeNamespace` and the like may ask for another.
 */
export function sendTo(side: Side, name: string, request: object, own: ReadonlySet<string>): Promise<object> {
  const method = methodsOf(side.service)[name];
  if (!method) throw new TypeError(`the service of "${side.profile}" has no ${name}`);
  const { namespace } = request as { namespace?: string };
  return method(namespace && own.has(namespace) ? { ...request, namespace: side.namespace } : request);
}

/** Of a request on one workflow, whichever way it names it. */
export function executionOf(request: object): { workflowId: string; runId: string | undefined } | undefined {
  const { execution, workflowExecution, updateRef, ...own } = request as Naming;
  const { workflowId, runId } = execution ?? workflowExecution ?? updateRef?.workflowExecution ?? own;
  return workflowId ? { workflowId, runId: runId || undefined } : undefined;
}

interface Named {
  workflowId?: string | null;
  runId?: string | null;
}

interface Naming extends Named {
  execution?: Named | null;
  workflowExecution?: Named | null;
  updateRef?: { workflowExecution?: Named | null } | null;
}
