/**
 * The times of a spec, as service/worker/scheduler/spec.go computes them: intervals with phase, structured calendars of
 * seconds and minutes, excludes, start and end (inclusive, on nominal times), jitter that never reaches the next nominal.
 */
import type { temporal } from '@temporalio/proto';
import { type Schedule, durationMs, toMs, toNumber } from '../../src/schedules/times.ts';

type Spec = temporal.api.schedule.v1.IScheduleSpec;
type Calendar = temporal.api.schedule.v1.IStructuredCalendarSpec;

export interface SpecTime {
  nominalMs: number;
  /** With jitter. */
  dueMs: number;
}

/** As many as ListScheduleMatchingTimes answers with. */
const MOST = 1000;
/** Holds every pattern of seconds and minutes; every hour and day matches. */
const HOUR_S = 3600;

/** CompiledSpec.GetNextTime: the first time whose nominal is after `afterMs`. */
export function nextTime(schedule: Schedule, seed: number, afterMs: number): SpecTime | undefined {
  const { spec } = schedule;
  if (!spec) return undefined;
  const nominals = nominalsOf(spec);
  const startMs = toMs(spec.startTime);
  const endMs = toMs(spec.endTime) ?? Infinity;
  const fromMs = startMs === undefined ? afterMs : Math.max(afterMs, startMs - 1000);
  const nominalMs = nominals.after(fromMs, endMs);
  if (nominalMs === undefined || nominalMs > endMs) return undefined;
  const jitter = durationMs(spec.jitter);
  if (jitter === 0) return { nominalMs, dueMs: nominalMs };
  const following = nominals.rawAfter(nominalMs) ?? Infinity;
  const most = Math.min(jitter, following - nominalMs);
  return { nominalMs, dueMs: nominalMs + Math.floor(fraction(seed, nominalMs / 1000) * most) };
}

/** Each found from the due time of the one before it, up to `untilMs`, as the scheduler itself walks. */
export function timesBetween(
  schedule: Schedule,
  seed: number,
  afterMs: number,
  untilMs: number,
  most = MOST,
): SpecTime[] {
  const times: SpecTime[] = [];
  let next = nextTime(schedule, seed, afterMs);
  while (next && next.dueMs <= untilMs && times.length < most) {
    times.push(next);
    next = nextTime(schedule, seed, next.dueMs);
  }
  return times;
}

/** Nominal times change rarely and are asked for all the time: kept as long as the parts they come from are the same. */
const known = new WeakMap<object, Nominals>();

function nominalsOf(spec: Spec): Nominals {
  const key = spec.interval?.length ? spec.interval : (spec.structuredCalendar ?? spec);
  const kept = known.get(key);
  if (kept?.isOf(spec)) return kept;
  const made = new Nominals(spec);
  known.set(key, made);
  return made;
}

class Nominals {
  readonly #spec: Spec;
  readonly #intervals: { every: number; phase: number }[];
  /** Seconds of the hour that any calendar matches, ascending. */
  readonly #calendar: number[];
  readonly #excluded: Set<number>;

  constructor(spec: Spec) {
    this.#spec = spec;
    this.#intervals = (spec.interval ?? []).map(({ interval, phase }) => ({
      every: Math.max(1, Math.floor(durationMs(interval) / 1000)),
      phase: Math.max(0, Math.floor(durationMs(phase) / 1000)),
    }));
    this.#calendar = secondsOfHour(spec.structuredCalendar);
    this.#excluded = new Set(secondsOfHour(spec.excludeStructuredCalendar));
  }

  isOf(spec: Spec): boolean {
    const own = this.#spec;
    return (
      own.interval === spec.interval &&
      own.structuredCalendar === spec.structuredCalendar &&
      own.excludeStructuredCalendar === spec.excludeStructuredCalendar
    );
  }

  /** Without what is excluded; undefined where there is none up to `endMs`. */
  after(afterMs: number, endMs: number): number | undefined {
    let at = this.rawAfter(afterMs);
    for (let tries = 0; at !== undefined && at <= endMs && tries < HOUR_S; tries++) {
      if (!this.#excluded.has((at / 1000) % HOUR_S)) return at;
      at = this.rawAfter(at);
    }
    return undefined;
  }

  rawAfter(afterMs: number): number | undefined {
    const after = Math.floor(afterMs / 1000);
    let first = Infinity;
    for (const { every, phase } of this.#intervals) {
      first = Math.min(first, (Math.floor((after - phase) / every) + 1) * every + phase);
    }
    const [earliest] = this.#calendar;
    if (earliest !== undefined) {
      const second = after % HOUR_S;
      const next = this.#calendar.find((s) => s > second) ?? earliest + HOUR_S;
      first = Math.min(first, after - second + next);
    }
    return first === Infinity ? undefined : first * 1000;
  }
}

function secondsOfHour(calendars: Calendar[] | null | undefined): number[] {
  if (!calendars?.length) return [];
  const all = Array.from({ length: HOUR_S }, (_, second) => second);
  return all.filter((s) => calendars.some((c) => inRanges(c.second, s % 60) && inRanges(c.minute, Math.floor(s / 60))));
}

function inRanges(ranges: temporal.api.schedule.v1.IRange[] | null | undefined, value: number): boolean {
  if (!ranges?.length) return value === 0;
  return ranges.some((range) => {
    const start = toNumber(range.start);
    const end = Math.max(start, toNumber(range.end));
    return value >= start && value <= end && (value - start) % Math.max(1, toNumber(range.step)) === 0;
  });
}

export function seedOf(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return hash >>> 0;
}

/** In [0, 1), the same for the same arguments: the server's jitter is a hash of seed and nominal time too. */
export function fraction(seed: number, value: number): number {
  let hash = Math.imul(seed ^ (value | 0), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x297a2d39);
  hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
