/** The other way round: the flags a service has already decide where its workflows start. */
import type { Client } from '@openfeature/server-sdk';
import { RouteUnavailable } from '../services/errors.ts';
import type { RouteSource } from '../services/ports.ts';

export interface FlagRoutes {
  /** Of OpenFeature, with any provider behind it. */
  client: Pick<Client, 'getStringDetails'>;
  /** A string flag: its value for a tenant, the targeting key, is the profile of a cluster. */
  flagKey: string;
  /** Every profile the flag may name. */
  clusters: readonly string[];
}

/** The flag gives no cluster to start on: nothing is started. */
export class FlagRefused extends RouteUnavailable {
  override name = 'FlagRefused';
}

/**
 * A flag has no T: each process sees a change when its provider does. So an id is looked for on the other clusters before
 * every start, which costs one call each, and two processes that see the flag change at different moments can still start
 * the same id at once, on two clusters. Exactly once across a change takes the tenant's record as the source.
 */
export function flagRoutes({ client, flagKey, clusters }: FlagRoutes): RouteSource {
  return {
    async route(tenant) {
      const details = await client.getStringDetails(flagKey, '', { targetingKey: tenant });
      const { value, errorCode, errorMessage } = details;
      if (errorCode !== undefined) {
        const why = errorMessage === undefined || errorMessage === '' ? errorCode : `${errorCode}: ${errorMessage}`;
        throw new FlagRefused(
          tenant,
          `flag "${flagKey}" has no answer for tenant "${tenant}" (${why}), and nothing is started on a guess; ` +
            `let the flag say one of ${list(clusters)}`,
        );
      }
      if (!clusters.includes(value)) {
        throw new FlagRefused(
          tenant,
          `flag "${flagKey}" says "${value}" for tenant "${tenant}", and the clusters are ${list(clusters)}; ` +
            'let the flag say one of those',
        );
      }
      const undrained = clusters.filter((name) => name !== value);
      return { to: { cluster: value, split: null }, from: null, at: null, undrained };
    },
  };
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
