/**
 * How the tenant's schedules do on the target, against how they did on the source. A cluster counts what a schedule missed,
 * skipped and dropped since its creation there, so shares are compared and not numbers; starts are told of the last ten.
 * That a start was held back by a rate limit no cluster tells: it shows as lateness.
 */
import type { temporal } from '@temporalio/proto';
import { LRUCache } from 'lru-cache';
import { isNotFound } from '../clusters/calls.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { walk } from '../clusters/inventory.ts';
import { percentile } from '../comparison/compare.ts';
import { durationSample, type Share, shareSample } from '../gates/baseline.ts';
import type { SettingsOf } from '../gates/measure-input.ts';
import type { Measurement, Sample } from '../gates/measurement.ts';
import { toMs, toNumber } from '../schedules/times.ts';
import type { Measure, MeasureContext } from './measure.ts';

const AT_ONCE = 10;
const P95 = 0.95;

/** Of all schedules looked at on one side. */
interface Health {
  actions: number;
  missed: number;
  overlapSkipped: number;
  bufferDropped: number;
  buffered: number;
  /** Of recent starts due in the range, ms behind their due (jittered) time, ascending. */
  late: number[];
}

export class ScheduleHealth implements Measure<SettingsOf<'schedule-health'>> {
  /** A paused copy does nothing more, so that side is described once. */
  readonly #before = new LRUCache<string, Health>({ max: 100 });

  async measure(settings: SettingsOf<'schedule-health'>, context: MeasureContext): Promise<Measurement> {
    const { figure, relative, later, atLeast, sample } = settings;
    const { clusters, from, to, selection, sinceMs, absolute, signal } = context;
    const target = clusters.get(to);
    const { ids, more } = await someSchedules(target, selection, sample);
    if (ids.length === 0) return { values: [], said: [`no schedules of it are listed on ${to}`] };
    const now = await look(target, ids, (dueMs) => dueMs >= sinceMs, signal);
    const seen = now.late.length + now.missed + now.overlapSkipped + now.bufferDropped;
    if (figure !== 'buffered' && seen < atLeast) {
      return early(`${seen} actions of ${ids.length} schedules since the cut-over, ${atLeast} needed`);
    }
    const before = absolute ? null : await this.#baseline(ids, context);
    if (before && events(before) < atLeast) {
      return early(`${events(before)} actions to compare with on ${from}, ${atLeast} needed`);
    }
    const values = samples(now, before, { relative, laterMs: later });
    return {
      values: values.filter(({ labels, own }) => (figure === undefined ? own !== undefined : labels.figure === figure)),
      said: more ? [`${ids.length} of its schedules were looked at`] : [],
    };
  }

  async #baseline(ids: readonly string[], { clusters, from, beforeMs, signal }: MeasureContext): Promise<Health> {
    const key = JSON.stringify([from, beforeMs, ids]);
    const known = this.#before.get(key);
    if (known) return known;
    const before = await look(clusters.get(from), ids, (dueMs) => dueMs < beforeMs, signal);
    this.#before.set(key, before);
    return before;
  }
}

function early(tooEarly: string): Measurement {
  return { values: [], said: [], tooEarly };
}

function samples(
  now: Health,
  before: Health | null,
  { relative, laterMs }: { relative: number; laterMs: number },
): Sample[] {
  const share = (figure: string, of: (health: Health) => number): Sample =>
    shareSample({ figure }, within(now, of), before && within(before, of), relative);
  const late = percentile(now.late, P95);
  const was = before && (percentile(before.late, P95) ?? 0);
  return [
    share('missed', ({ missed }) => missed),
    share('overlap-skipped', ({ overlapSkipped }) => overlapSkipped),
    share('buffer-dropped', ({ bufferDropped }) => bufferDropped),
    { labels: { figure: 'buffered' }, value: now.buffered },
    ...(late === null ? [] : [durationSample({ figure: 'lateness', of: 'p95' }, late, was, (was ?? 0) + laterMs)]),
  ];
}

/** Of the actions that should have been. */
function within(health: Health, of: (health: Health) => number): Share {
  return { part: of(health), of: health.actions + of(health) };
}

function events({ actions, missed, overlapSkipped, bufferDropped }: Health): number {
  return actions + missed + overlapSkipped + bufferDropped;
}

/** The list says which; what they did, each says itself. */
async function someSchedules(
  cluster: Cluster,
  selection: MeasureContext['selection'],
  most: number,
): Promise<{ ids: string[]; more: boolean }> {
  const ids: string[] = [];
  for await (const { id } of walk(cluster, selection)) {
    if (ids.length === most) return { ids, more: true };
    ids.push(id);
  }
  return { ids, more: false };
}

async function look(
  cluster: Cluster,
  ids: readonly string[],
  inRange: (dueMs: number) => boolean,
  signal: AbortSignal,
): Promise<Health> {
  const health: Health = { actions: 0, missed: 0, overlapSkipped: 0, bufferDropped: 0, buffered: 0, late: [] };
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    signal.throwIfAborted();
    const infos = await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => describe(cluster, id)));
    for (const info of infos) add(health, info, inRange);
  }
  health.late.sort((a, b) => a - b);
  return health;
}

type Info = temporal.api.schedule.v1.IScheduleInfo;

/** Undefined: deleted meanwhile, or never on that side. */
async function describe(cluster: Cluster, scheduleId: string): Promise<Info | undefined> {
  const { namespace } = cluster;
  try {
    return (await cluster.call((s) => s.describeSchedule({ namespace, scheduleId }))).info ?? undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function add(health: Health, info: Info | undefined, inRange: (dueMs: number) => boolean): void {
  health.actions += toNumber(info?.actionCount);
  health.missed += toNumber(info?.missedCatchupWindow);
  health.overlapSkipped += toNumber(info?.overlapSkipped);
  health.bufferDropped += toNumber(info?.bufferDropped);
  health.buffered += Math.max(0, toNumber(info?.bufferSize));
  for (const { scheduleTime, actualTime } of info?.recentActions ?? []) {
    const [dueMs, startedMs] = [toMs(scheduleTime), toMs(actualTime)];
    if (dueMs !== undefined && startedMs !== undefined && inRange(dueMs))
      health.late.push(Math.max(0, startedMs - dueMs));
  }
}
