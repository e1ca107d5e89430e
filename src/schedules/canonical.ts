/**
 * Canonical form of a schedule, for comparing two clusters' copies field by field. Both sides are compared as their
 * servers describe them, so server-made defaults and parsed calendars are the same on both. Only names of fields that
 * differ ever leave this file: values may be secret.
 */
import { createHash } from 'node:crypto';
import proto, { type temporal } from '@temporalio/proto';
import type { Schedule } from './times.ts';

// The package is CommonJS: its values come with the default export.
const { api: messages } = proto.temporal;

export interface ScheduleContent {
  schedule: Schedule;
  memo?: temporal.api.common.v1.IMemo | null;
  searchAttributes?: temporal.api.common.v1.ISearchAttributes | null;
}

/** Written by the server itself; never copied. */
const SYSTEM_ATTRIBUTES = new Set([
  'BuildIds',
  'ScheduleInfo',
  'ExecutionStatus',
  'HistoryLength',
  'StateTransitionCount',
]);

export function isUserAttribute(name: string): boolean {
  return !name.startsWith('Temporal') && !SYSTEM_ATTRIBUTES.has(name);
}

export function userAttributes(
  attributes: temporal.api.common.v1.ISearchAttributes | null | undefined,
): temporal.api.common.v1.ISearchAttributes | undefined {
  const entries = Object.entries(attributes?.indexedFields ?? {}).filter(([name]) => isUserAttribute(name));
  return entries.length > 0 ? { indexedFields: Object.fromEntries(entries) } : undefined;
}

type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

/**
 * Fields that differ between two copies. What changes hands at the boundary is left out: paused, notes and the count of
 * remaining actions belong to the owner.
 */
export function differingFields(a: ScheduleContent, b: ScheduleContent): string[] {
  const fields: string[] = [];
  diff('', canonical(a), canonical(b), fields);
  return fields;
}

/**
 * The same for two schedules, with the search attributes of each, exactly if no field differs; short enough for a note. Its
 * first half is the spec's.
 */
export function fingerprint(schedule: Schedule, searchAttributes?: ScheduleContent['searchAttributes']): string {
  const { spec, ...rest } = schedule;
  return specFingerprint({ spec }) + hash({ schedule: rest, searchAttributes });
}

/** When it runs, leaving out what it runs and how. */
export function specFingerprint({ spec }: Pick<Schedule, 'spec'>): string {
  return hash({ schedule: { spec } });
}

function hash(content: ScheduleContent): string {
  return contentHash(content).slice(0, 6);
}

/** In full, the memo included: the same exactly if no field differs. */
export function contentHash(content: ScheduleContent): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(content)))
    .digest('hex');
}

function canonical(content: ScheduleContent): Plain {
  const { state, ...rest } = messages.schedule.v1.Schedule.toObject(
    messages.schedule.v1.Schedule.fromObject(content.schedule),
    { bytes: String, longs: String, enums: String },
  );
  return {
    ...normal(rest),
    state: { limitedActions: Boolean(state?.limitedActions) },
    memo: normal(plainPayloads(content.memo?.fields)),
    searchAttributes: normal(plainPayloads(userAttributes(content.searchAttributes)?.indexedFields)),
  };
}

function plainPayloads(fields: Record<string, temporal.api.common.v1.IPayload> | null | undefined): object {
  const entries = Object.entries(fields ?? {}).map(([name, payload]) => [
    name,
    messages.common.v1.Payload.toObject(messages.common.v1.Payload.fromObject(payload), { bytes: String }),
  ]);
  return Object.fromEntries(entries);
}

/** Absent, empty and zero-valued fields are the same thing on the wire; make them the same here. */
function normal(value: unknown): { [key: string]: Plain } {
  const tidy = normalValue(value);
  return tidy !== null && typeof tidy === 'object' && !Array.isArray(tidy) ? tidy : {};
}

function normalValue(value: unknown): Plain {
  if (Array.isArray(value)) return value.map(normalValue);
  if (value !== null && typeof value === 'object') {
    const out: { [key: string]: Plain } = {};
    for (const key of Object.keys(value).toSorted()) {
      const inner = normalValue((value as Record<string, unknown>)[key]);
      if (!isEmpty(inner)) out[key] = inner;
    }
    return out;
  }
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return null;
}

function isEmpty(value: Plain): boolean {
  if (value === null || value === false || value === 0 || value === '' || value === '0') return true;
  return Array.isArray(value) ? value.length === 0 : typeof value === 'object' && Object.keys(value).length === 0;
}

function diff(path: string, a: Plain | undefined, b: Plain | undefined, fields: string[]): void {
  if (JSON.stringify(a) === JSON.stringify(b)) return;
  if (isObject(a) && isObject(b)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      diff(path === '' ? key : `${path}.${key}`, a[key], b[key], fields);
    }
    return;
  }
  fields.push(path);
}

function isObject(value: Plain | undefined): value is { [key: string]: Plain } {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
