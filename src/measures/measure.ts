/** What a check measures with. One file per source; what the answer means is `src/gates`. */
import type { Audit, Selection } from '../activities/types.ts';
import type { Measurement } from '../gates/measurement.ts';
import type { Cluster } from '../clusters/cluster.ts';

/** Of the tenant that is under watch. */
export interface MeasureContext {
  tenant: string;
  /** Profiles. `to` owns the tenant since the cut-over. */
  from: string;
  to: string;
  selection: Selection;
  /** Visibility query of its workflows; null: only schedules moved. */
  workflows: string | null;
  /** `from` was the owner until `beforeMs`, `to` has been since `sinceMs`; between them the schedules were handed over. */
  beforeMs: number;
  sinceMs: number;
  nowMs: number;
  /** The check has conditions of its own: what was before need not be looked up. */
  absolute: boolean;
  /** The migration's own ledger so far, less what a person has accepted. */
  audit: Audit;
  clusters: { get(profile: string): Cluster };
  signal: AbortSignal;
}

/** Throws where it could not measure: that is neither good nor bad. Its errors carry no address and no secret. */
export interface Measure<Settings> {
  measure(settings: Settings, context: MeasureContext): Promise<Measurement>;
}

/** `$tenant` and `$namespace` in a query, as a quoted text of PromQL and Datadog has to have them. */
export function filledIn(query: string, { tenant, to, clusters }: MeasureContext): string {
  const values: Record<string, () => string> = { tenant: () => tenant, namespace: () => clusters.get(to).namespace };
  return query.replaceAll(/\$(tenant|namespace)\b/g, (_, name: string) =>
    (values[name]?.() ?? '').replaceAll(/["\\]/g, String.raw`\$&`).replaceAll('\n', String.raw`\n`),
  );
}
