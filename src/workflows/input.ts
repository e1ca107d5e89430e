/**
 * The JSON object a person types into the Web UI to start `MigrateTenant`, checked before anything else happens. All
 * problems are reported at once; nothing is guessed.
 */
import * as v from 'valibot';
import type { Selection } from '../activities/types.ts';
import { refusal } from '../errors.ts';
import { gatesSyntax, readGates } from '../gates/input.ts';
import type { GatesInput, GatesSettings } from '../gates/settings.ts';
import { formatDuration } from './duration.ts';
import { Duration, durationExamples, misspelt, text } from './fields.ts';
import { type Accepted, describeProblems, found, fromIssue, type Problem, unknownKeys } from './input-problems.ts';

/** As typed; every field but `tenant` has a default. */
export interface MigrateTenantInput {
  tenant: string;
  /** @default 'cloud' */
  from?: string;
  /** @default 'selfhosted' */
  to?: string;
  /** A visibility query, or which ids; `"none"` for a tenant without any. @default `TenantId = '<tenant>'` */
  schedules?: string | { prefix: string } | { all: true };
  /**
   * Visibility query of the workflows started on demand: the route changes with the schedules, and the source is drained
   * of them. `"none"`: schedules only. @default `TenantId = '<tenant>'`
   */
  workflows?: string;
  /** How long the source stays ready after the cut-over. @default '1 hour' */
  bake?: string;
  /** How often ownership is checked during the bake. @default a tenth of the bake, within limits */
  bakeCheckEvery?: string;
  /** What is measured during the bake, and what happens when it turns bad. @default nothing */
  gates?: GatesInput;
  /** @default 'auto' */
  approval?: 'auto' | 'manual';
  /** Stop after preflight and return the plan. @default false */
  dryRun?: boolean;
  /** Schedules a page, 1 to 250. @default a quarter of all, 10 to 250 */
  pageSize?: number;
  /** How long an open run may hold up its own schedule's hand-over. @default '60 seconds' */
  openRunLimit?: string;
  /** After the bake, how long to wait for open workflows on demand to end. @default without end */
  drainLimit?: string;
}

/** The same with every default filled in. */
export interface Settings {
  tenant: string;
  from: string;
  to: string;
  selection: Selection;
  /** Visibility query; null: schedules only. */
  workflows: string | null;
  bakeMs: number;
  bakeCheckEveryMs: number;
  /** Null: none. */
  gates: GatesSettings | null;
  approval: 'auto' | 'manual';
  dryRun: boolean;
  pageSize: number | undefined;
  openRunLimitMs: number;
  /** Null: until none is open. */
  drainLimitMs: number | null;
}

const MAX_OPEN_RUN_MS = 3600 * 1000;
const MAX_BAKE_MS = 90 * 24 * 3600 * 1000;
const MAX_DRAIN_MS = 365 * 24 * 3600 * 1000;
/** A check is about 11 history events; a migration's history should stay within a few thousand. */
const MAX_CHECKS = 500;

export const profileSyntax = 'the name of a connection profile (letters, digits, dot, dash, underscore; at most 64)';

export const tenantSyntax = 'a name of 1 to 200 characters without control characters or spaces around it';
const workflowsSyntax = 'a visibility query in quotes, or "none" where only schedules move';
export const schedulesSyntax = 'a visibility query in quotes, {"prefix": "…"} or {"all": true}';

const ACCEPTED: Accepted = {
  tenant: tenantSyntax,
  from: profileSyntax,
  to: `${profileSyntax}, another one than \`from\``,
  schedules: `${schedulesSyntax}, or "none" where only workflows on demand move`,
  workflows: workflowsSyntax,
  bake: `a duration in quotes ${durationExamples}, at most "90 days", or "0" for none`,
  bakeCheckEvery: `a duration in quotes ${durationExamples}, at least "1s"`,
  gates: gatesSyntax,
  approval: '"auto" or "manual"',
  dryRun: 'true or false',
  pageSize: 'a whole number from 1 to 250',
  openRunLimit: `a duration in quotes ${durationExamples}, at most "1 hour", or "0" to wait for no run`,
  drainLimit: `a duration in quotes ${durationExamples}, at most "365 days", or "0" not to wait; left out, it waits until none is open`,
};

export const Profile = (example: string) =>
  v.pipe(text(example), v.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, `write it as in temporal.toml, such as "${example}"`));

const selected = (read: (value: unknown) => Selection | string) =>
  v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset, addIssue, NEVER }): Selection => {
      const selection = read(dataset.value);
      if (typeof selection === 'object') return selection;
      addIssue({ message: selection });
      return NEVER;
    }),
  );

export const Schedules = selected(readSelection);
/** Of a migration: a tenant may have none. */
const MovedSchedules = selected((value) => (value === 'none' ? { none: true } : readSelection(value)));

