import type { Cluster } from '../clusters/cluster.ts';
import { UnknownProfile } from '../clusters/profiles.ts';
import { refusal } from '../errors.ts';
import type { FerryDeps } from './deps.ts';

/** For steps without a preflight: a profile this worker does not have is the input's fault. `to`: what it was to do there. */
export function clusterOf(deps: FerryDeps, profile: string, to: string): Cluster {
  try {
    return deps.clusters.get(profile);
  } catch (error) {
    if (!(error instanceof UnknownProfile)) throw error;
    throw refusal('InvalidInput', `The worker cannot ${to} ${profile}: ${error.message}.`);
  }
}
