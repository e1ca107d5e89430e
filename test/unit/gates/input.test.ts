import { describe, expect, test } from 'vitest';
import { readGates } from '../../../src/gates/input.ts';
import { everyMsOf, type CheckSettings } from '../../../src/gates/settings.ts';

const HOUR = 3_600_000;

const defaults: CheckSettings = {
  name: 'failures',
  measure: { kind: 'workflow-failures', relative: 0.05, atLeast: 10 },
  conditions: {},
  everyMs: null,
  initialDelayMs: 0,
  limits: { count: null, failureLimit: 0, inconclusiveLimit: 3, errorLimit: 4 },
  dryRun: false,
};

const failures = { name: 'failures', measure: { kind: 'workflow-failures' } };
const gate = (...checks: unknown[]) => ({ checks });
const check = (change: object) => gate({ ...failures, ...change });
const measured = (measure: unknown, change: object = {}) => gate({ name: 'it', measure, ...change });

function problems(value: unknown, lengthMs: number | null = HOUR): string[] {
  const read = readGates(value, 'gates', lengthMs);
  if ('output' in read) throw new Error(`Accepted: ${JSON.stringify(value)}`);
  return read.problems.map((p) => `${p.field}: found ${p.found}; accepted is ${p.accepted}; ${p.advice}`);
}

const accepted: [what: string, value: unknown, Partial<CheckSettings>][] = [
  ['the least', check({}), {}],
  [
    'everything',
    check({
      success: '<= 0.01',
      failure: '> 0.05',
      every: '30s',
      count: 5,
      initialDelay: '2 min',
      failureLimit: 1,
      inconclusiveLimit: 0,
      errorLimit: 9,
      dryRun: true,
    }),
    {
      conditions: { success: { op: '<=', limit: 0.01 }, failure: { op: '>', limit: 0.05 } },
      everyMs: 30_000,
      initialDelayMs: 120_000,
      limits: { count: 5, failureLimit: 1, inconclusiveLimit: 0, errorLimit: 9 },
      dryRun: true,
    },
  ],
  [
    'a preset',
    measured({ kind: 'prometheus', preset: 'persistence-latency' }, { success: '< 0.1' }),
    {
      name: 'it',
      measure: { kind: 'prometheus', preset: 'persistence-latency', step: 15_000 },
      conditions: { success: { op: '<', limit: 0.1 } },
    },
  ],
  [
    'a range query',
    measured({ kind: 'prometheus', query: 'up', range: '5m', step: '30s' }, { failure: '< 1' }),
    {
      name: 'it',
      measure: { kind: 'prometheus', query: 'up', range: 300_000, step: 30_000 },
      conditions: { failure: { op: '<', limit: 1 } },
    },
  ],
  [
    'datadog',
    measured({ kind: 'datadog', query: 'avg:a{*}', over: '10m' }, { success: '< 1' }),
    {
      name: 'it',
      measure: { kind: 'datadog', query: 'avg:a{*}', over: 600_000 },
      conditions: { success: { op: '<', limit: 1 } },
    },
  ],
  [
    'schedule health',
    measured({ kind: 'schedule-health', later: '1s' }),
    { name: 'it', measure: { kind: 'schedule-health', relative: 0.02, later: 1000, atLeast: 10, sample: 100 } },
  ],
  [
    'task queues',
    measured({ kind: 'task-queues', queues: ['a'] }),
    { name: 'it', measure: { kind: 'task-queues', queues: ['a'], older: 60_000 } },
  ],
  ['the ledger', measured({ kind: 'ledger' }), { name: 'it', measure: { kind: 'ledger' } }],
  [
    'a figure with a condition',
    measured({ kind: 'ledger', figure: 'lateness' }, { failure: '> 1000' }),
    {
      name: 'it',
      measure: { kind: 'ledger', figure: 'lateness' },
      conditions: { failure: { op: '>', limit: 1000 } },
    },
  ],
];

test.each(accepted)('%s', (_what, value, settings) => {
  expect(readGates(value, 'gates', HOUR)).toEqual({
    output: { checks: [{ ...defaults, ...settings }], onFailure: 'rollback' },
  });
});

const condition = 'accepted is an operator \\(<, <=, >, >=, ==, !=\\) and a number in quotes, such as "<= 0.01"';

