/** Protobuf timestamps and durations as milliseconds; schedule times have millisecond resolution, bounds are whole seconds. */
import type { temporal, google } from '@temporalio/proto';

export type Timestamp = google.protobuf.ITimestamp;
export type Schedule = temporal.api.schedule.v1.ISchedule;

interface LongLike {
  toNumber(): number;
}

/** Protobuf 64-bit integers arrive as Long objects, or as numbers where the library was given some. */
export function toNumber(value: LongLike | number | null | undefined): number {
  if (value === null || value === undefined) return 0;
  return typeof value === 'number' ? value : value.toNumber();
}

export function toMs(t: Timestamp | null | undefined): number | undefined {
  if (!t) return undefined;
  return toNumber(t.seconds) * 1000 + Math.floor((t.nanos ?? 0) / 1e6);
}

export function durationMs(d: google.protobuf.IDuration | null | undefined): number {
  return d ? toNumber(d.seconds) * 1000 + Math.floor((d.nanos ?? 0) / 1e6) : 0;
}

/** `2026-11-22T16:00:00Z`: the form the server appends to the ids of the workflows a schedule starts. */
export function isoSeconds(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}

const NOMINAL_SUFFIX = /-(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/;

/** Nominal time (ms) of a scheduled run, read off its workflow id; undefined for an id no schedule made. */
export function nominalOf(workflowId: string): number | undefined {
  const suffix = NOMINAL_SUFFIX.exec(workflowId)?.[1];
  if (suffix === undefined) return undefined;
  const ms = Date.parse(suffix);
  return Number.isNaN(ms) ? undefined : ms;
}

/** The id the scheduler gives the run of one nominal time; the same on every cluster. */
export function runId(actionWorkflowId: string, nominalMs: number): string {
  return `${actionWorkflowId}-${isoSeconds(nominalMs)}`;
}