const Workflows = v.pipe(
  text("TenantId = 'acme'"),
  v.check((query) => query.trim() !== '', `write a query such as "TenantId = 'acme'", or "none"`),
  v.transform((query) => (query === 'none' ? null : query)),
);

export const TenantName = v.pipe(
  text('acme'),
  v.nonEmpty('write the name the schedules carry, such as "acme"'),
  v.maxLength(200, 'shorten it'),
  v.check((name) => name === name.trim(), 'remove the spaces around it'),
  v.check((name) => !/\p{Cc}/u.test(name), 'remove the control characters'),
);

export const pageSizeSyntax = 'a whole number from 1 to 250';
export const PageSize = v.pipe(
  v.number('write a number without quotes, such as 100'),
  v.check((size) => Number.isInteger(size) && size >= 1 && size <= 250, 'write a number such as 100'),
);

const Fields = v.pipe(
  v.object(
    {
      tenant: TenantName,
      from: v.optional(Profile('cloud'), 'cloud'),
      to: v.optional(Profile('selfhosted'), 'selfhosted'),
      schedules: v.optional(MovedSchedules),
      workflows: v.optional(Workflows),
      bake: v.optional(Duration('1 hour', 0, MAX_BAKE_MS), '1 hour'),
      bakeCheckEvery: v.optional(Duration('5 min', 1000, MAX_BAKE_MS)),
      gates: v.optional(v.unknown()),
      approval: v.optional(
        v.picklist(['auto', 'manual'], (issue) => misspelt(issue.input, ['auto', 'manual'])),
        'auto',
      ),
      dryRun: v.optional(v.boolean('write true or false, without quotes'), false),
      pageSize: v.optional(PageSize),
      openRunLimit: v.optional(Duration('60 seconds', 0, MAX_OPEN_RUN_MS), '60 seconds'),
      drainLimit: v.optional(Duration('2 hours', 0, MAX_DRAIN_MS)),
    },
    'write the name the schedules carry, such as "acme"',
  ),
  v.forward(
    v.partialCheck(
      [['from'], ['to']],
      ({ from, to }) => from !== to,
      'name two different profiles: `from` is the source, `to` the target',
    ),
    ['to'],
  ),
);

/**
 * `args`: everything the workflow was started with. Throws `InvalidInput` naming every problem. `workflowsToo`: false for
 * a run from before workflows on demand moved, which need not have said which they are.
 */
export function readMigrateTenantInput(args: unknown[], workflowsToo = (): boolean => true): Settings {
  const [input, ...more] = args;
  const problems: Problem[] = [];
  if (more.length > 0) {
    problems.push(whole(`${args.length} arguments`, 'put every field into the one object'));
  }
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    problems.push(whole(found(input), adviceOnWhole(input)));
    throw refusal('InvalidInput', describeProblems('MigrateTenant', problems));
  }
  const read = checkMigrateTenantInput(input, workflowsToo);
  if ('problems' in read) problems.push(...read.problems);
  if (!('settings' in read) || problems.length > 0) {
    throw refusal('InvalidInput', describeProblems('MigrateTenant', problems));
  }
  return read.settings;
}

/** The same of the one object, for inputs that have such an object in them: everything that is wrong with it. */
export function checkMigrateTenantInput(
  input: object,
  workflowsToo = (): boolean => true,
): { settings: Settings } | { problems: Problem[] } {
  const problems = unknownKeys(input, ACCEPTED);
  let gating: GatesSettings | null = null;
  const parsed = v.safeParse(Fields, input);
  for (const issue of parsed.issues ?? []) problems.push(withDefaults(fromIssue(issue, ACCEPTED), issue));
  if (parsed.success) {
    problems.push(...inconsistencies(parsed.output));
    const { gates, bake } = parsed.output;
    if (gates !== undefined) {
      const read = readGates(gates, 'gates', bake);
      if ('problems' in read) problems.push(...read.problems);
      else gating = read.output;
    }
    const unsaid = unqueryableWorkflows(parsed.output);
    if (unsaid.length > 0 && workflowsToo()) problems.push(...unsaid);
  }
  if (!parsed.success || problems.length > 0) return { problems };

  const { schedules, workflows, bake, bakeCheckEvery, drainLimit, ...rest } = parsed.output;
  const settings: Settings = {
    tenant: rest.tenant,
    from: rest.from,
    to: rest.to,
    selection: schedules ?? { query: tenantQuery(rest.tenant) },
    workflows: workflows === undefined ? tenantQuery(rest.tenant) : workflows,
    bakeMs: bake,
    bakeCheckEveryMs: bakeCheckEvery ?? defaultCheckEvery(bake),
    gates: gating,
    approval: rest.approval,
    dryRun: rest.dryRun,
    pageSize: rest.pageSize,
    openRunLimitMs: rest.openRunLimit,
    drainLimitMs: drainLimit ?? null,
  };
  return { settings };
}

