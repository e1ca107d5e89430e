/** `ferry compare` from words to what is asked for. Pure. */
import { rangeOf, readAuditInput } from '../workflows/audit-input.ts';
import { tenantQuery } from '../workflows/input.ts';
import { usage } from './exit.ts';
import type { Given, Kind } from './options.ts';

export interface Compare {
  do: 'compare';
  tenant: string;
  clusters: readonly string[];
  query: string;
  type?: string;
  sample: number;
  /** How far back, or the two times, are the audit's: `rangeOf` makes them a range. */
  range: (nowMs: number) => { fromMs: number; untilMs: number };
  json: boolean;
}

export const compareOptions = {
  from: 'text',
  to: 'text',
  workflows: 'text',
  type: 'text',
  since: 'text',
  range: 'text',
  sample: 'text',
  json: 'flag',
} as const satisfies Record<string, Kind>;

const DEFAULT_SAMPLE = 10_000;
const MAX_SAMPLE = 1_000_000;

export function readCompare(tenant: string, given: Given<keyof typeof compareOptions>): Compare {
  const fields = (['from', 'to', 'since', 'range'] as const).map((name) => [name, given.text(name)] as const);
  const workflows = given.text('workflows');
  // Any query will do here: a name that no query can match must say which workflows are meant.
  const schedules = workflows === undefined ? {} : { schedules: workflows };
  const settings = readAuditInput([
    { tenant, ...Object.fromEntries(fields.filter(([, value]) => value !== undefined)), ...schedules },
  ]);
  const sample = given.text('sample') ?? `${DEFAULT_SAMPLE}`;
  if (!/^\d+$/.test(sample) || Number(sample) < 1 || Number(sample) > MAX_SAMPLE) {
    throw usage(`--sample is "${sample}"; it takes a whole number from 1 to ${MAX_SAMPLE}, such as 10000.`, 'compare');
  }
  const type = given.text('type');
  return {
    do: 'compare',
    tenant,
    clusters: settings.clusters,
    query: workflows ?? tenantQuery(tenant),
    ...(type === undefined ? {} : { type }),
    sample: Number(sample),
    range: (nowMs) => rangeOf(settings, nowMs),
    json: given.flag('json'),
  };
}
