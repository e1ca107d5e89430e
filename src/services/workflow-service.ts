/**
 * The raw API of one tenant, wherever it is: what the SDK's `Client` calls. Starts follow the route, calls on an existing
 * workflow go where it lives, lists go over both sides, `overrides` do what they do, and everything else goes where the
 * tenant's workflows start now.
 */
import type { WorkflowService } from '@temporalio/client';
import { destinationAt } from '../routes/route.ts';
import { listMethods } from './lists.ts';
import { onExisting } from './locate.ts';
import { type Call, type Methods, executionOf, methodNames, methodsOf, serviceOf } from './methods.ts';
import { type Parts, send } from './parts.ts';
import type { Overrides } from './ports.ts';
import { startMethods } from './start-requests.ts';
import { byTaskToken } from './task-tokens.ts';

export function routedService(parts: Parts, overrides: Overrides = {}): WorkflowService {
  const known: Methods = { ...listMethods(parts), ...startMethods(parts), ...methodsOf(overrides) };
  return serviceOf(methodNames.map((name) => [name, known[name] ?? otherwise(parts, name)]));
}

/** By what the request names. */
function otherwise(parts: Parts, name: string): Call {
  return async (request) => {
    const { taskToken } = request as { taskToken?: Uint8Array | null };
    if (taskToken?.length) return byTaskToken(parts, name)(request, taskToken);
    if (executionOf(request) !== undefined) return onExisting(parts, name)(request);
    const { route } = parts.routes.fresh() ?? (await parts.scope.wait('the route', () => parts.routes.read()));
    return send(parts, destinationAt(route, parts.time.now()).cluster, name, request);
  };
}
