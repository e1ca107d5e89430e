/**
 * The JSON object a person types to start `RolloutTenants`, checked before anything else happens, down to the input of
 * every tenant's migration that can be known by then. All problems are reported at once; nothing is guessed.
 */
import * as v from 'valibot';
import { refusal } from '../../errors.ts';
import { text } from '../fields.ts';
import { Profile, TenantName, checkMigrateTenantInput, profileSyntax, tenantSyntax } from '../input.ts';
import { type TenantSettings, SAID, PLACEHOLDER, migrationInput } from './migrations.ts';
import { type Accepted, type Problem, describeProblems, found, fromIssue, unknownKeys } from '../input-problems.ts';

export interface WaveInput {
  name: string;
  /** By name, or those that the source's schedules matching a visibility query carry as `TenantId`. */
  tenants: string[] | { query: string };
  /** How many migrate at a time, 1 to 50. @default 1 */
  concurrency?: number;
  /** Short for `{"settings": {"bake": …}}`. */
  bake?: string;
  /** `manual`: wait for `proceed` before its first tenant. @default that of the rollout; of the first wave `auto` */
  approval?: 'auto' | 'manual';
  /** Over those of `defaults`. */
  settings?: TenantSettings;
}

/** As typed; every field but `waves` has a default. */
export interface RolloutTenantsInput {
  waves: WaveInput[];
  /** @default 'cloud' */
  from?: string;
  /** @default 'selfhosted' */
  to?: string;
  /** For every tenant's migration. `{tenant}` in `schedules` and `workflows` stands for its name. */
  defaults?: TenantSettings;
  /** `manual`: wait for `proceed` between waves. @default 'auto' */
  approval?: 'auto' | 'manual';
}

export interface Wave {
  name: string;
  tenants: string[] | { query: string };
  concurrency: number;
  /** Before its first tenant. */
  approval: 'auto' | 'manual';
  /** `defaults`, with what the wave says over them. */
  settings: TenantSettings;
  /** Of its migrations. */
  bakeMs: number;
  /** Each of its migrations waits for a `proceed` of its own. */
  manual: boolean;
}

export interface RolloutSettings {
  from: string;
  to: string;
  waves: Wave[];
}

export const MAX_TENANTS = 1000;
const MAX_WAVES = 100;
const MAX_AT_ONCE = 50;
const MAX_PROBLEMS = 30;
const WORKFLOW = 'RolloutTenants';

/** Fields of a wave that are short for one of its settings. */
const SHORT = ['bake'] as const;

const settingsSyntax = 'an object with fields of MigrateTenant, such as {"bake": "2 hours"}';
const approvalSyntax = '"auto" or "manual"';
const ACCEPTED: Accepted = {
  waves: `a list of 1 to ${MAX_WAVES} waves such as {"name": "canary", "tenants": ["acme"]}`,
  from: profileSyntax,
  to: `${profileSyntax}, another one than \`from\``,
  defaults: settingsSyntax,
  approval: approvalSyntax,
};
const WAVE_ACCEPTED: Accepted = {
  name: 'a name of 1 to 60 characters',
  tenants: 'a list of tenants such as ["acme"], or {"query": "…"} with a visibility query for their schedules',
  concurrency: `a whole number from 1 to ${MAX_AT_ONCE}`,
  bake: 'a duration in quotes, as MigrateTenant takes it',
  approval: approvalSyntax,
  settings: settingsSyntax,
};

const Approval = v.picklist(['auto', 'manual'], 'write "auto" or "manual"');
const Group = v.record(v.string(), v.unknown(), 'write an object in braces { }');
const Atop = v.pipe(
  v.object({
    waves: v.pipe(
      v.array(v.unknown(), 'write a list in brackets [ ], one object a wave'),
      v.minLength(1, 'name at least one wave'),
      v.maxLength(MAX_WAVES, 'make fewer, larger waves'),
    ),
    from: v.optional(Profile('cloud'), 'cloud'),
    to: v.optional(Profile('selfhosted'), 'selfhosted'),
    defaults: v.optional(Group, {}),
    approval: v.optional(Approval, 'auto'),
  }),
  v.forward(
    v.partialCheck([['from'], ['to']], ({ from, to }) => from !== to, 'name two different profiles'),
    ['to'],
  ),
);
const InWave = v.object({
  name: v.pipe(
    text('canary'),
    v.check((name) => name.trim() !== '', 'write a name such as "canary"'),
    v.maxLength(60, 'shorten it'),
  ),
  tenants: v.union(
    [
      v.pipe(v.array(v.unknown()), v.minLength(1, 'name at least one tenant')),
      v.strictObject({
        query: v.pipe(
          v.string(),
          v.check((query) => query.trim() !== '', 'write a query such as "TenantId IS NOT NULL"'),
        ),
      }),
    ],
    'write ["acme", …], or {"query": "…"}',
  ),
  concurrency: v.optional(
    v.pipe(
      v.number('write a number without quotes, such as 5'),
      v.check((n) => Number.isInteger(n) && n >= 1 && n <= MAX_AT_ONCE, 'write a number such as 5'),
    ),
    1,
  ),
  bake: v.optional(v.unknown()),
  approval: v.optional(Approval),
  settings: v.optional(Group, {}),
});

