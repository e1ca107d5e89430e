import type { Cluster } from '../../../src/clusters/cluster.ts';
import type { MeasureContext } from '../../../src/measures/measure.ts';
import { emptyAudit } from '../../../src/schedules/audit.ts';

export const HOUR = 3_600_000;
export const SINCE = Date.UTC(2026, 10, 28, 12);

/** A quarter of an hour after a cut-over that took a minute. */
export function context(change: Partial<MeasureContext> = {}): MeasureContext {
  return {
    tenant: 'acme',
    from: 'cloud',
    to: 'selfhosted',
    selection: { all: true },
    workflows: "TenantId = 'acme'",
    beforeMs: SINCE - 60_000,
    sinceMs: SINCE,
    nowMs: SINCE + HOUR / 4,
    absolute: false,
    audit: emptyAudit(),
    clusters: clustersOf({}),
    signal: new AbortController().signal,
    ...change,
  };
}

/** Clusters that answer these calls, by profile. */
export function clustersOf(services: Record<string, object>): MeasureContext['clusters'] {
  return {
    get: (profile) => {
      const service = services[profile] ?? {};
      const call = async (rpc: (s: object) => unknown) => rpc(service);
      return { profile, namespace: `${profile}-ns`, call } as unknown as Cluster;
    },
  };
}
