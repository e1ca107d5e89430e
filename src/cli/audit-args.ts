/** `ferry audit` from words to what is asked for. Pure; the workflow's own check of its input speaks first. */
import { type AuditSettings, type AuditSchedulesInput, readAuditInput } from '../workflows/audit-input.ts';
import type { Given, Kind } from './options.ts';
import { usage } from './exit.ts';
import { readSelection, selectionOptions } from './selection.ts';

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
  ...selectionOptions,
  since: 'text',
  range: 'text',
  'late-after': 'text',
  json: 'flag',
  'every-time': 'flag',
} as const satisfies Record<string, Kind>;

export const AUDIT_FORMERLY = { all: 'every-time' } as const;

type Option = keyof typeof auditOptions;

export function readAudit(tenant: string, given: Given<Option>): Audit {
  const schedules = readSelection('audit', given);
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
