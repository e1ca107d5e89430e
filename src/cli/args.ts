/** From the command line to what is asked for. Pure: nothing is looked up, and every refusal says what to do. */
import { type MigrateTenantInput, readMigrateTenantInput } from '../workflows/input.ts';
import { nearest } from '../workflows/nearest.ts';
import { COMMANDS } from '../workflows/progress.ts';
import type { RolloutCommand } from '../workflows/rollout/overview.ts';
import { type Audit, AUDIT_FORMERLY, auditOptions, readAudit } from './audit-args.ts';
import { type Compare, compareOptions, readCompare } from './compare-args.ts';
import { usage } from './exit.ts';
import { type Reconcile, readReconcile, reconcileOptions } from './reconcile-args.ts';
import { type Given, type Kind, readOptions } from './options.ts';
import { readRollout, type RolloutAsked, rolloutOptions } from './rollout-args.ts';
import { readRoute, type RouteAsked, routeOptions } from './route-args.ts';
import { readSelection, selectionOptions } from './selection.ts';
import { crossingStepOptions, oneSidedStepOptions, readCrossing, readOneSided, type StepAsked } from './steps-args.ts';

export const TOPICS = [
  'worker',
  'migrate',
  'plan',
  'rollout',
  'status',
  'route',
  'audit',
  'compare',
  'reconcile',
  'copy',
  'verify',
  'pause-schedules',
  'unpause-schedules',
  ...COMMANDS,
  'skip',
] as const;
export type Topic = (typeof TOPICS)[number];

export interface Migrate {
  do: 'migrate';
  input: MigrateTenantInput;
  workflowId: string;
  wait: boolean;
  json: boolean;
}

export interface Plan {
  do: 'plan';
  input: MigrateTenantInput;
  workflowId: string;
  json: boolean;
}

export interface Status {
  do: 'status';
  /** A tenant, or the workflow id of a migration. */
  subject: string;
  watch: boolean;
  json: boolean;
}

export interface Steer {
  do: 'steer';
  command: RolloutCommand;
  /** A tenant, or the workflow id of a migration or a rollout. */
  subject: string;
  reason?: string;
  /** Of a rollout's rollback. */
  scope?: string;
  /** Of a rollout's proceed. */
  retry?: boolean;
  /** Of a skip. */
  tenant?: string;
}

export type Asked =
  | { do: 'help'; topic?: Topic }
  | { do: 'version' }
  | { do: 'worker' }
  | Migrate
  | Plan
  | Status
  | RolloutAsked
  | RouteAsked
  | Audit
  | Compare
  | Reconcile
  | StepAsked
  | Steer;

const inputOptions = {
  from: 'text',
  to: 'text',
  ...selectionOptions,
  workflows: 'text',
  bake: 'text',
  'bake-check-every': 'text',
  gates: 'text',
  approval: 'text',
  'page-size': 'text',
  'open-run-limit': 'text',
  'drain-limit': 'text',
  'workflow-id': 'text',
  json: 'flag',
} as const satisfies Record<string, Kind>;

/** `--all` is of `ferry audit` too, where it was something else. */
const INPUT_FORMERLY = { all: 'all-schedules' } as const;

const OPTIONS = {
  worker: {},
  migrate: { ...inputOptions, 'dry-run': 'flag', wait: 'flag' },
  plan: inputOptions,
  rollout: rolloutOptions,
  status: { json: 'flag', watch: 'flag' },
  route: routeOptions,
  audit: auditOptions,
  compare: compareOptions,
  reconcile: reconcileOptions,
  copy: crossingStepOptions,
  verify: crossingStepOptions,
  'pause-schedules': oneSidedStepOptions,
  'unpause-schedules': oneSidedStepOptions,
  rollback: { reason: 'text', scope: 'text' },
  pause: {},
  resume: {},
  proceed: { retry: 'flag' },
  skip: {},
} as const satisfies Record<Topic, Record<string, Kind>>;

