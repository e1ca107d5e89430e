/** One object inside an input, checked on its own, with problems that name the whole path. Pure. */
import * as v from 'valibot';
import { type Accepted, found, fromIssue, type Problem, unknownKeys } from '../workflows/input-problems.ts';

export type ReadObject<T> = { output: T } | { problems: Problem[] };

export function readObject<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  accepted: Accepted,
  where: string,
): ReadObject<v.InferOutput<Schema>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { problems: [notAnObject(value, accepted, where)] };
  }
  const problems = unknownKeys(value, accepted);
  const parsed = v.safeParse(schema, value);
  for (const issue of parsed.issues ?? []) problems.push(leftEmpty(fromIssue(issue, accepted), issue));
  const located = problems.map((problem) => ({ ...problem, field: `${where}.${problem.field}` }));
  return parsed.success && located.length === 0 ? { output: parsed.output } : { problems: located };
}

function notAnObject(value: unknown, accepted: Accepted, where: string): Problem {
  const fields = Object.keys(accepted).join(', ');
  return { field: where, found: found(value), accepted: `an object with ${fields}`, advice: 'write it in braces { }' };
}

/** `null` is what forms send for a field left empty. */
function leftEmpty(problem: Problem, issue: v.BaseIssue<unknown>): Problem {
  return issue.input === null ? { ...problem, advice: 'leave the field out to get its default' } : problem;
}
