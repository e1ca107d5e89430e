/** A gate as a person types it, checked before anything happens; all problems at once. Pure. */
import * as v from 'valibot';
import { formatDuration } from '../workflows/duration.ts';
import { Duration, durationExamples, misspelt, text } from '../workflows/fields.ts';
import { type Accepted, found, type Problem } from '../workflows/input-problems.ts';
import { conditionSyntax, parseCondition } from './condition.ts';
import {
  bringsConditions,
  type MeasureSettings,
  measureSyntax,
  mixesFigures,
  readMeasure,
  TOLERANCES,
  wholeNumber,
} from './measure-input.ts';
import { readObject, type ReadObject } from './read-object.ts';
import { type CheckSettings, type GatesSettings, MAX_CHECKS } from './settings.ts';

const DAY = 24 * 3600 * 1000;
const MOST = 100_000;
const limit = `a whole number from 0 to ${MOST}`;
const ON_FAILURE = ['rollback', 'hold'] as const;

export const gatesSyntax =
  'an object such as {"checks": [{"name": "failures", "measure": {"kind": "workflow-failures"}}]}';
const checksSyntax = `a list of 1 to ${MAX_CHECKS} checks`;

const GATE: Accepted = { checks: checksSyntax, onFailure: '"rollback" or "hold"' };

const Gate = v.object({
  checks: v.pipe(
    v.array(v.unknown(), 'put the checks into brackets [ ]'),
    v.minLength(1, 'write at least one, or leave `gates` out'),
    v.maxLength(MAX_CHECKS, 'leave some out'),
  ),
  onFailure: v.optional(
    v.picklist(ON_FAILURE, (issue) => misspelt(issue.input, [...ON_FAILURE])),
    'rollback',
  ),
});

const CHECK: Accepted = {
  name: 'a name of 1 to 60 characters in one line',
  measure: measureSyntax,
  success: conditionSyntax,
  failure: conditionSyntax,
  every: `a duration in quotes ${durationExamples}, at least "1s"`,
  count: `a whole number from 1 to ${MOST}`,
  initialDelay: `a duration in quotes ${durationExamples}, shorter than the bake`,
  failureLimit: limit,
  inconclusiveLimit: limit,
  errorLimit: limit,
  dryRun: 'true or false',
};

const ConditionText = v.pipe(
  text('<= 0.01'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const parsed = parseCondition(dataset.value);
    if ('op' in parsed) return parsed;
    addIssue({ message: parsed.advice });
    return NEVER;
  }),
);

const Check = v.object(
  {
    name: v.pipe(
      text('failure rate'),
      v.check((name) => name.trim() !== '', 'write a name, such as "failure rate"'),
      v.maxLength(60, 'shorten it'),
      v.check((name) => !/\p{Cc}/u.test(name), 'remove the control characters'),
    ),
    measure: v.unknown(),
    success: v.optional(ConditionText),
    failure: v.optional(ConditionText),
    every: v.optional(Duration('60 seconds', 1000, 30 * DAY)),
    count: v.optional(wholeNumber(1, MOST, 10)),
    initialDelay: v.optional(Duration('2 minutes', 0, 90 * DAY), '0'),
    failureLimit: v.optional(wholeNumber(0, MOST, 2), 0),
    inconclusiveLimit: v.optional(wholeNumber(0, MOST, 3), 3),
    errorLimit: v.optional(wholeNumber(0, MOST, 4), 4),
    dryRun: v.optional(v.boolean('write true or false, without quotes'), false),
  },
  'write a name, such as "failure rate"',
);

