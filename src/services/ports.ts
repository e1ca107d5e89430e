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
  /** Calls are made under the caller's deadline, metadata and abort signal. */
  service: WorkflowService;
}

export interface TenantSides {
  tenant: string;
  /** Cached for its lease; throws what `RouteReader` throws. Waits no longer than the caller's deadline and abort signal say. */
  route(): Promise<Route>;
  /** Throws `AbsentCluster` for a profile this environment does not have. Connects nothing. */
  side(profile: string): Side;
  /** The profiles this environment has. */
  present: readonly string[];
}

/**
 * Methods of the raw API that are not routed as `workflow-service.ts` does but by somebody else: schedules, which are
 * written to both sides. The namespace of a request is the client's: whoever sends it on sets the side's.
 */
export type Overrides = Partial<WorkflowService>;

/** A route, and for how long it holds. */
export interface Reading {
  route: Route;
  /** Unix milliseconds: what is sent on this route must have been answered by then. */
  until: number;
}

/** Where the route comes from: the tenant's record, or what is fixed for all. */
export interface Routes {
  /** What is known, if its lease has not run out. Costs nothing. */
  fresh(): Reading | undefined;
  /** What is known, else asked for; waits while the record cannot be read, to a limit. */
  read(): Promise<Reading>;
  /** What is known, else asked for once. */
  once(): Promise<Reading>;
}

export interface ServiceTime {
  /** Unix milliseconds: what T is compared with, and what deadlines of calls are in. */
  now(): number;
  /** Milliseconds that nobody sets: what leases are counted in. */
  monotonic(): number;
  /** Ends early, one way or the other, when the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
