import { describe, expect, test } from 'vitest';
import {
  type Condition,
  formatCondition,
  formatValue,
  holds,
  opposite,
  parseCondition,
} from '../../../src/gates/condition.ts';

const read: [string, Condition][] = [
  ['<= 0.01', { op: '<=', limit: 0.01 }],
  ['<5', { op: '<', limit: 5 }],
  ['  > -1.5e3 ', { op: '>', limit: -1500 }],
  ['>=.5', { op: '>=', limit: 0.5 }],
  ['== 0', { op: '==', limit: 0 }],
  ['!= +2', { op: '!=', limit: 2 }],
];

test.each(read)('%s', (text, condition) => {
  expect(parseCondition(text)).toEqual(condition);
});

const refused: [string, RegExp][] = [
  ['', /write one such as "<= 0.01"/],
  ['0.01', /write an operator in front of it, such as "<= 0.01"/],
  ['= 3', /did you mean "== 3"\?/],
  ['=> 3', /did you mean ">= 3"\?/],
  ['=< 3', /did you mean "<= 3"\?/],
  ['=== 3', /did you mean "== 3"\?/],
  ['≤ 3', /did you mean "<= 3"\?/],
  ['<=', /write a number behind it, such as "<= 0.01"/],
  ['<= 5%', /write the share as a number: "<= 0.05"/],
  ['<= NaN', /one operator and one number/],
  ['<= Infinity', /one operator and one number/],
  ['<= 1 && > 0', /one operator and one number/],
  ['result <= 1', /write one such as/],
];

test.each(refused)('%s is refused', (text, advice) => {
  expect(parseCondition(text)).toEqual({ advice: expect.stringMatching(advice) as string });
});

describe('each operator, below, at and above its limit', () => {
  const table: [Condition['op'], boolean[]][] = [
    ['<', [true, false, false]],
    ['<=', [true, true, false]],
    ['>', [false, false, true]],
    ['>=', [false, true, true]],
    ['==', [false, true, false]],
    ['!=', [true, false, true]],
  ];
  test.each(table)('%s', (op, expected) => {
    const values = [0.9, 1, 1.1];
    expect(values.map((value) => holds({ op, limit: 1 }, value))).toEqual(expected);
    expect(values.map((value) => holds(opposite({ op, limit: 1 }), value))).toEqual(expected.map((each) => !each));
  });

  test('infinities are values like others', () => {
    expect(holds({ op: '>', limit: 1 }, Infinity)).toBe(true);
    expect(holds({ op: '<', limit: 1 }, -Infinity)).toBe(true);
  });
});

test('values are told with as many digits as a person needs', () => {
  expect([0, 3, 0.0912345, 1 / 3, 123456.789, Infinity, -Infinity].map(formatValue)).toEqual([
    '0',
    '3',
    '0.09123',
    '0.3333',
    '123500',
    'Inf',
    '-Inf',
  ]);
  expect(formatCondition({ op: '>', limit: 0.05 })).toBe('> 0.05');
});