/** Throws `InvalidInput` naming every problem, or the first 30. */
export function readRolloutInput(args: unknown[]): RolloutSettings {
  const [input, ...more] = args;
  const problems: Problem[] = [];
  if (more.length > 0) problems.push(whole(`${args.length} arguments`, 'put every field into the one object'));
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw refused([...problems, whole(found(input), 'name at least the waves')]);
  }
  problems.push(...unknownKeys(input, ACCEPTED));
  const parsed = v.safeParse(Atop, input);
  for (const issue of parsed.issues ?? []) problems.push(fromIssue(issue, ACCEPTED));
  if (!parsed.success) throw refused(problems);

  const { from, to, defaults, approval } = parsed.output;
  const moved = { from, to };
  const wrongDefaults = settingsProblems('defaults', defaults, moved);
  problems.push(...wrongDefaults);
  const waves: Wave[] = [];
  for (const [index, each] of parsed.output.waves.entries()) {
    const read = readWave(each, {
      where: `waves[${index}]`,
      // What is wrong with them is told once.
      defaults: wrongDefaults.length === 0 ? defaults : {},
      moved,
      approval: index === 0 ? 'auto' : approval,
    });
    if (Array.isArray(read)) problems.push(...read);
    else waves.push(read);
  }
  problems.push(...repeated(waves));
  if (problems.length > 0) throw refused(problems);
  for (const [index, wave] of waves.entries()) problems.push(...tenantProblems(index, wave, { from, to, waves }));
  if (problems.length > 0) throw refused(problems);
  return { from, to, waves };
}

interface Around {
  /** Of the wave, for people: `waves[0]`. */
  where: string;
  defaults: object;
  moved: { from: string; to: string };
  approval: 'auto' | 'manual';
}

function readWave(wave: unknown, { where, defaults, moved, approval }: Around): Wave | Problem[] {
  if (typeof wave !== 'object' || wave === null || Array.isArray(wave)) {
    return [
      { field: where, found: found(wave), accepted: ACCEPTED.waves ?? '', advice: 'write an object in braces { }' },
    ];
  }
  const problems = unknownKeys(wave, WAVE_ACCEPTED);
  const parsed = v.safeParse(InWave, wave);
  for (const issue of parsed.issues ?? []) problems.push(fromIssue(issue, WAVE_ACCEPTED));
  problems.push(...misnamed('tenants' in wave ? wave.tenants : undefined));
  if (!parsed.success) return under(where, problems);

  const { name, tenants, concurrency, settings } = parsed.output;
  const short = Object.fromEntries(
    SHORT.filter((field) => parsed.output[field] !== undefined).map((field) => [field, parsed.output[field]]),
  );
  problems.push(...settingsProblems('settings', settings, moved));
  for (const field of SHORT) {
    if (field in short && field in settings) {
      problems.push({
        field,
        found: `${found(short[field])}, and another in \`settings\``,
        accepted: 'one of the two',
        advice: 'leave one of them out',
      });
    }
  }
  const shortOnes = checkMigrateTenantInput({ tenant: SOMEBODY, ...moved, ...short });
  if ('problems' in shortOnes) problems.push(...shortOnes.problems);
  if (!Array.isArray(tenants) || tenants.length > 1) problems.push(...shared('settings', settings));
  if (problems.length > 0) return under(where, problems);

  const all = { ...defaults, ...short, ...settings };
  const together = checkMigrateTenantInput({ tenant: SOMEBODY, ...moved, ...all });
  if ('problems' in together) return under(`${where} with the defaults`, together.problems);
  const { bakeMs, approval: own } = together.settings;
  return {
    name,
    tenants: Array.isArray(tenants) ? tenants.map(String) : tenants,
    concurrency,
    approval: parsed.output.approval ?? approval,
    settings: all,
    bakeMs,
    manual: own === 'manual',
  };
}

