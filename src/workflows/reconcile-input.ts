/** The JSON object a person types to start `ReconcileSchedules`; `ferry reconcile` reads its options with the same rules. Pure. */
import * as v from 'valibot';
import type { Selection } from '../activities/types.ts';
import { refusal } from '../errors.ts';
import {
  Profile,
  Schedules,
  TenantName,
  adviceOnWhole,
  profileSyntax,
  schedulesSyntax,
  tenantQuery,
  tenantSyntax,
  unqueryable,
  whole,
  withDefaults,
} from './input.ts';
import { type Accepted, type Problem, describeProblems, found, fromIssue, unknownKeys } from './input-problems.ts';

/** As typed; every field but `tenant` has a default. */
export interface ReconcileSchedulesInput {
  tenant: string;
  /** The two clusters, in any order: who owns a schedule is read off the schedule. @default 'cloud' */
  from?: string;
  /** @default 'selfhosted' */
  to?: string;
  /** @default `TenantId = '<tenant>'` */
  schedules?: string | { prefix: string } | { all: true };
  /** Schedules an activity, 1 to 250. @default 100 */
  pageSize?: number;
}

export interface ReconcileSettings {
  tenant: string;
  clusters: [string, string];
  selection: Selection;
  pageSize: number;
}

const ACCEPTED: Accepted = {
  tenant: tenantSyntax,
  from: profileSyntax,
  to: `${profileSyntax}, another one than \`from\``,
  schedules: schedulesSyntax,
  pageSize: 'a whole number from 1 to 250',
};

const Fields = v.pipe(
  v.object(
    {
      tenant: TenantName,
      from: v.optional(Profile('cloud'), 'cloud'),
      to: v.optional(Profile('selfhosted'), 'selfhosted'),
      schedules: v.optional(Schedules),
      pageSize: v.optional(
        v.pipe(
          v.number('write a number without quotes, such as 100'),
          v.check((size) => Number.isInteger(size) && size >= 1 && size <= 250, 'write a number such as 100'),
        ),
        100,
      ),
    },
    'write the name the schedules carry, such as "acme"',
  ),
  v.forward(
    v.partialCheck([['from'], ['to']], ({ from, to }) => from !== to, 'name two different profiles'),
    ['to'],
  ),
);

/** Throws `InvalidInput` naming every problem. */
export function readReconcileInput(args: unknown[]): ReconcileSettings {
  const [input, ...more] = args;
  const problems: Problem[] = [];
  if (more.length > 0) problems.push(whole(`${args.length} arguments`, 'put every field into the one object'));
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    problems.push(whole(found(input), adviceOnWhole(input)));
    throw refusal('InvalidInput', describeProblems('ReconcileSchedules', problems));
  }
  problems.push(...unknownKeys(input, ACCEPTED));
  const parsed = v.safeParse(Fields, input);
  for (const issue of parsed.issues ?? []) problems.push(withDefaults(fromIssue(issue, ACCEPTED), issue));
  if (parsed.success) problems.push(...unqueryable(parsed.output.tenant, parsed.output.schedules));
  if (!parsed.success || problems.length > 0) {
    throw refusal('InvalidInput', describeProblems('ReconcileSchedules', problems));
  }
  const { tenant, from, to, schedules, pageSize } = parsed.output;
  return { tenant, clusters: [from, to], selection: schedules ?? { query: tenantQuery(tenant) }, pageSize };
}