const SUBJECT = 'a tenant, a rollout, or the workflow id of either';

export function readArguments(args: string[]): Asked {
  const [first, ...rest] = args;
  if (first === undefined || first === '--help' || first === '-h') return { do: 'help' };
  if (first === '--version' || first === '-v') return { do: 'version' };
  if (first === 'help') return { do: 'help', ...(rest[0] === undefined ? {} : { topic: readTopic(rest[0]) }) };
  const topic = readTopic(first);
  const untilEnd = rest.includes('--') ? rest.slice(0, rest.indexOf('--')) : rest;
  if (untilEnd.some((word) => word === '--help' || word === '-h')) return { do: 'help', topic };

  switch (topic) {
    case 'worker': {
      const { words } = readOptions(topic, rest, OPTIONS.worker);
      if (words.length > 0) throw usage(`\`ferry worker\` came with "${words[0]}"; it takes nothing.`, topic);
      return { do: 'worker' };
    }
    case 'migrate': {
      const given = readOptions(topic, rest, OPTIONS.migrate, INPUT_FORMERLY);
      const input = readInput(topic, given, given.flag('dry-run'));
      const workflowId = workflowIdOf(given, input);
      return { do: 'migrate', input, workflowId, wait: given.flag('wait'), json: given.flag('json') };
    }
    case 'plan': {
      const given = readOptions(topic, rest, OPTIONS.plan, INPUT_FORMERLY);
      const input = readInput(topic, given, true);
      return { do: 'plan', input, workflowId: workflowIdOf(given, input), json: given.flag('json') };
    }
    case 'status': {
      const given = readOptions(topic, rest, OPTIONS.status);
      const subject = one(topic, given.words, SUBJECT);
      return { do: 'status', subject, watch: given.flag('watch'), json: given.flag('json') };
    }
    case 'rollout': {
      const given = readOptions(topic, rest, OPTIONS.rollout);
      return readRollout(one(topic, given.words, 'a name'), given);
    }
    case 'route': {
      const given = readOptions(topic, rest, OPTIONS.route);
      return readRoute(one(topic, given.words, 'the name of a tenant'), given);
    }
    case 'audit': {
      const given = readOptions(topic, rest, OPTIONS.audit, AUDIT_FORMERLY);
      return readAudit(one(topic, given.words, 'the name of a tenant'), given);
    }
    case 'compare': {
      const given = readOptions(topic, rest, OPTIONS.compare);
      return readCompare(one(topic, given.words, 'the name of a tenant'), given);
    }
    case 'reconcile': {
      const given = readOptions(topic, rest, OPTIONS.reconcile);
      return readReconcile(one(topic, given.words, 'the name of a tenant'), given);
    }
    case 'copy':
    case 'verify': {
      const given = readOptions(topic, rest, OPTIONS[topic]);
      return readCrossing(topic, one(topic, given.words, 'the name of a tenant'), given);
    }
    case 'pause-schedules':
    case 'unpause-schedules': {
      const given = readOptions(topic, rest, OPTIONS[topic]);
      return readOneSided(topic, one(topic, given.words, 'the name of a tenant'), given);
    }
    case 'rollback': {
      const given = readOptions(topic, rest, OPTIONS.rollback);
      const subject = one(topic, given.words, SUBJECT);
      const [reason, scope] = [given.text('reason'), given.text('scope')];
      if (scope !== undefined && scope !== 'wave' && scope !== 'all') {
        throw usage(`--scope is "${scope}"; it takes wave or all.`, topic);
      }
      return {
        do: 'steer',
        command: topic,
        subject,
        ...(reason === undefined ? {} : { reason }),
        ...(scope === undefined ? {} : { scope }),
      };
    }
    case 'pause':
    case 'resume':
    case 'proceed': {
      if (rest.some((word) => word === '--reason' || word.startsWith('--reason='))) {
        throw usage(`--reason is no option of \`ferry ${topic}\`; only \`ferry rollback\` keeps a reason.`, topic);
      }
      const { words, flag } = readOptions<string>(topic, rest, OPTIONS[topic]);
      const subject = one(topic, words, SUBJECT);
      return { do: 'steer', command: topic, subject, ...(flag('retry') ? { retry: true } : {}) };
    }
    case 'skip': {
      const { words } = readOptions<string>(topic, rest, OPTIONS.skip);
      const [subject, tenant, ...more] = words;
      if (!subject || !tenant || more.length > 0) {
        throw usage(
          '`ferry skip` takes two names: a rollout and a tenant of it, such as ferry skip 2026-11 acme.',
          topic,
        );
      }
      return { do: 'steer', command: topic, subject, tenant };
    }
  }
}

