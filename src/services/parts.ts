/** What the routed service of one tenant works with. */
import type { TenantMemory } from './memory.ts';
import { sendTo } from './methods.ts';
import type { Routes, ServiceTime, Side } from './ports.ts';
import type { CallScope } from './scope.ts';

export interface Parts {
  routes: Routes;
  /** Throws `AbsentCluster`. */
  side: (profile: string) => Side;
  present: readonly string[];
  /** The clusters' namespaces: a request for one of them is for the tenant, wherever it is. */
  namespaces: ReadonlySet<string>;
  memory: TenantMemory;
  scope: CallScope;
  time: ServiceTime;
}

/**
 * A cluster that this environment lacks and that has no open workflow of the tenant (`open`: those that may) is gone for
 * good: whatever had ended there is gone with it. One that may have open workflows is asked, which throws `AbsentCluster`.
 */
export function isAskable({ present }: Parts, open: readonly string[], profile: string): boolean {
  return present.includes(profile) || open.includes(profile);
}

export function send(parts: Parts, profile: string, method: string, request: object): Promise<object> {
  return sendTo(parts.side(profile), method, request, parts.namespaces);
}
