/** The JSON object a person types to start `ReconcileSchedules`; `ferry reconcile` reads its options with the same rules. Pure. */
import * as v from 'valibot';
import type { Selection } from '../activities/types.ts';
import {
  PageSize,
  Profile,
  Schedules,
  TenantName,
  pageSizeSyntax,
  profileSyntax,
  schedulesSyntax,
  tenantQuery,
  tenantSyntax,
  unqueryable,
} from './input.ts';
import type { Accepted } from './input-problems.ts';
import { readInput } from './read-input.ts';

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
  pageSize: pageSizeSyntax,
};

const Fields = v.pipe(
  v.object(
    {
      tenant: TenantName,
      from: v.optional(Profile('cloud'), 'cloud'),
      to: v.optional(Profile('selfhosted'), 'selfhosted'),
      schedules: v.optional(Schedules),
      pageSize: v.optional(PageSize, 100),
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
  const { tenant, from, to, schedules, pageSize } = readInput('ReconcileSchedules', ACCEPTED, Fields, args, (parsed) =>
    unqueryable(parsed.tenant, parsed.schedules),
  );
  return { tenant, clusters: [from, to], selection: schedules ?? { query: tenantQuery(tenant) }, pageSize };
}
