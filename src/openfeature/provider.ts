/** Serves the tenants' routes as a string flag, for services that choose a cluster by themselves. */
import {
  type EvaluationContext,
  GeneralError,
  type Provider,
  type ResolutionDetails,
  StandardResolutionReasons,
  TargetingKeyMissingError,
  TypeMismatchError,
} from '@openfeature/server-sdk';
import { clusterOf, destinationAt } from '../routes/route.ts';
import type { RouteSource } from '../services/ports.ts';

/**
 * Any flag key answers the same: the profile that the tenant's workflows start on now. The targeting key is the tenant;
 * `workflowId` in the context decides on which side of a split an id is, and without it the answer is the larger part's
 * cluster, the one that is not split off. The metadata tell T of a change: `changesAt`, ISO 8601.
 *
 * An answer is right when it is given. What is started with it later, or around T, is the service's own affair: the hold
 * around T, and the look for ids that are open on the other side, are made by `TenantClients` alone.
 */
export class FerryProvider implements Provider {
  readonly metadata = { name: 'temporal-ferry' };
  readonly runsOn = 'server';
  readonly #routes: RouteSource;
  readonly #now: () => number;

  constructor(routes: RouteSource, now: () => number = Date.now) {
    this.#routes = routes;
    this.#now = now;
  }

  async resolveStringEvaluation(
    flagKey: string,
    _defaultValue: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    const { targetingKey: tenant, workflowId } = context;
    if (!tenant) {
      throw new TargetingKeyMissingError(
        `flag "${flagKey}" is asked without a targeting key; give the tenant: { targetingKey: 'acme' }`,
      );
    }
    const route = await this.#routes.route(tenant).catch((error: unknown) => {
      throw new GeneralError(error instanceof Error ? error.message : String(error), { cause: error });
    });
    const destination = destinationAt(route, this.#now());
    const { split } = destination;
    const bySplit = split !== null && typeof workflowId === 'string';
    const cluster = bySplit ? clusterOf(destination, workflowId) : destination.cluster;
    return {
      value: cluster,
      variant: cluster,
      reason: bySplit ? StandardResolutionReasons.SPLIT : StandardResolutionReasons.TARGETING_MATCH,
      flagMetadata: route.at === null ? {} : { changesAt: route.at },
    };
  }

  async resolveBooleanEvaluation(flagKey: string): Promise<never> {
    throw isText(flagKey, 'boolean');
  }

  async resolveNumberEvaluation(flagKey: string): Promise<never> {
    throw isText(flagKey, 'number');
  }

  async resolveObjectEvaluation(flagKey: string): Promise<never> {
    throw isText(flagKey, 'object');
  }
}

function isText(flagKey: string, asked: string): TypeMismatchError {
  return new TypeMismatchError(
    `flag "${flagKey}" was asked as ${asked}, and a route is a text, the name of a profile: ask with getStringValue`,
  );
}
