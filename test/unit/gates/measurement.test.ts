import { describe, expect, test } from 'vitest';
import { type Conditions, parseCondition } from '../../../src/gates/condition.ts';
import { judge, type Measurement, type Sample } from '../../../src/gates/measurement.ts';

function given(success?: string, failure?: string): Conditions {
  const read = (text: string) => {
    const parsed = parseCondition(text);
    if ('advice' in parsed) throw new Error(parsed.advice);
    return parsed;
  };
  return {
    ...(success === undefined ? {} : { success: read(success) }),
    ...(failure === undefined ? {} : { failure: read(failure) }),
  };
}

const values = (...numbers: number[]): Measurement => ({
  values: numbers.map((value, index): Sample => ({ labels: numbers.length > 1 ? { pod: String(index) } : {}, value })),
  said: [],
});

const GOOD = '<= 0.01';
const BAD = '> 0.05';

/** Values, conditions, and what they mean. */
const table: [
  what: string,
  numbers: number[],
  success: string | undefined,
  failure: string | undefined,
  string,
  string,
][] = [
  ['only success: it holds', [0.01], GOOD, undefined, 'successful', '0.01 <= 0.01'],
  ['only success: it does not', [0.02], GOOD, undefined, 'failed', '0.02 > 0.01'],
  [
    'only success: one of many does not',
    [0, 0.02, 0.04],
    GOOD,
    undefined,
    'failed',
    '0.04 > 0.01 (pod 2; 2 of 3 values)',
  ],
  ['only success: all hold', [0, 0.009, 0.001], GOOD, undefined, 'successful', '0.009 <= 0.01 (pod 1)'],
  ['only failure: it does not hold', [0.05], undefined, BAD, 'successful', '0.05 <= 0.05'],
  ['only failure: it holds', [0.06], undefined, BAD, 'failed', '0.06 > 0.05'],
  ['only failure: for one of many', [0.05, 0.06], undefined, BAD, 'failed', '0.06 > 0.05 (pod 1)'],
  ['both: good', [0.01], GOOD, BAD, 'successful', '0.01 <= 0.01'],
  ['both: bad', [0.06], GOOD, BAD, 'failed', '0.06 > 0.05'],
  ['both: neither', [0.03], GOOD, BAD, 'inconclusive', '0.03 is neither <= 0.01 nor > 0.05'],
  ['both: good and neither', [0.01, 0.03], GOOD, BAD, 'inconclusive', '0.03 is neither <= 0.01 nor > 0.05 (pod 1)'],
  ['both: good and bad values', [0.01, 0.06], GOOD, BAD, 'failed', '0.06 > 0.05 (pod 1)'],
  ['both at once', [5], '<= 5', '>= 5', 'inconclusive', '5 is both good (<= 5) and bad (>= 5)'],
  ['a floor', [0.98, 0.9], '>= 0.99', undefined, 'failed', '0.9 < 0.99 (pod 1; 2 of 2 values)'],
  ['an infinite value is a value', [Infinity], undefined, BAD, 'failed', 'Inf > 0.05'],
  ['none given', [1], undefined, undefined, 'inconclusive', '1, and no condition to hold it against'],
  ['NaN is neither good nor bad', [NaN], GOOD, undefined, 'inconclusive', 'no number: NaN'],
  ['NaN under a failure condition', [NaN], undefined, BAD, 'inconclusive', 'no number: NaN'],
  ['NaN hides a bad value beside it', [0.9, NaN], undefined, BAD, 'inconclusive', 'no number: NaN (pod 1)'],
  [
    'NaN hides a good value beside it',
    [NaN, 0, NaN],
    GOOD,
    undefined,
    'inconclusive',
    'no number: NaN (pod 0; 2 of 3 values)',
  ],
  ['an empty answer', [], GOOD, undefined, 'inconclusive', 'no value: the answer is empty'],
  ['an empty answer under a failure condition', [], undefined, BAD, 'inconclusive', 'no value: the answer is empty'],
];

test.each(table)('%s', (_what, numbers, success, failure, phase, message) => {
  expect(judge(values(...numbers), given(success, failure))).toMatchObject({ phase, message });
});

test('the value that decided is told, where it is a number', () => {
  const told = (...numbers: number[]) => judge(values(...numbers), given(GOOD)).value;
  expect([told(0.02), told(0, 0.5), told(NaN), told(), told(Infinity)]).toEqual([0.02, 0.5, null, null, null]);
});

describe('with conditions of the measure', () => {
  const sample = (name: string, value: number, own: Conditions, why?: string): Sample => ({
    labels: { figure: name },
    value,
    own,
    why,
  });
  const health = (missed: number, lateMs: number): Measurement => ({
    values: [
      sample('missed', missed, given(undefined, '> 0.02'), '0 before the cut-over, 0.02 more is allowed'),
      sample('lateness', lateMs, given('<= 5000')),
    ],
    said: [],
  });

  test('each value has its own', () => {
    expect(judge(health(0.02, 5000), {})).toMatchObject({ phase: 'successful' });
    expect(judge(health(0.5, 5000), {})).toMatchObject({
      phase: 'failed',
      value: 0.5,
      message: '0.5 > 0.02 (figure missed): 0 before the cut-over, 0.02 more is allowed',
    });
    expect(judge(health(0, 5001), {})).toMatchObject({ phase: 'failed', message: '5001 > 5000 (figure lateness)' });
  });

  test('the check’s own go before them', () => {
    const measured = { values: [sample('missed', 0.5, given(undefined, '> 0.02'), 'why')], said: [] };
    expect(judge(measured, given('<= 1'))).toMatchObject({ phase: 'successful', message: '0.5 <= 1 (figure missed)' });
  });

  test('a value without one leaves it open', () => {
    const { values: some } = health(0, 0);
    const measured = { values: [...some, sample('buffered', 7, {})], said: [] };
    expect(judge(measured, {})).toMatchObject({ phase: 'inconclusive', value: 7 });
  });
});

test('too early is waiting, whatever the values say', () => {
  const measured = { ...values(9), tooEarly: '3 runs, 10 needed' };
  expect(judge(measured, given(GOOD))).toEqual({
    phase: 'waiting',
    value: null,
    message: 'too early to say: 3 runs, 10 needed',
  });
});

test('what the source said and the unit are in the message, which is one bounded line', () => {
  const measured = { ...values(1700), unit: 'ms', said: ['warned: partial\n answer', 'x'.repeat(500)] };
  const { message } = judge(measured, given(undefined, '> 1000'));
  expect(message).toMatch(/^1700 ms > 1000; warned: partial answer; x+…$/);
  expect(message).toHaveLength(300);
});
