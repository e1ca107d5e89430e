/** The JSON objects a person types to start a single step; the commands read their options with the same rules. Pure. */
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
import type { Accepted, Problem } from './input-problems.ts';
import { readInput } from './read-input.ts';

/** Of `CopySchedules` and `VerifySchedules`, as typed. */
export interface CrossingStepInput {
  tenant: string;
  /** Whose schedules are copied, or compared. @default 'cloud' */
  from?: string;
  /** @default 'selfhosted' */
  to?: string;
  /** @default `TenantId = '<tenant>'` */
  schedules?: string | { prefix: string } | { all: true };
  /** Schedules an activity, 1 to 250. @default 100 */
  pageSize?: number;
}

/** Of `PauseSchedules` and `UnpauseSchedules`, as typed. */
export interface OneSidedStepInput {
  tenant: string;
  /** Whose schedules are paused, or run again. */
  cluster: string;
  /**
   * The other cluster the tenant may be on. @default of `cloud` and `selfhosted` the other one. Beside any other profile
   * `UnpauseSchedules` has to be told.
   */
  other?: string;
  /** @default `TenantId = '<tenant>'` */
  schedules?: string | { prefix: string } | { all: true };
  /** Schedules an activity, 1 to 250. @default 100 */
  pageSize?: number;
}

export interface CrossingStepSettings {
  tenant: string;
  from: string;
  to: string;
  selection: Selection;
  pageSize: number;
}

export interface OneSidedStepSettings {
  tenant: string;
  cluster: string;
  other: string | null;
  selection: Selection;
  pageSize: number;
}

const common = { tenant: tenantSyntax, schedules: schedulesSyntax, pageSize: pageSizeSyntax };
const CROSSING: Accepted = { ...common, from: profileSyntax, to: `${profileSyntax}, another one than \`from\`` };
const ONE_SIDED: Accepted = {
  ...common,
  cluster: profileSyntax,
  other: `${profileSyntax}, another one than \`cluster\``,
};

const fields = {
  tenant: TenantName,
  schedules: v.optional(Schedules),
  pageSize: v.optional(PageSize, 100),
};
const CrossingFields = v.pipe(
  v.object(
    {
      ...fields,
      from: v.optional(Profile('cloud'), 'cloud'),
      to: v.optional(Profile('selfhosted'), 'selfhosted'),
    },
    'write the name the schedules carry, such as "acme"',
  ),
  v.forward(
    v.partialCheck([['from'], ['to']], ({ from, to }) => from !== to, 'name two different profiles'),
    ['to'],
  ),
);
const OneSidedFields = v.pipe(
  v.object({ ...fields, cluster: Profile('cloud'), other: v.optional(Profile('selfhosted')) }, ({ expected }) =>
    expected === '"cluster"'
      ? 'write it as in temporal.toml, such as "cloud"'
      : 'write the name the schedules carry, such as "acme"',
  ),
  v.forward(
    v.partialCheck([['cluster'], ['other']], ({ cluster, other }) => cluster !== other, 'name another profile'),
    ['other'],
  ),
);

/** Throws `InvalidInput` naming every problem. */
export function readCrossingStep(step: 'CopySchedules' | 'VerifySchedules', args: unknown[]): CrossingStepSettings {
  const { schedules, ...rest } = readInput(step, CROSSING, CrossingFields, args, (parsed) =>
    unqueryable(parsed.tenant, parsed.schedules),
  );
  return { ...rest, selection: schedules ?? { query: tenantQuery(rest.tenant) } };
}

/** Throws `InvalidInput` naming every problem. */
export function readPauseInput(args: unknown[]): OneSidedStepSettings {
  return readOneSided('PauseSchedules', args, () => []);
}

/** Throws `InvalidInput` naming every problem. */
export function readUnpauseInput(args: unknown[]): OneSidedStepSettings & { other: string } {
  const settings = readOneSided('UnpauseSchedules', args, (other) =>
    other === null
      ? [
          {
            field: 'other',
            found: 'nothing, beside a `cluster` that is neither "cloud" nor "selfhosted"',
            accepted: ONE_SIDED.other ?? '',
            advice: 'name the other cluster the tenant may be on: it is asked whether it runs the schedules',
          },
        ]
      : [],
  );
  return { ...settings, other: settings.other ?? '' };
}

function readOneSided(step: string, args: unknown[], more: (other: string | null) => Problem[]): OneSidedStepSettings {
  const { schedules, other, ...rest } = readInput(step, ONE_SIDED, OneSidedFields, args, (parsed) => [
    ...unqueryable(parsed.tenant, parsed.schedules),
    ...more(parsed.other ?? otherThan(parsed.cluster)),
  ]);
  return {
    ...rest,
    other: other ?? otherThan(rest.cluster),
    selection: schedules ?? { query: tenantQuery(rest.tenant) },
  };
}

function otherThan(cluster: string): string | null {
  if (cluster === 'cloud') return 'selfhosted';
  return cluster === 'selfhosted' ? 'cloud' : null;
}
