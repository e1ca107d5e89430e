/** What the routed service of one tenant works with. */
import type { Memory } from './memory.ts';
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
  memory: Memory;
  scope: CallScope;
  time: ServiceTime;
}

export function send(parts: Parts, profile: string, method: string, request: object): Promise<object> {
  return sendTo(parts.side(profile), method, request, parts.namespaces);
}
