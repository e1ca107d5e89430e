/** Turns what is wrong with a workflow's JSON input into lines a person can act on. Pure. */
import type * as v from 'valibot';
import { nearest } from './nearest.ts';

/** Per field: what it takes, as the second half of the sentence `accepted is …`. */
export type Accepted = Readonly<Record<string, string>>;

export interface Problem {
  field: string;
  found: string;
  accepted: string;
  /** What to do, in the imperative; empty when `accepted` says it all. */
  advice: string;
}

export function describeProblems(workflow: string, problems: Problem[]): string {
  const head =
    problems.length === 1
      ? `The input of ${workflow} has a problem`
      : `The input of ${workflow} has ${problems.length} problems`;
  const lines = problems.map(
    (p) => `- ${p.field}: found ${p.found}; accepted is ${p.accepted}${p.advice === '' ? '' : `; ${p.advice}`}`,
  );
  return [`${head}:`, ...lines].join('\n');
}

export function fromIssue(issue: v.BaseIssue<unknown>, accepted: Accepted): Problem {
  const path = (issue.path ?? []).map((item) => String(item.key));
  const [root = 'input'] = path;
  // A check over several fields is reported on one of them, but carries the whole object as its input.
  const value = issue.type === 'partial_check' ? issue.path?.at(-1)?.value : issue.input;
  return {
    field: path.join('.') || 'input',
    found: found(value),
    accepted: accepted[path.join('.')] ?? accepted[root] ?? issue.expected ?? 'another value',
    advice: issue.message,
  };
}

/** Keys only, never values: a key that does not belong here may well hold a secret. */
export function unknownKeys(input: object, accepted: Accepted): Problem[] {
  const known = Object.keys(accepted);
  return Object.keys(input)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = nearest(key, known);
      return {
        field: clip(key),
        found: 'a field of this name',
        accepted: `one of ${known.join(', ')}`,
        advice: meant === undefined ? 'remove it' : `did you mean "${meant}"?`,
      };
    });
}

/** The value as a person would say it, short. */
export function found(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (typeof value === 'string') return value === '' ? 'an empty string' : `"${clip(value)}"`;
  if (typeof value === 'number') return `the number ${value}`;
  if (typeof value === 'boolean') return `${value}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value !== 'object') return `a ${typeof value}`;
  const keys = Object.keys(value);
  return keys.length === 0 ? 'an empty object' : `an object with ${clip(keys.join(', '))}`;
}

function clip(text: string): string {
  const visible = text.replaceAll(/\p{Cc}/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return visible.length <= 80 ? visible : `${visible.slice(0, 79)}…`;
}
