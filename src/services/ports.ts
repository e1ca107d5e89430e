/** What the routed service of one tenant is built from. */
import type { WorkflowService } from '@temporalio/client';
import type { Route } from '../routes/route.ts';

/** Where routes come from: the tenants' records, or a service's own flags. */
export interface RouteSource {
  /** Asked before every start, so it answers from memory as a rule. Throws where it cannot tell: then nothing is started. */
  route(tenant: string): Promise<Route>;
}

/** One cluster as a service reaches it: its raw API, and the namespace to ask it in. */
export interface Side {
  profile: string;
  namespace: string;
  service: WorkflowService;
}

export interface TenantSides {
  tenant: string;
  /** Cached for its lease; throws what `RouteReader` throws. */
  route(): Promise<Route>;
  /** Throws `AbsentCluster` for a profile this environment does not have. Connects nothing. */
  side(profile: string): Side;
  /** The profiles this environment has. */
  present: readonly string[];
}
