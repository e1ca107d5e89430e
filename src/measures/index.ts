/** Everything a check can measure with, built from what the worker's environment says. */
import type { MeasureKind, MeasureSettings, SettingsOf } from '../gates/measure-input.ts';
import type { Measurement } from '../gates/measurement.ts';
import { Datadog, type DatadogAccount } from './datadog.ts';
import { ledger } from './ledger.ts';
import type { Measure, MeasureContext } from './measure.ts';
import { Prometheus, type PrometheusServer } from './prometheus.ts';
import { workflowDuration, workflowFailures } from './runs.ts';
import { ScheduleHealth } from './schedule-health.ts';
import { taskQueues } from './task-queues.ts';

/** Addresses and secrets of metrics systems: the worker's own, never of an input. */
export interface MetricsSystems {
  prometheus?: PrometheusServer;
  datadog?: DatadogAccount;
}

export type Measures = { readonly [Kind in MeasureKind]: Measure<SettingsOf<Kind>> };

export function createMeasures({ prometheus, datadog }: MetricsSystems = {}): Measures {
  return {
    'schedule-health': new ScheduleHealth(),
    'workflow-failures': workflowFailures,
    'workflow-duration': workflowDuration,
    'task-queues': taskQueues,
    ledger,
    prometheus: new Prometheus(prometheus),
    datadog: new Datadog(datadog),
  };
}

export function measureWith(
  measures: Measures,
  settings: MeasureSettings,
  context: MeasureContext,
): Promise<Measurement> {
  switch (settings.kind) {
    case 'schedule-health':
      return measures[settings.kind].measure(settings, context);
    case 'workflow-failures':
      return measures[settings.kind].measure(settings, context);
    case 'workflow-duration':
      return measures[settings.kind].measure(settings, context);
    case 'task-queues':
      return measures[settings.kind].measure(settings, context);
    case 'ledger':
      return measures[settings.kind].measure(settings, context);
    case 'prometheus':
      return measures[settings.kind].measure(settings, context);
    case 'datadog':
      return measures[settings.kind].measure(settings, context);
  }
}
