/** `ferry reconcile` from words to what is asked for. Pure; the workflow's own check of its input speaks first. */
import { type ReconcileSchedulesInput, readReconcileInput } from '../workflows/reconcile-input.ts';
import type { Given, Kind } from './options.ts';
import { readSelection, selectionOptions } from './selection.ts';

export interface Reconcile {
  do: 'reconcile';
  input: ReconcileSchedulesInput;
  workflowId: string;
  json: boolean;
}

export const reconcileOptions = {
  from: 'text',
  to: 'text',
  ...selectionOptions,
  'page-size': 'text',
  'workflow-id': 'text',
  json: 'flag',
} as const satisfies Record<string, Kind>;

export function readReconcile(tenant: string, given: Given<keyof typeof reconcileOptions>): Reconcile {
  const [from, to, pageSize] = [given.text('from'), given.text('to'), given.text('page-size')];
  const schedules = readSelection('reconcile', given);
  const input = {
    tenant,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(schedules === undefined ? {} : { schedules }),
    ...(pageSize === undefined ? {} : { pageSize: /^\d+$/.test(pageSize) ? Number(pageSize) : pageSize }),
  } as ReconcileSchedulesInput;
  readReconcileInput([input]);
  const workflowId = given.text('workflow-id') ?? `reconcile/${tenant}`;
  return { do: 'reconcile', input, workflowId, json: given.flag('json') };
}
