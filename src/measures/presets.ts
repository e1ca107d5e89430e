/**
 * Queries for the signals that tell most of a Temporal server under load. Names are those of Temporal server 1.29 to 1.32
 * with its default (tally) Prometheus reporter: latencies in seconds, counters without `_total`.
 */
import type { Preset } from '../gates/measures.ts';

export interface PresetQuery {
  query: string;
  unit?: string;
}

const p99 = (metric: string, labels = ''): string =>
  `histogram_quantile(0.99, sum by (le) (rate(${metric}_bucket${labels}[5m])))`;

/** A counter appears with its first event: none is none, but only where the server is scraped at all. */
const scraped = (query: string): string => `(${query}) and on() count(service_requests)`;
const increase = (metric: string): string => `(sum(increase(${metric}{namespace="$namespace"}[5m])) or vector(0))`;
const FRONTEND = '{service_name="frontend"}';

export const PRESET_QUERIES: Readonly<Record<Preset, PresetQuery>> = {
  // The histogram records transitions per write, so its sum is how many there were.
  'state-transitions': { query: 'sum(rate(state_transition_count_sum[5m]))', unit: '/s' },
  // Since 1.23 writes of a shard queue at this semaphore; `lock_latency` is mostly idle there.
  'shard-lock-latency': { query: p99('semaphore_latency', '{operation="ShardInfo"}'), unit: 's' },
  // Of operations nobody has asked for lately there is no quantile: NaN, which no comparison lets through.
  'persistence-latency': {
    query: 'histogram_quantile(0.99, sum by (le, operation) (rate(persistence_latency_bucket[5m]))) >= 0',
    unit: 's',
  },
  'service-errors': {
    query: `(sum(rate(service_errors${FRONTEND}[5m])) or vector(0)) / sum(rate(service_requests${FRONTEND}[5m]))`,
  },
  // Servers tell no size of a schedule's buffer, only what it could not hold.
  'schedule-buffer': {
    query: scraped(`${increase('schedule_buffer_overruns')} + ${increase('schedule_buffered_start_dropped')}`),
  },
  'schedule-rate-limited': { query: scraped(increase('schedule_rate_limited')) },
  'workflow-task-latency': {
    query: p99('task_schedule_to_start_latency', '{namespace="$namespace", task_type="Workflow"}'),
    unit: 's',
  },
  // Of Aurora, as exporters of CloudWatch name it.
  'database-commit-latency': { query: 'max(aws_rds_commit_latency_average)', unit: 'ms' },
  'database-cache-hits': { query: 'min(aws_rds_buffer_cache_hit_ratio_average)', unit: '%' },
};
