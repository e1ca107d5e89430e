/** `ferry audit` from words to what is asked for. Pure; the workflow's own check of its input speaks first. */
import { type AuditSettings, type AuditSchedulesInput, readAuditInput } from '../workflows/audit-input.ts';
import type { Given, Kind } from './options.ts';
import { usage } from './exit.ts';

export interface Audit {
  do: 'audit';
  settings: AuditSettings;
  json: boolean;
  /** Tell every nominal time, also those that ran once. */
  every: boolean;
}

export const auditOptions = {
  from: 'text',
  to: 'text',
  cluster: 'text',
  schedules: 'text',
  prefix: 'text',
  'all-schedules': 'flag',
  since: 'text',
  range: 'text',
  'late-after': 'text',
  json: 'flag',
  'every-time': 'flag',
} as const satisfies Record<string, Kind>;

export const AUDIT_FORMERLY = { all: 'every-time' } as const;

type Option = keyof typeof auditOptions;

export function readAudit(tenant: string, given: Given<Option>): Audit {
  const schedules = selectionOf(given);
  const fields = (['from', 'to', 'cluster', 'since', 'range'] as const).map(
    (name) => [name, given.text(name)] as const,
  );
  const lateAfter = given.text('late-after');
  const input = {
    tenant,
    ...Object.fromEntries(fields.filter(([, value]) => value !== undefined)),
    ...(lateAfter === undefined ? {} : { lateAfter }),
    ...(schedules === undefined ? {} : { schedules }),
  } satisfies AuditSchedulesInput;
  const every = given.flag('every-time');
  const json = given.flag('json');
  if (every && !json)
    throw usage('--every-time is for machines: give --json with it, for one line a nominal time.', 'audit');
  return { do: 'audit', settings: readAuditInput([input]), json, every };
}

function selectionOf(given: Given<Option>): AuditSchedulesInput['schedules'] {
  const query = given.text('schedules');
  const prefix = given.text('prefix');
  const all = given.flag('all-schedules');
  const found = [
    ...(query === undefined ? [] : ['--schedules']),
    ...(prefix === undefined ? [] : ['--prefix']),
    ...(all ? ['--all-schedules'] : []),
  ];
  if (found.length > 1) {
    throw usage(`${found.join(' and ')} are given; which schedules are meant is said by one of them.`, 'audit');
  }
  if (prefix !== undefined) return { prefix };
  return all ? { all } : query;
}
