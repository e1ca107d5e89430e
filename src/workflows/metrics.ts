/** The snapshot as gauges. Replay-safe: the SDK sets them outside of the sandbox, and not while it replays. */
import { metricMeter } from '@temporalio/workflow';
import type { Progress } from './progress.ts';
import { straysOf } from './strays.ts';

export function publishMetrics(progress: Progress): void {
  const { tenant, from, to, phases, schedules, workflows, audit, breaches } = progress;
  const meter = metricMeter.withTags({ tenant, from, to });
  const gauge = (name: string, unit: string, description: string) => meter.createGauge(name, 'int', unit, description);

  // Those it has left are set back, so that a sum over `phase` counts each migration once.
  const phase = gauge('ferry_migration_phase', '', '1 for the phase a migration is in');
  for (const entered of phases) phase.set(entered.phase === progress.phase ? 1 : 0, { phase: entered.phase });

  const states = gauge('ferry_migration_schedules', '', 'Schedules of a migration by how far they have come');
  for (const [state, count] of Object.entries(schedules)) states.set(count, { state });

  if (workflows !== null) {
    const onDemand = gauge(
      'ferry_migration_workflows',
      '',
      'Workflows on demand: open on the old side, or started on the wrong side of the change',
    );
    onDemand.set(workflows.open, { state: 'open' });
    onDemand.set(straysOf(workflows).found, { state: 'wrongSide' });
  }

  const { maxLatenessMs, ...counts } = audit;
  const verdicts = gauge('ferry_migration_nominal_times', '', 'Nominal times around the boundaries by verdict');
  for (const [verdict, count] of Object.entries(counts)) verdicts.set(count, { verdict });
  gauge('ferry_migration_max_lateness_milliseconds', 'ms', 'Largest delay of a run around its boundary').set(
    maxLatenessMs,
  );
  gauge('ferry_migration_breaches', '', 'Times the wrong cluster, or none, was found active (at most 20 are kept)').set(
    breaches.length,
  );
}
