/** `ferry rollout` from words to what is asked for. Pure; the workflow's own check of its input speaks first. */
import { readRolloutInput, type RolloutTenantsInput, type WaveInput } from '../workflows/rollout/input.ts';
import { usage } from './exit.ts';
import type { Given, Kind } from './options.ts';

export interface RolloutAsked {
  do: 'rollout';
  /** From the options, or a JSON file that has the whole input in it. */
  input: RolloutTenantsInput | { file: string };
  workflowId: string;
  wait: boolean;
  json: boolean;
}

/** What a file says by itself. */
const inputOptions = {
  wave: 'texts',
  from: 'text',
  to: 'text',
  concurrency: 'text',
  approval: 'text',
  bake: 'text',
  schedules: 'text',
  prefix: 'text',
  workflows: 'text',
} as const satisfies Record<string, Kind>;

export const rolloutOptions = {
  ...inputOptions,
  file: 'text',
  'workflow-id': 'text',
  wait: 'flag',
  json: 'flag',
} as const satisfies Record<string, Kind>;

type Option = keyof typeof rolloutOptions;

export function readRollout(name: string, given: Given<Option>): RolloutAsked {
  const file = given.text('file');
  const asked = {
    do: 'rollout',
    workflowId: given.text('workflow-id') ?? `rollout/${name}`,
    wait: given.flag('wait'),
    json: given.flag('json'),
  } as const;
  if (file === undefined) return { ...asked, input: fromOptions(given) };
  const besides = (Object.keys(inputOptions) as (keyof typeof inputOptions)[]).filter(
    (option) => given.texts(option).length > 0,
  );
  if (besides.length > 0) {
    throw usage(
      `--file came with --${besides.join(' and --')}; write that into the file, or leave --file out.`,
      'rollout',
    );
  }
  return { ...asked, input: { file } };
}

function fromOptions(given: Given<Option>): RolloutTenantsInput {
  const waves = given.texts('wave');
  if (waves.length === 0) {
    throw usage(
      '`ferry rollout` came without waves; name them: --wave canary=acme --wave eu=globex,initech, or --file.',
      'rollout',
    );
  }
  const [concurrency, prefix, schedules] = (['concurrency', 'prefix', 'schedules'] as const).map((option) =>
    given.text(option),
  );
  if (prefix !== undefined && schedules !== undefined) {
    throw usage('--prefix and --schedules are given; which schedules are meant is said by one of them.', 'rollout');
  }
  const atOnce = concurrency === undefined || !/^\d+$/.test(concurrency) ? concurrency : Number(concurrency);
  const defaults = {
    ...said(given, ['bake', 'schedules', 'workflows']),
    ...(prefix === undefined ? {} : { schedules: { prefix } }),
  };
  const input = {
    waves: waves.map((text) => ({ ...readWave(text), ...(atOnce === undefined ? {} : { concurrency: atOnce }) })),
    ...said(given, ['from', 'to', 'approval']),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
  } as RolloutTenantsInput;
  readRolloutInput([input]);
  return input;
}

function said(given: Given<Option>, options: readonly Option[]): Partial<Record<Option, string>> {
  const texts = options.map((option) => [option, given.text(option)] as const);
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

/** `canary=acme,globex`, or `rest=query: TenantId IS NOT NULL`. */
function readWave(text: string): WaveInput {
  const [, name, members] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || members === undefined) {
    throw usage(
      `--wave is "${text}"; it takes a name and tenants, such as canary=acme,globex, or a query, such as ` +
        '"rest=query: TenantId IS NOT NULL".',
      'rollout',
    );
  }
  const [, query] = /^query:\s*(.+)$/s.exec(members) ?? [];
  const tenants = query === undefined ? members.split(',').map((tenant) => tenant.trim()) : { query };
  return { name: name.trim(), tenants };
}
