/** A tenant's workflows by type, since the cut-over on the target and as long before it on the source, by visibility counts. */
import { ClusterRuns } from '../comparison/cluster-runs.ts';
import { compareClusters } from '../comparison/compare.ts';
import type { TypeFigures } from '../comparison/types.ts';
import { durationSample, type Share, shareSample } from '../gates/baseline.ts';
import type { SettingsOf } from '../gates/measure-input.ts';
import type { Measurement, Sample } from '../gates/measurement.ts';
import { tenantQuery } from '../workflows/input.ts';
import type { Measure, MeasureContext } from './measure.ts';

type Settings = SettingsOf<'workflow-failures'> | SettingsOf<'workflow-duration'>;

/** Newest runs read on each side, for types and durations; failures are counted whatever it is. */
const SAMPLE = 1000;
/** What a duration may vary by without meaning anything. */
const SLACK_MS = 1000;

interface Sides {
  now: TypeFigures | undefined;
  before: TypeFigures | undefined;
}

export const workflowFailures: Measure<SettingsOf<'workflow-failures'>> = {
  async measure(settings, context): Promise<Measurement> {
    const { relative, atLeast } = settings;
    const { types } = await figures(settings, context);
    const shares = [...types].map(([type, { now, before }]) => ({ type, now: failed(now), before: failed(before) }));
    const enough = (each: { now: Share; before: Share }): boolean =>
      each.now.of >= atLeast && (context.absolute || each.before.of >= atLeast);
    const sample = (type: string, now: Share, before: Share): Sample =>
      shareSample({ type }, now, context.absolute ? null : before, relative);

    const values = shares.filter(enough).map(({ type, now, before }) => sample(type, now, before));
    const rest = shares.filter((each) => !enough(each));
    // Rare types are judged together, so that many of them failing does not go unseen.
    const pooled = { now: sum(rest.map(({ now }) => now)), before: sum(rest.map(({ before }) => before)) };
    const [only] = rest;
    const name = rest.length === 1 && only ? only.type : `${rest.length} rare ones together`;
    if (rest.length > 1 && enough(pooled)) values.push(sample(name, pooled.now, pooled.before));
    const few = tooFew(pooled.now.of, context.absolute ? atLeast : pooled.before.of, atLeast);
    if (values.length === 0) return { values, said: [], tooEarly: few ?? `no runs, ${atLeast} needed` };
    const unjudged = rest.length > 0 && !(rest.length > 1 && enough(pooled));
    return { values, said: unjudged && few !== undefined ? [`not judged: ${name} (${few})`] : [] };
  },
};

export const workflowDuration: Measure<SettingsOf<'workflow-duration'>> = {
  async measure(settings, context): Promise<Measurement> {
    const { relative, atLeast, percentile } = settings;
    const { types, notes } = await figures(settings, context);
    const values: Sample[] = [];
    const unjudged: string[] = [];
    for (const [type, { now, before }] of types) {
      const [value, was] = [now?.durationMs[percentile] ?? null, before?.durationMs[percentile] ?? null];
      const few = tooFew(
        now?.durationMs.read ?? 0,
        context.absolute ? atLeast : (before?.durationMs.read ?? 0),
        atLeast,
      );
      if (few !== undefined || value === null) unjudged.push(`${type} (${few ?? 'none completed'})`);
      else {
        const limitMs = (was ?? 0) * (1 + relative) + SLACK_MS;
        values.push(durationSample({ type, of: percentile }, value, context.absolute ? null : was, limitMs));
      }
    }
    if (values.length === 0) {
      return { values, said: [], tooEarly: unjudged.slice(0, 3).join(', ') || `no runs, ${atLeast} needed` };
    }
    return {
      values,
      said: [...notes, ...(unjudged.length > 0 ? [`not judged: ${unjudged.slice(0, 3).join(', ')}`] : [])],
    };
  },
};

async function figures(
  settings: Settings,
  context: MeasureContext,
): Promise<{ types: Map<string, Sides>; notes: string[] }> {
  const { tenant, from, to, clusters, beforeMs, sinceMs, nowMs, absolute } = context;
  const asked = {
    tenant,
    query: settings.query ?? context.workflows ?? tenantQuery(tenant),
    type: settings.type,
    sample: SAMPLE,
  };
  const lengthMs = Math.max(1000, nowMs - sinceMs);
  const target = new ClusterRuns(clusters.get(to));
  const now = await compareClusters([target], { ...asked, sinceMs, untilMs: nowMs });
  const types = new Map<string, Sides>();
  for (const [type, byProfile] of Object.entries(now.types)) types.set(type, { now: byProfile[to], before: undefined });
  if (absolute) return { types, notes: now.notes };
  // Types that only the source has run say nothing about the target.
  const source = new ClusterRuns(clusters.get(from));
  const before = await compareClusters([source], { ...asked, sinceMs: beforeMs - lengthMs, untilMs: beforeMs });
  for (const [type, sides] of types) sides.before = before.types[type]?.[from];
  return { types, notes: [...now.notes, ...before.notes] };
}

/** As `ferry compare` has it: terminated and cancelled ones are people's. */
function failed(of: TypeFigures | undefined): Share {
  const { Failed = 0, TimedOut = 0, Completed = 0 } = of?.byStatus ?? {};
  return { part: Failed + TimedOut, of: Failed + TimedOut + Completed };
}

function sum(shares: readonly Share[]): Share {
  return shares.reduce((all, { part, of }) => ({ part: all.part + part, of: all.of + of }), { part: 0, of: 0 });
}

/** Undefined where both are enough. */
function tooFew(now: number, before: number, atLeast: number): string | undefined {
  if (now < atLeast) return `${now} runs have ended, ${atLeast} needed`;
  return before < atLeast ? `${before} runs to compare with before the cut-over, ${atLeast} needed` : undefined;
}