function misnamed(tenants: unknown): Problem[] {
  if (!Array.isArray(tenants)) return [];
  return tenants.flatMap((tenant: unknown, index) => {
    const { issues = [] } = v.safeParse(TenantName, tenant);
    return issues.map(({ message }) => {
      return { field: `tenants[${index}]`, found: found(tenant), accepted: tenantSyntax, advice: message };
    });
  });
}

/** Stands for whichever tenant it will be. */
const SOMEBODY = 'somebody';

function settingsProblems(where: string, settings: object, moved: { from: string; to: string }): Problem[] {
  const said = SAID.filter((field) => field in settings).map((field) => ({
    field: `${where}.${field}`,
    found: 'a field of this name',
    accepted: 'any other field of MigrateTenant',
    advice:
      field === 'dryRun'
        ? 'use `ferry plan <tenant>`'
        : `say \`${field === 'tenant' ? 'tenants' : field}\` in the rollout`,
  }));
  if (said.length > 0) return said;
  const read = checkMigrateTenantInput({ tenant: SOMEBODY, ...moved, ...settings });
  const problems = 'problems' in read ? under(where, read.problems) : [];
  return where === 'defaults' ? [...problems, ...shared(where, settings)] : problems;
}

/** The first tenant's migration would move the schedules of all others too. */
function shared(where: string, settings: { schedules?: unknown; workflows?: unknown }): Problem[] {
  return (['schedules', 'workflows'] as const)
    .filter((field) => settings[field] !== undefined && settings[field] !== 'none')
    .filter((field) => !JSON.stringify(settings[field]).includes(PLACEHOLDER))
    .map((field) => ({
      field: `${where}.${field}`,
      found: `${found(settings[field])}, which is the same for every tenant`,
      accepted: `a selection with ${PLACEHOLDER} in it, such as "CustomerId = '${PLACEHOLDER}'"`,
      advice: 'leave it out, or put the name of the tenant into it so',
    }));
}

function repeated(waves: readonly Wave[]): Problem[] {
  const problems: Problem[] = [];
  const firsts = new Map<string, string>();
  for (const [index, { tenants }] of waves.entries()) {
    for (const [at, tenant] of (Array.isArray(tenants) ? tenants : []).entries()) {
      const field = `waves[${index}].tenants[${at}]`;
      const first = firsts.get(tenant);
      if (first === undefined) firsts.set(tenant, field);
      else {
        problems.push({
          field,
          found: `${found(tenant)}, as in ${first}`,
          accepted: 'a tenant once',
          advice: 'name it once',
        });
      }
    }
  }
  const same = waves.find(({ name }, index) => waves.findIndex((each) => each.name === name) !== index);
  if (same) {
    problems.push({
      field: 'waves',
      found: `two of the name ${found(same.name)}`,
      accepted: 'a name once',
      advice: 'give each its own',
    });
  }
  if (firsts.size > MAX_TENANTS) {
    problems.push({
      field: 'waves',
      found: `${firsts.size} tenants`,
      accepted: `at most ${MAX_TENANTS}`,
      advice: 'make two rollouts of it',
    });
  }
  return problems;
}

/** What is wrong with the migration of one tenant alone, such as a name that no query can match. */
function tenantProblems(index: number, { tenants }: Wave, settings: RolloutSettings): Problem[] {
  return (Array.isArray(tenants) ? tenants : []).flatMap((tenant, at) => {
    const read = checkMigrateTenantInput(migrationInput(settings, index, tenant));
    return 'problems' in read ? under(`waves[${index}].tenants[${at}]`, read.problems) : [];
  });
}

function whole(foundText: string, advice: string): Problem {
  const accepted = 'one JSON object such as {"waves": [{"name": "canary", "tenants": ["acme"]}]}';
  return { field: 'input', found: foundText, accepted, advice };
}

function under(where: string, problems: Problem[]): Problem[] {
  return problems.map((each) => ({ ...each, field: each.field === 'input' ? where : `${where}.${each.field}` }));
}

function refused(problems: Problem[]) {
  const shown = problems.slice(0, MAX_PROBLEMS);
  const more = problems.length - shown.length;
  return refusal('InvalidInput', `${describeProblems(WORKFLOW, shown)}${more > 0 ? `\n- and ${more} more` : ''}`);
}