/** `where`: the field it was typed into. `lengthMs`: how long the gate is, such as the bake; null where that is open. */
export function readGates(value: unknown, where: string, lengthMs: number | null): ReadObject<GatesSettings> {
  const gate = readObject(Gate, value, GATE, where);
  if ('problems' in gate) return gate;
  const { checks: typed, onFailure } = gate.output;
  const checks: CheckSettings[] = [];
  const problems: Problem[] = [];
  for (const [index, each] of typed.entries()) {
    const at = `${where}.checks[${index}]`;
    const read = readCheck(each, at);
    if ('problems' in read) problems.push(...read.problems);
    else {
      problems.push(...tooLate(read.output, at, lengthMs));
      checks.push(read.output);
    }
  }
  problems.push(...sameNames(typed, where));
  return problems.length > 0 ? { problems } : { output: { checks, onFailure } };
}

export function readCheck(value: unknown, at: string): ReadObject<CheckSettings> {
  const read = readObject(Check, value, CHECK, at);
  const typed: unknown = typeof value === 'object' && value !== null && 'measure' in value ? value.measure : undefined;
  const measure = readMeasure(typed, `${at}.measure`);
  if ('problems' in read && read.problems.every(({ field }) => field === at)) return read;
  if ('problems' in read || 'problems' in measure) {
    return { problems: [...problemsOf(read), ...problemsOf(measure)] };
  }
  const { name, success, failure, every, initialDelay, dryRun } = read.output;
  const { count = null, failureLimit, inconclusiveLimit, errorLimit } = read.output;
  const conditions = { ...(success && { success }), ...(failure && { failure }) };
  const odd = oddConditions(measure.output, typed, success !== undefined || failure !== undefined, at);
  if (odd.length > 0) return { problems: odd };
  return {
    output: {
      name,
      measure: measure.output,
      conditions,
      everyMs: every ?? null,
      initialDelayMs: initialDelay,
      limits: { count, failureLimit, inconclusiveLimit, errorLimit },
      dryRun,
    },
  };
}

function problemsOf(read: ReadObject<unknown>): Problem[] {
  return 'problems' in read ? read.problems : [];
}

function oddConditions(measure: MeasureSettings, typed: unknown, given: boolean, at: string): Problem[] {
  const { kind } = measure;
  if (!given && !bringsConditions(measure)) {
    return [
      {
        field: `${at}.success`,
        found: `nothing, and no \`failure\` either, of what only you can judge (${kind})`,
        accepted: conditionSyntax,
        advice: 'say what is good, what is bad, or both',
      },
    ];
  }
  if (given && mixesFigures(measure)) {
    return [
      {
        field: `${at}.measure.figure`,
        found: `nothing, and a condition on all figures of ${kind} at once`,
        accepted: 'one of them where the check has conditions of its own',
        advice: 'name the figure that is meant, or leave the conditions out',
      },
    ];
  }
  const useless = TOLERANCES.filter((field) => given && typeof typed === 'object' && typed !== null && field in typed);
  return useless.map((field) => ({
    field: `${at}.measure.${field}`,
    found: 'one beside conditions of the check, which go before it',
    accepted: 'only where the check has no conditions',
    advice: 'leave one of them out',
  }));
}

function tooLate({ initialDelayMs }: CheckSettings, at: string, lengthMs: number | null): Problem[] {
  if (lengthMs === null || initialDelayMs < lengthMs) return [];
  const gate = lengthMs === 0 ? 'no bake in which to measure' : `a bake of ${formatDuration(lengthMs)}`;
  return [
    {
      field: `${at}.initialDelay`,
      found: `${formatDuration(initialDelayMs)}, and ${gate}`,
      accepted: CHECK.initialDelay ?? '',
      advice: 'shorten it, or bake for longer',
    },
  ];
}

function sameNames(checks: readonly unknown[], where: string): Problem[] {
  const names = checks.map((check) =>
    typeof check === 'object' && check !== null && 'name' in check ? check.name : null,
  );
  return names.flatMap((name, index) =>
    typeof name === 'string' && names.indexOf(name) < index
      ? [
          {
            field: `${where}.checks[${index}].name`,
            found: found(name),
            accepted: 'a name that no other check has',
            advice: `\`checks[${names.indexOf(name)}]\` has it`,
          },
        ]
      : [],
  );
}