const refused: [what: string, value: unknown, line: RegExp][] = [
  ['a list', [failures], /^gates: found a list of 1; accepted is an object with checks, onFailure/],
  ['a text', 'strict', /^gates: found "strict"/],
  ['nothing in it', {}, /^gates.checks: found nothing; accepted is a list of 1 to 20 checks/],
  ['an empty list', gate(), /^gates.checks: found an empty list.*leave `gates` out/],
  [
    'too many',
    gate(...Array.from({ length: 21 }, (_, i) => ({ ...failures, name: `${i}` }))),
    /^gates.checks: found a list of 21/,
  ],
  ['one check without brackets', { checks: failures }, /^gates.checks: found an object.*brackets/],
  ['a misspelt field', { ...gate(failures), onFail: 'hold' }, /^gates.onFail: .*accepted is one of checks, onFailure/],
  [
    'another ending',
    { ...gate(failures), onFailure: 'holds' },
    /^gates.onFailure: found "holds".*did you mean "hold"\?/,
  ],
  [
    'a check that is a text',
    gate('failures'),
    /^gates.checks\[0\]: found "failures"; accepted is an object with name, measure/,
  ],
  [
    'a check without a name',
    gate({ measure: { kind: 'ledger' } }),
    /^gates.checks\[0\].name: found nothing.*such as "failure rate"/,
  ],
  ['an empty name', check({ name: ' ' }), /^gates.checks\[0\].name: found " "/],
  ['the same name twice', gate(failures, failures), /^gates.checks\[1\].name: found "failures".*`checks\[0\]` has it/],
  [
    'a misspelt field of a check',
    check({ faliureLimit: 2 }),
    /^gates.checks\[0\].faliureLimit: .*did you mean "failureLimit"\?/,
  ],
  [
    'a condition without an operator',
    check({ success: '0.01' }),
    new RegExp(`^gates.checks\\[0\\].success: found "0.01"; ${condition}; write an operator`),
  ],
  [
    'a condition that is a number',
    check({ failure: 1 }),
    new RegExp(`^gates.checks\\[0\\].failure: found the number 1; ${condition}`),
  ],
  ['an interval without a unit', check({ every: 60 }), /^gates.checks\[0\].every: found the number 60.*"60s"/],
  ['an interval of nothing', check({ every: '0' }), /^gates.checks\[0\].every: found "0".*write at least "1 s"/],
  [
    'a count of nothing',
    check({ count: 0 }),
    /^gates.checks\[0\].count: found the number 0; accepted is a whole number from 1/,
  ],
  ['half a failure', check({ failureLimit: 0.5 }), /^gates.checks\[0\].failureLimit: found the number 0.5/],
  ['a limit below nothing', check({ errorLimit: -1 }), /^gates.checks\[0\].errorLimit: found the number -1/],
  [
    'a limit that is null',
    check({ inconclusiveLimit: null }),
    /^gates.checks\[0\].inconclusiveLimit: found null.*leave the field out/,
  ],
  ['a dry run in words', check({ dryRun: 'yes' }), /^gates.checks\[0\].dryRun: found "yes".*without quotes/],
  [
    'a delay as long as the bake',
    check({ initialDelay: '1 hour' }),
    /^gates.checks\[0\].initialDelay: found 60|^gates.checks\[0\].initialDelay: found 1 h, and a bake of 1 h/,
  ],
  ['no measure', gate({ name: 'a' }), /^gates.checks\[0\].measure: found nothing; accepted is an object with a `kind`/],
  [
    'a measure that is its kind',
    measured('ledger'),
    /^gates.checks\[0\].measure: found "ledger".*write \{"kind": "ledger"\}/,
  ],
  [
    'an unknown kind',
    measured({ kind: 'prometeus' }),
    /^gates.checks\[0\].measure.kind: found "prometeus".*did you mean "prometheus"\?/,
  ],
  ['no kind', measured({ query: 'up' }), /^gates.checks\[0\].measure.kind: found nothing/],
  [
    'a misspelt field of a measure',
    measured({ kind: 'ledger', figur: 'missed' }),
    /^gates.checks\[0\].measure.figur: .*did you mean "figure"\?/,
  ],
  [
    'an unknown figure',
    measured({ kind: 'ledger', figure: 'mised' }),
    /^gates.checks\[0\].measure.figure: found "mised".*did you mean "missed"\?/,
  ],
  [
    'an unknown preset',
    measured({ kind: 'prometheus', preset: 'persistance-latency' }),
    /measure.preset: found "persistance-latency".*did you mean "persistence-latency"\?/,
  ],
  [
    'neither query nor preset',
    measured({ kind: 'prometheus' }, { success: '< 1' }),
    /measure.query: found nothing.*give one of `query` and `preset`/,
  ],
  [
    'query and preset',
    measured({ kind: 'prometheus', query: 'up', preset: 'service-errors' }, { success: '< 1' }),
    /measure.query: found "up".*give one of/,
  ],
  [
    'too many points',
    measured({ kind: 'prometheus', query: 'up', range: '2 days', step: '1s' }, { success: '< 1' }),
    /measure.range: found .*too many points/,
  ],
  [
    'no condition for prometheus',
    measured({ kind: 'prometheus', query: 'up' }),
    /^gates.checks\[0\].success: found nothing, and no `failure` either.*say what is good/,
  ],
  ['no condition for datadog', measured({ kind: 'datadog', query: 'a' }), /^gates.checks\[0\].success: found nothing/],
  [
    'no condition for what is buffered',
    measured({ kind: 'schedule-health', figure: 'buffered' }),
    /^gates.checks\[0\].success: found nothing/,
  ],
  [
    'one condition for all figures',
    measured({ kind: 'task-queues', queues: ['a'] }, { failure: '> 1' }),
    /measure.figure: found nothing, and a condition on all figures/,
  ],
  [
    'a tolerance beside a condition',
    measured({ kind: 'workflow-failures', relative: 0.1 }, { failure: '> 1' }),
    /measure.relative: found one beside conditions/,
  ],
  ['no queue', measured({ kind: 'task-queues', queues: [] }), /measure.queues: found an empty list.*name at least one/],
  ['a queue that is a number', measured({ kind: 'task-queues', queues: [7] }), /measure.queues.0: found the number 7/],
  [
    'an empty query',
    measured({ kind: 'datadog', query: ' ' }, { success: '< 1' }),
    /measure.query: found " ".*write a query/,
  ],
  [
    'a share in percent',
    measured({ kind: 'workflow-failures', relative: '5%' }),
    /measure.relative: found "5%".*without quotes/,
  ],
];

