import { describe, expect, test } from 'vitest';
import {
  type ScheduleContent,
  differingFields,
  isUserAttribute,
  userAttributes,
} from '../../../src/schedules/canonical.ts';
import type { Schedule } from '../../../src/schedules/times.ts';
import { payload, rich, seconds } from './forms.ts';

const changed = (change: (s: Schedule) => Schedule): string[] =>
  differingFields({ schedule: rich() }, { schedule: change(rich()) });

const content = (more: Partial<ScheduleContent>): ScheduleContent => ({ schedule: rich(), ...more });

describe('differences are named by path', () => {
  test.each<[string, (s: Schedule) => Schedule, string[]]>([
    ['nothing', (s) => s, []],
    [
      'jitter',
      (s) => ({ ...s, spec: { ...s.spec, jitter: seconds(9) } }),
      ['spec.jitter.nanos', 'spec.jitter.seconds'],
    ],
    ['time zone data', (s) => ({ ...s, spec: { ...s.spec, timezoneData: Buffer.from([9]) } }), ['spec.timezoneData']],
    ['an end', (s) => ({ ...s, spec: { ...s.spec, endTime: seconds(9) } }), ['spec.endTime']],
    [
      'below a millisecond',
      (s) => ({ ...s, policies: { ...s.policies, catchupWindow: seconds(3600) } }),
      ['policies.catchupWindow.nanos'],
    ],
    [
      'input',
      (s) => ({
        ...s,
        action: { startWorkflow: { ...s.action?.startWorkflow, input: { payloads: [payload('secret two')] } } },
      }),
      ['action.startWorkflow.input.payloads'],
    ],
    [
      'header',
      (s) => ({
        ...s,
        action: { startWorkflow: { ...s.action?.startWorkflow, header: { fields: { trace: payload('x') } } } },
      }),
      ['action.startWorkflow.header.fields.trace.data'],
    ],
    ['limited or not', (s) => ({ ...s, state: { ...s.state, limitedActions: false } }), ['state.limitedActions']],
  ])('%s', (_title, change, fields) => {
    expect(changed(change)).toEqual(fields);
  });

  test('values never leave', () => {
    const fields = changed((s) => ({
      ...s,
      action: { startWorkflow: { ...s.action?.startWorkflow, input: { payloads: [payload('hunter2')] } } },
    }));
    const encoded = Buffer.from('hunter2').toString('base64');
    expect(JSON.stringify(fields)).not.toMatch(new RegExp(`hunter2|secret|${encoded}`));
  });
});

describe('the same thing', () => {
  test.each<[string, (s: Schedule) => Schedule]>([
    [
      'paused, note and count belong to the owner',
      (s) => ({ ...s, state: { limitedActions: true, paused: true, notes: 'x' } }),
    ],
    [
      'absent, empty and zero',
      (s) => ({ ...s, spec: { ...s.spec, calendar: [], cronString: [], startTime: undefined, endTime: null } }),
    ],
    [
      'maps in another order',
      (s) => ({
        ...s,
        action: {
          startWorkflow: {
            ...s.action?.startWorkflow,
            searchAttributes: {
              indexedFields: Object.fromEntries(
                Object.entries(s.action?.startWorkflow?.searchAttributes?.indexedFields ?? {}).toReversed(),
              ),
            },
          },
        },
      }),
    ],
  ])('%s', (_title, change) => {
    expect(changed(change)).toEqual([]);
  });

  test('no schedule at all and an empty one', () => {
    expect(differingFields({ schedule: {} }, { schedule: { spec: {}, state: {}, policies: {} } })).toEqual([]);
  });
});

describe('memo and search attributes', () => {
  test.each<[string, Partial<ScheduleContent>, Partial<ScheduleContent>, string[]]>([
    ['absent and empty', {}, { memo: { fields: {} }, searchAttributes: { indexedFields: {} } }, []],
    ['memo', { memo: { fields: { a: payload('1') } } }, { memo: { fields: { a: payload('2') } } }, ['memo.a.data']],
    ['memo gone', { memo: { fields: { a: payload('1') } } }, {}, ['memo.a']],
    [
      'memo in another order',
      { memo: { fields: { a: payload('1'), b: payload('2') } } },
      { memo: { fields: { b: payload('2'), a: payload('1') } } },
      [],
    ],
    [
      'a user’s attribute',
      { searchAttributes: { indexedFields: { Region: payload('eu') } } },
      {},
      ['searchAttributes.Region'],
    ],
    [
      'the server’s own',
      { searchAttributes: { indexedFields: { TemporalSchedulePaused: payload('true'), BuildIds: payload('x') } } },
      {},
      [],
    ],
  ])('%s', (_title, a, b, fields) => {
    expect(differingFields(content(a), content(b))).toEqual(fields);
    expect(differingFields(content(b), content(a))).toEqual(fields);
  });

  test('only the user’s are copied', () => {
    expect(userAttributes({ indexedFields: { TemporalScheduledById: payload('x') } })).toBeUndefined();
    expect(userAttributes(null)).toBeUndefined();
    expect(
      Object.keys(
        userAttributes({ indexedFields: { A: payload('x'), ExecutionStatus: payload('y') } })?.indexedFields ?? {},
      ),
    ).toEqual(['A']);
    expect(['TemporalX', 'BuildIds', 'Mine'].map(isUserAttribute)).toEqual([false, false, true]);
  });
});
