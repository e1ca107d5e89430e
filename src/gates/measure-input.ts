/** `{"kind": "prometheus", …}` as typed, checked. Durations come out in ms. Pure. */
import * as v from 'valibot';
import { Duration, durationExamples, misspelt, text } from '../workflows/fields.ts';
import { type Accepted, found, type Problem } from '../workflows/input-problems.ts';
import { LEDGER_FIGURES, PERCENTILES, PRESETS, QUEUE_FIGURES, SCHEDULE_FIGURES } from './measures.ts';
import { readObject, type ReadObject } from './read-object.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const MAX_QUERY = 4000;
const MAX_QUEUES = 20;
/** As many points as a Prometheus answers per series by default. */
const MAX_POINTS = 11_000;

const words = (all: readonly string[]): string => all.map((word) => `"${word}"`).join(', ');
const oneOf = <const Words extends readonly string[]>(all: Words) =>
  v.picklist(all, (issue) => misspelt(issue.input, [...all]));

const Query = v.pipe(
  text('up'),
  v.check((query) => query.trim() !== '', 'write a query'),
  v.maxLength(MAX_QUERY, 'shorten it, with a recording rule for instance'),
);

export const wholeNumber = (least: number, most: number, example: number) =>
  v.pipe(
    v.number(`write a number without quotes, such as ${example}`),
    v.check((n) => Number.isInteger(n) && n >= least && n <= most, `write a number such as ${example}`),
  );

const Share = v.pipe(
  v.number('write a number without quotes, such as 0.05'),
  v.check((share) => share >= 0 && share <= 100, 'write a share such as 0.05 for five in a hundred'),
);

const share = 'a share as a number, such as 0.05';
const duration = `a duration in quotes ${durationExamples}`;
const query = `a query in quotes, of at most ${MAX_QUERY} characters`;
const atLeast = 'a whole number from 1 to 100000';
const type = 'a workflow type in quotes';

interface Kind<Schema extends v.GenericSchema> {
  accepted: Accepted;
  schema: Schema;
}

const kind = <Schema extends v.GenericSchema>(accepted: Accepted, schema: Schema): Kind<Schema> => ({
  accepted: { kind: '', ...accepted },
  schema,
});

const runs = {
  type: v.optional(text('ChargeCard')),
  query: v.optional(Query),
  atLeast: v.optional(wholeNumber(1, 100_000, 10), 10),
};
const runsAccepted = { type, query, relative: share, atLeast };

