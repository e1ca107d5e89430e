/** The one JSON object a person types to start a workflow, read by its schema: every problem at once. Pure. */
import * as v from 'valibot';
import { refusal } from '../errors.ts';
import { adviceOnWhole, whole, withDefaults } from './input.ts';
import { type Accepted, describeProblems, found, fromIssue, type Problem, unknownKeys } from './input-problems.ts';

/** `more`: problems between fields that are well by themselves. Throws `InvalidInput` naming every problem. */
export function readInput<S extends v.GenericSchema>(
  workflow: string,
  accepted: Accepted,
  schema: S,
  [input, ...rest]: unknown[],
  more: (parsed: v.InferOutput<S>) => Problem[],
): v.InferOutput<S> {
  const problems: Problem[] = [];
  if (rest.length > 0) problems.push(whole(`${rest.length + 1} arguments`, 'put every field into the one object'));
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    problems.push(whole(found(input), adviceOnWhole(input)));
    throw refusal('InvalidInput', describeProblems(workflow, problems));
  }
  problems.push(...unknownKeys(input, accepted));
  const parsed = v.safeParse(schema, input);
  for (const issue of parsed.issues ?? []) problems.push(withDefaults(fromIssue(issue, accepted), issue));
  if (parsed.success) problems.push(...more(parsed.output));
  if (!parsed.success || problems.length > 0) throw refusal('InvalidInput', describeProblems(workflow, problems));
  return parsed.output;
}