/** The server reads visibility queries with a MySQL tokenizer: a quote inside a string is doubled. */
export function tenantQuery(tenant: string): string {
  return `TenantId = '${tenant.replaceAll("'", "''")}'`;
}

/**
 * Names the server's visibility cannot be asked for: it trims quotes off both ends of a value, and escapes double
 * quotes and backslashes in a way SQLite and PostgreSQL do not undo. The query would quietly match nothing.
 */
export function isQueryable(tenant: string): boolean {
  return !/^'|'$|["\\]/.test(tenant);
}

/** A tenth of the bake, at least 10 s; long bakes are checked 48 times, because every check costs history. */
export function defaultCheckEvery(bakeMs: number): number {
  return Math.max(10_000, Math.min(bakeMs / 10, Math.max(600_000, Math.ceil(bakeMs / 48))));
}

type Parsed = v.InferOutput<typeof Fields>;

/** A tenant whose schedules cannot be found by its name has to say which they are. */
export function unqueryable(tenant: string, schedules: Selection | undefined): Problem[] {
  if (schedules !== undefined || isQueryable(tenant)) return [];
  return [
    {
      field: 'schedules',
      found: `nothing, and a tenant name (${found(tenant)}) that a visibility query cannot match`,
      accepted: schedulesSyntax,
      advice: 'say which schedules are meant, such as {"prefix": "…"}',
    },
  ];
}

/** The same of its workflows. */
function unqueryableWorkflows({ tenant, workflows }: Parsed): Problem[] {
  if (workflows !== undefined || isQueryable(tenant)) return [];
  return [
    {
      field: 'workflows',
      found: `nothing, and a tenant name (${found(tenant)}) that a visibility query cannot match`,
      accepted: workflowsSyntax,
      advice: 'say which are meant, or "none"',
    },
  ];
}

function inconsistencies(parsed: Parsed): Problem[] {
  const { tenant, schedules, workflows, bake, bakeCheckEvery, drainLimit } = parsed;
  const problems = unqueryable(tenant, schedules);
  if (workflows === null && schedules !== undefined && 'none' in schedules) {
    problems.push({
      field: 'workflows',
      found: '"none", as in `schedules`, so there is nothing to move',
      accepted: '"none" in one of the two at most',
      advice: 'leave one of them out to get its default',
    });
  }
  if (workflows === null && drainLimit !== undefined) {
    problems.push({
      field: 'drainLimit',
      found: `${formatDuration(drainLimit)}, and "none" in \`workflows\`, so nothing is drained`,
      accepted: 'only where workflows on demand move',
      advice: 'leave one of them out',
    });
  }
  if (bakeCheckEvery !== undefined && bake / bakeCheckEvery > MAX_CHECKS) {
    problems.push({
      field: 'bakeCheckEvery',
      found: `${formatDuration(bakeCheckEvery)}, which is ${Math.ceil(bake / bakeCheckEvery)} checks in a bake of ${formatDuration(bake)}`,
      accepted: `a duration that gives at most ${MAX_CHECKS} checks`,
      advice: `write "${Math.ceil(bake / MAX_CHECKS / 1000)}s" or more`,
    });
  }
  return problems;
}

export function whole(foundText: string, advice: string): Problem {
  return { field: 'input', found: foundText, accepted: 'one JSON object such as {"tenant": "acme"}', advice };
}

export function adviceOnWhole(input: unknown): string {
  if (Array.isArray(input)) return 'remove the brackets [ ] around the object';
  if (typeof input !== 'string') return 'name at least the tenant';
  if (/^\s*\{/.test(input)) return 'remove the quotes around the object, and the backslashes in it';
  return `write {"tenant": ${JSON.stringify(input.slice(0, 80))}} if that is the tenant's name`;
}

/** `null` is what forms send for a field left empty. */
export function withDefaults(problem: Problem, issue: v.BaseIssue<unknown>): Problem {
  if (issue.input !== null || problem.field === 'tenant') return problem;
  return { ...problem, advice: 'leave the field out to get its default' };
}

/** The selection, or what to do instead. */
function readSelection(value: unknown): Selection | string {
  const takeAll = 'write {"all": true} to take every schedule of the namespace';
  if (typeof value === 'string') return value.trim() === '' ? takeAll : { query: value };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'write the query in quotes';
  const keys = Object.keys(value);
  const [key] = keys;
  if (keys.length !== 1 || key === undefined) return 'give exactly one of `prefix` and `all`';
  const { prefix, all }: { prefix?: unknown; all?: unknown } = value;
  if (key === 'prefix') {
    if (typeof prefix !== 'string') return 'write the prefix in quotes';
    return prefix.trim() === '' ? takeAll : { prefix };
  }
  if (key === 'all') return all === true ? { all } : 'write {"all": true}, or a query for some of them';
  if (key === 'query') return 'write the query itself in quotes, without {"query": …} around it';
  return misspelt(key, ['prefix', 'all']);
}