const KINDS = {
  'schedule-health': kind(
    {
      figure: `one of ${words(SCHEDULE_FIGURES)}`,
      relative: share,
      later: duration,
      atLeast,
      sample: 'a whole number from 1 to 500',
    },
    v.object({
      kind: v.literal('schedule-health'),
      figure: v.optional(oneOf(SCHEDULE_FIGURES)),
      relative: v.optional(Share, 0.02),
      later: v.optional(Duration('5 seconds', 0, DAY), '5 seconds'),
      atLeast: v.optional(wholeNumber(1, 100_000, 10), 10),
      sample: v.optional(wholeNumber(1, 500, 100), 100),
    }),
  ),
  'workflow-failures': kind(
    runsAccepted,
    v.object({ kind: v.literal('workflow-failures'), ...runs, relative: v.optional(Share, 0.05) }),
  ),
  'workflow-duration': kind(
    { ...runsAccepted, percentile: `one of ${words(PERCENTILES)}` },
    v.object({
      kind: v.literal('workflow-duration'),
      ...runs,
      percentile: v.optional(oneOf(PERCENTILES), 'p95'),
      relative: v.optional(Share, 0.5),
    }),
  ),
  'task-queues': kind(
    {
      queues: `a list of 1 to ${MAX_QUEUES} task queues`,
      figure: `one of ${words(QUEUE_FIGURES)}`,
      older: duration,
    },
    v.object({
      kind: v.literal('task-queues'),
      queues: v.pipe(
        v.array(v.pipe(text('orders'), v.nonEmpty('write its name')), 'write a list such as ["orders"]'),
        v.nonEmpty('name at least one'),
        v.maxLength(MAX_QUEUES, 'make several checks of them'),
      ),
      figure: v.optional(oneOf(QUEUE_FIGURES)),
      older: v.optional(Duration('60 seconds', 0, DAY), '60 seconds'),
    }),
  ),
  ledger: kind(
    { figure: `one of ${words(LEDGER_FIGURES)}` },
    v.object({ kind: v.literal('ledger'), figure: v.optional(oneOf(LEDGER_FIGURES)) }),
  ),
  prometheus: kind(
    {
      query: `${query}, or \`preset\``,
      preset: `one of ${words(PRESETS)}, instead of \`query\``,
      range: duration,
      step: duration,
    },
    v.pipe(
      v.object({
        kind: v.literal('prometheus'),
        query: v.optional(Query),
        preset: v.optional(oneOf(PRESETS)),
        range: v.optional(Duration('5 minutes', 1000, 30 * DAY)),
        step: v.optional(Duration('15 seconds', 1000, DAY), '15 seconds'),
      }),
      v.forward(
        v.partialCheck(
          [['query'], ['preset']],
          (each) => (each.query === undefined) !== (each.preset === undefined),
          'give one of `query` and `preset`',
        ),
        ['query'],
      ),
      v.forward(
        v.partialCheck(
          [['range'], ['step']],
          (each) => each.range === undefined || each.range / each.step <= MAX_POINTS,
          'shorten `range` or widen `step`: that is too many points',
        ),
        ['range'],
      ),
    ),
  ),
  datadog: kind(
    { query, over: duration },
    v.object({
      kind: v.literal('datadog'),
      query: Query,
      over: v.optional(Duration('5 minutes', MINUTE, 30 * DAY), '5 minutes'),
    }),
  ),
} as const;

export type MeasureKind = keyof typeof KINDS;
export type SettingsOf<K extends MeasureKind> = v.InferOutput<(typeof KINDS)[K]['schema']>;
export type MeasureSettings = { [K in MeasureKind]: SettingsOf<K> }[MeasureKind];

const NAMES = Object.keys(KINDS);
export const measureSyntax = `an object with a \`kind\`, one of ${words(NAMES)}`;

export function readMeasure(value: unknown, where: string): ReadObject<MeasureSettings> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const advice =
      typeof value === 'string' && isKind(value) ? `write {"kind": "${value}"}` : 'write one in braces { }';
    return { problems: [{ field: where, found: found(value), accepted: measureSyntax, advice }] };
  }
  const { kind: name }: { kind?: unknown } = value;
  if (!isKind(name)) return { problems: [unknownKind(name, where)] };
  const { schema, accepted }: Kind<v.GenericSchema<unknown, MeasureSettings>> = KINDS[name];
  return readObject(schema, value, accepted, where);
}

function isKind(name: unknown): name is MeasureKind {
  return typeof name === 'string' && Object.hasOwn(KINDS, name);
}

function unknownKind(name: unknown, where: string): Problem {
  return {
    field: `${where}.kind`,
    found: found(name),
    accepted: `one of ${words(NAMES)}`,
    advice: misspelt(name, NAMES),
  };
}

/** Fields that say how much worse than before is borne; with conditions of the check's own they would do nothing. */
export const TOLERANCES = ['relative', 'later', 'older'] as const;

/** Whether a check may do without conditions: the measure knows what is worse than before, or simply bad. */
export function bringsConditions(measure: MeasureSettings): boolean {
  switch (measure.kind) {
    case 'prometheus':
    case 'datadog':
      return false;
    case 'schedule-health':
      return measure.figure !== 'buffered';
    case 'task-queues':
      return measure.figure !== 'backlog';
    case 'ledger':
      return measure.figure !== 'lateness';
    case 'workflow-failures':
    case 'workflow-duration':
      return true;
  }
  return false;
}

/** Whether it gives values of different kinds, so that one condition cannot be meant for all of them. */
export function mixesFigures(measure: MeasureSettings): boolean {
  return 'figure' in KINDS[measure.kind].accepted && !('figure' in measure && measure.figure !== undefined);
}
