/** `<= 0.01`: what a measured value is held against. Pure. */
import { nearest } from '../workflows/nearest.ts';

export type Operator = '<' | '<=' | '>' | '>=' | '==' | '!=';

export interface Condition {
  op: Operator;
  limit: number;
}

/** What is good, what is bad; a value may be neither. */
export interface Conditions {
  success?: Condition;
  failure?: Condition;
}

export const conditionSyntax = 'an operator (<, <=, >, >=, ==, !=) and a number in quotes, such as "<= 0.01"';

const OPERATORS: readonly Operator[] = ['<=', '>=', '==', '!=', '<', '>'];
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** What people write instead. */
const MEANT: Readonly<Record<string, Operator>> = {
  '=': '==',
  '=<': '<=',
  '=>': '>=',
  '≤': '<=',
  '≥': '>=',
  '<>': '!=',
};

export function parseCondition(text: string): Condition | { advice: string } {
  const [, sign = '', rest = ''] = /^([^\w\s.+-]*)\s*(.*)$/s.exec(text.trim()) ?? [];
  const op = OPERATORS.find((known) => known === sign);
  if (op === undefined) return { advice: adviceOnOperator(sign, rest) };
  if (!NUMBER.test(rest)) return { advice: adviceOnNumber(op, rest) };
  return { op, limit: Number(rest) };
}

function adviceOnOperator(sign: string, rest: string): string {
  if (sign === '' && NUMBER.test(rest)) return `write an operator in front of it, such as "<= ${rest}"`;
  const meant = Object.hasOwn(MEANT, sign) ? MEANT[sign] : nearest(sign, OPERATORS);
  if (sign !== '' && meant !== undefined && NUMBER.test(rest)) return `did you mean "${meant} ${rest}"?`;
  return 'write one such as "<= 0.01"';
}

function adviceOnNumber(op: Operator, rest: string): string {
  if (rest === '') return `write a number behind it, such as "${op} 0.01"`;
  const percent = /^([\d.]+)\s*%$/.exec(rest)?.[1];
  if (percent !== undefined) return `write the share as a number: "${op} ${Number(percent) / 100}"`;
  return 'write one operator and one number, such as "<= 0.01"';
}

const HOLDS: Readonly<Record<Operator, (value: number, limit: number) => boolean>> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '==': (value, limit) => value === limit,
  '!=': (value, limit) => value !== limit,
};

/** `value` must be a number: what NaN means is decided before. */
export function holds({ op, limit }: Condition, value: number): boolean {
  return HOLDS[op](value, limit);
}

const OPPOSITES: Readonly<Record<Operator, Operator>> = {
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
  '==': '!=',
  '!=': '==',
};

/** Holds for exactly the numbers the other does not hold for. */
export function opposite({ op, limit }: Condition): Condition {
  return { op: OPPOSITES[op], limit };
}

export function formatCondition({ op, limit }: Condition): string {
  return `${op} ${formatValue(limit)}`;
}

/** As few digits as a person needs to compare it with a limit. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value).replace('Infinity', 'Inf');
  return String(Number(value.toPrecision(4)));
}