function readTopic(word: string): Topic {
  const topic = TOPICS.find((each) => each === word);
  if (topic !== undefined) return topic;
  const meant = nearest(word, [...TOPICS, 'help']);
  const advice = meant === undefined ? 'write one of those' : `did you mean \`ferry ${meant}\`?`;
  throw usage(`"${word}" is no command of ferry; it has ${TOPICS.join(', ')}; ${advice}`);
}

function one(topic: Topic, [word, ...more]: string[], what: string): string {
  if (word === undefined || word === '') {
    throw usage(`\`ferry ${topic}\` came without ${what}; name it: ferry ${topic} acme`, topic);
  }
  if (more.length > 0) {
    throw usage(
      `\`ferry ${topic}\` came with ${more.length + 1} names (${[word, ...more].join(', ')}); it takes one: ${what}. ` +
        'Put quotes around a name with spaces.',
      topic,
    );
  }
  return word;
}

type InputOption = keyof typeof inputOptions;

function readInput(topic: Topic, given: Given<InputOption>, dryRun: boolean): MigrateTenantInput {
  const tenant = one(topic, given.words, 'the name of a tenant');
  const schedules = readSelection(topic, given);
  const gates = readGates(topic, given.text('gates'));
  const [from, to, workflows, bake, bakeCheckEvery, approval, pageSize, openRunLimit, drainLimit] = (
    [
      'from',
      'to',
      'workflows',
      'bake',
      'bake-check-every',
      'approval',
      'page-size',
      'open-run-limit',
      'drain-limit',
    ] as const
  ).map((name) => given.text(name));
  const input = {
    tenant,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(schedules === undefined ? {} : { schedules }),
    ...(workflows === undefined ? {} : { workflows }),
    ...(bake === undefined ? {} : { bake }),
    ...(bakeCheckEvery === undefined ? {} : { bakeCheckEvery }),
    ...(gates === undefined ? {} : { gates }),
    ...(approval === undefined ? {} : { approval }),
    ...(pageSize === undefined ? {} : { pageSize: /^\d+$/.test(pageSize) ? Number(pageSize) : pageSize }),
    ...(openRunLimit === undefined ? {} : { openRunLimit }),
    ...(drainLimit === undefined ? {} : { drainLimit }),
    ...(dryRun ? { dryRun } : {}),
  } as MigrateTenantInput;
  // The workflow's own check, before anything is sent: both say the same.
  readMigrateTenantInput([input]);
  return input;
}

/** As JSON; what is in it the input's own check says. */
function readGates(topic: Topic, json: string | undefined): unknown {
  if (json === undefined) return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usage(`\`--gates\` is no JSON: ${error.message}. Write --gates "$(cat gates.json)".`, topic);
  }
}

/** A dry run has an id of its own, so that `ferry status <tenant>` goes on showing the migration. */
function workflowIdOf(given: Given<InputOption>, { tenant, dryRun }: MigrateTenantInput): string {
  return given.text('workflow-id') ?? `${dryRun ? 'plan' : 'migrate'}/${tenant}`;
}
