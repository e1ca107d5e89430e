/** The JSON object a person types to start `AuditSchedules`; `ferry audit` reads its options with the same rules. Pure. */
import * as v from 'valibot';
import type { Selection } from '../activities/types.ts';
import { formatDuration } from './duration.ts';
import { Duration, durationExamples, text } from './fields.ts';
import {
  PageSize,
  Profile,
  Schedules,
  TenantName,
  pageSizeSyntax,
  profileSyntax,
  schedulesSyntax,
  tenantQuery,
  tenantSyntax,
  unqueryable,
} from './input.ts';
import type { Accepted, Problem } from './input-problems.ts';
import { readInput } from './read-input.ts';

/** As typed; every field but `tenant` has a default. */
export interface AuditSchedulesInput {
  tenant: string;
  /** The two clusters; which of them owned what is read from the schedules. @default 'cloud' */
  from?: string;
  /** @default 'selfhosted' */
  to?: string;
  /** One cluster alone, instead of `from` and `to`. */
  cluster?: string;
  /** @default `TenantId = '<tenant>'` */
  schedules?: string | { prefix: string } | { all: true };
  /** How far back. @default '1 hour' */
  since?: string;
  /** Instead of `since`: two ISO 8601 times with a slash between, inclusive. */
  range?: string;
  /** @default '60 seconds' */
  lateAfter?: string;
  /** Schedules an activity, 1 to 250. @default 250 */
  pageSize?: number;
}

export interface AuditSettings {
  tenant: string;
  /** One or two profiles. */
  clusters: string[];
  selection: Selection;
  sinceMs: number;
  range: { fromMs: number; toMs: number } | undefined;
  lateAfterMs: number;
  pageSize: number;
}

const DAY = 86_400_000;
const MAX_SINCE_MS = 400 * DAY;

/** What has only just been due may still start, or be missing in lists: it is left for the next audit. */
export const SETTLED_MS = 30_000;

const rangeSyntax = 'two times with a slash between, such as "2026-11-24T00:00:00Z/2026-11-24T06:00:00Z"';

const ACCEPTED: Accepted = {
  tenant: tenantSyntax,
  from: profileSyntax,
  to: `${profileSyntax}, another one than \`from\``,
  cluster: `${profileSyntax}, instead of \`from\` and \`to\``,
  schedules: schedulesSyntax,
  since: `a duration in quotes ${durationExamples}, at most "400 days"`,
  range: `${rangeSyntax}, instead of \`since\``,
  lateAfter: `a duration in quotes ${durationExamples}`,
  pageSize: pageSizeSyntax,
};

const Range = v.pipe(
  text('2026-11-24T00:00:00Z/2026-11-24T06:00:00Z'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const read = readRange(dataset.value);
    if (typeof read === 'object') return read;
    addIssue({ message: read });
    return NEVER;
  }),
);

function readRange(value: string): { fromMs: number; toMs: number } | string {
  const parts = value.split('/').map((part) => part.trim());
  const [from = '', to = ''] = parts;
  if (parts.length !== 2) return `write ${rangeSyntax}`;
  for (const part of [from, to]) {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(part) || Number.isNaN(Date.parse(part))) {
      return `"${part.slice(0, 40)}" is no time with its zone: write one such as "2026-11-24T00:00:00Z"`;
    }
  }
  const [fromMs, toMs] = [Math.ceil(Date.parse(from) / 1000) * 1000, Math.floor(Date.parse(to) / 1000) * 1000];
  return fromMs <= toMs ? { fromMs, toMs } : 'write the earlier time first';
}

const Fields = v.object(
  {
    tenant: TenantName,
    from: v.optional(Profile('cloud')),
    to: v.optional(Profile('selfhosted')),
    cluster: v.optional(Profile('cloud')),
    schedules: v.optional(Schedules),
    since: v.optional(Duration('1 hour', 1000, MAX_SINCE_MS)),
    range: v.optional(Range),
    lateAfter: v.optional(Duration('60 seconds', 0, 365 * DAY), '60 seconds'),
    pageSize: v.optional(PageSize, 250),
  },
  'write the name the schedules carry, such as "acme"',
);

/** Throws `InvalidInput` naming every problem. */
export function readAuditInput(args: unknown[]): AuditSettings {
  const {
    tenant,
    from = 'cloud',
    to = 'selfhosted',
    cluster,
    schedules,
    since,
    range,
    ...rest
  } = readInput('AuditSchedules', ACCEPTED, Fields, args, inconsistencies);
  return {
    tenant,
    clusters: cluster === undefined ? [from, to] : [cluster],
    selection: schedules ?? { query: tenantQuery(tenant) },
    sinceMs: since ?? 3_600_000,
    range,
    lateAfterMs: rest.lateAfter,
    pageSize: rest.pageSize,
  };
}

type Parsed = v.InferOutput<typeof Fields>;

function inconsistencies({ tenant, from, to, cluster, schedules, since, range }: Parsed): Problem[] {
  const problems = unqueryable(tenant, schedules);
  const clash = (field: string, foundText: string, advice: string) =>
    problems.push({ field, found: foundText, accepted: ACCEPTED[field] ?? '', advice });
  if (cluster !== undefined && (from !== undefined || to !== undefined)) {
    clash('cluster', `"${cluster}" beside \`${from === undefined ? 'to' : 'from'}\``, 'name one cluster, or the two');
  }
  if (cluster === undefined && (from ?? 'cloud') === (to ?? 'selfhosted')) {
    clash('to', `"${to ?? 'selfhosted'}"`, 'name two different profiles, or one as `cluster`');
  }
  if (since !== undefined && range !== undefined) {
    clash('range', `one beside \`since\` of ${formatDuration(since)}`, 'leave one of the two out');
  }
  return problems;
}

/** Whole seconds, ms; nominal times in [fromMs, untilMs). */
export function rangeOf({ sinceMs, range }: AuditSettings, nowMs: number): { fromMs: number; untilMs: number } {
  const settled = Math.floor((nowMs - SETTLED_MS) / 1000) * 1000 + 1000;
  if (!range) return { fromMs: Math.ceil((nowMs - sinceMs) / 1000) * 1000, untilMs: settled };
  return { fromMs: range.fromMs, untilMs: Math.min(range.toMs + 1000, settled) };
}