test.each(refused)('%s is refused', (_what, value, line) => {
  expect(problems(value)).toContainEqual(expect.stringMatching(line));
});

test('values are never repeated of fields that do not belong there', () => {
  expect(problems(check({ token: 'hunter2' })).join('\n')).not.toContain('hunter2');
});

test('every problem of every check is told at once', () => {
  const two = gate(
    { name: '', measure: { kind: 'x' } },
    { name: 'b', measure: { kind: 'ledger' }, every: 5, count: 0 },
  );
  expect(problems(two).map((line) => line.split(':')[0])).toEqual([
    'gates.checks[0].name',
    'gates.checks[0].measure.kind',
    'gates.checks[1].every',
    'gates.checks[1].count',
  ]);
});

test('without a bake there is nothing to measure in', () => {
  expect(problems(check({}), 0)).toEqual([
    expect.stringMatching(/initialDelay: found 0 ms, and no bake in which to measure/),
  ]);
  expect(readGates(check({ initialDelay: '2 hours' }), 'checks', null)).toHaveProperty('output');
});

describe('how often a check is measured', () => {
  const every = (everyMs: number | null, checks: number, lengthMs: number) =>
    everyMsOf({ ...defaults, everyMs }, checks, lengthMs);
  test.each([
    ['a minute in an hour', every(null, 1, HOUR), 60_000],
    ['as asked', every(10_000, 1, HOUR / 6), 10_000],
    ['200 times at most', every(10_000, 1, HOUR), 18_000],
    ['200 times in a day', every(null, 2, 24 * HOUR), 432_000],
    ['fewer times where there are many checks', every(null, 20, 24 * HOUR), 3_456_000],
    ['as seldom as asked', every(2 * HOUR, 1, 24 * HOUR), 2 * HOUR],
  ])('%s', (_what, found, expected) => {
    expect(found).toBe(expected);
  });
});
