/** Visibility queries for the executions of schedules. */
import { isQueryable } from '../workflows/input.ts';

/**
 * Ids that cannot be asked for exactly (the server's parser loses some quotes) are asked for by what comes before the
 * quote; what else that finds is left out by whoever reads the answer.
 */
export function byScheduleIds(ids: string[]): string {
  const exact = ids.filter(isQueryable).map(quoted);
  const prefixes = new Set(ids.filter((id) => !isQueryable(id)).map(queryablePrefix));
  if (prefixes.has('')) return 'TemporalScheduledById IS NOT NULL';
  const terms = [
    ...(exact.length === 0 ? [] : [`TemporalScheduledById IN (${exact.join(', ')})`]),
    ...[...prefixes].map((prefix) => `TemporalScheduledById STARTS_WITH ${quoted(prefix)}`),
  ];
  return terms.length === 1 ? (terms[0] ?? '') : `(${terms.join(' OR ')})`;
}

function queryablePrefix(id: string): string {
  return /^(?!')[^"\\]*?(?='*(["\\]|$))/.exec(id)?.[0] ?? '';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function nominalBetween(fromMs: number, untilMs: number): string {
  return `TemporalScheduledStartTime >= '${at(fromMs)}' AND TemporalScheduledStartTime < '${at(untilMs)}'`;
}

/** Undefined for an id that cannot be asked for exactly. */
export function startedSince(id: string, ms: number): string | undefined {
  return isQueryable(id) ? `TemporalScheduledById = ${quoted(id)} AND StartTime >= '${at(ms)}'` : undefined;
}

export function openAt(ms: number): string {
  return `TemporalScheduledStartTime < '${at(ms)}' AND (ExecutionStatus = 'Running' OR CloseTime > '${at(ms)}')`;
}

function at(ms: number): string {
  return new Date(ms).toISOString();
}
