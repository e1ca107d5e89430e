import { expect, test } from 'vitest';
import { type Asked, readArguments, TOPICS } from '../../src/cli/args.ts';
import { CliError, EXIT } from '../../src/cli/exit.ts';
import { explain } from '../../src/cli/errors.ts';
import { help } from '../../src/cli/help.ts';
import { main } from '../../src/cli/main.ts';
import { clipBytes, shell } from '../../src/cli/words.ts';

const accepted: [string[], Asked][] = [
  [[], { do: 'help' }],
  [['--help'], { do: 'help' }],
  [['help', 'plan'], { do: 'help', topic: 'plan' }],
  [['migrate', 'acme', '--bake', '0', '-h'], { do: 'help', topic: 'migrate' }],
  [['--version'], { do: 'version' }],
  [['worker'], { do: 'worker' }],
  [
    ['migrate', 'acme'],
    { do: 'migrate', input: { tenant: 'acme' }, workflowId: 'migrate/acme', wait: false, json: false },
  ],
  [
    ['migrate', '--from', 'selfhosted', '--to=cloud', 'acme', '--bake', '2 minutes', '--approval', 'manual', '--wait'],
    {
      do: 'migrate',
      input: { tenant: 'acme', from: 'selfhosted', to: 'cloud', bake: '2 minutes', approval: 'manual' },
      workflowId: 'migrate/acme',
      wait: true,
      json: false,
    },
  ],
  [
    ['migrate', 'acme', '--all-schedules', '--dry-run', '--json', '--page-size', '25', '--bake-check-every', '5 min'],
    {
      do: 'migrate',
      input: { tenant: 'acme', schedules: { all: true }, bakeCheckEvery: '5 min', pageSize: 25, dryRun: true },
      workflowId: 'plan/acme',
      wait: false,
      json: true,
    },
  ],
  [
    ['plan', "o'neill & sons", '--prefix', 'on-', '--workflow-id', 'look'],
    {
      do: 'plan',
      input: { tenant: "o'neill & sons", schedules: { prefix: 'on-' }, dryRun: true },
      workflowId: 'look',
      json: false,
    },
  ],
  [
    ['migrate', 'acme', '--schedules', "TenantId = 'acme'"],
    {
      do: 'migrate',
      input: { tenant: 'acme', schedules: "TenantId = 'acme'" },
      workflowId: 'migrate/acme',
      wait: false,
      json: false,
    },
  ],
  [
    ['migrate', '--', '--help'],
    { do: 'migrate', input: { tenant: '--help' }, workflowId: 'migrate/--help', wait: false, json: false },
  ],
  [
    ['plan', 'acme', '--all'],
    {
      do: 'plan',
      input: { tenant: 'acme', schedules: { all: true }, dryRun: true },
      workflowId: 'plan/acme',
      json: false,
    },
  ],
  [['status', 'acme', '--watch', '--json'], { do: 'status', subject: 'acme', watch: true, json: true }],
  [
    ['rollback', 'acme', '--reason', 'p95 doubled'],
    { do: 'steer', command: 'rollback', subject: 'acme', reason: 'p95 doubled' },
  ],
  [
    ['migrate', 'acme', '--workflows', 'none', '--bake', '0'],
    {
      do: 'migrate',
      input: { tenant: 'acme', workflows: 'none', bake: '0' },
      workflowId: 'migrate/acme',
      wait: false,
      json: false,
    },
  ],
  [
    ['migrate', 'acme', '--schedules', 'none', '--drain-limit', '2 hours'],
    {
      do: 'migrate',
      input: { tenant: 'acme', schedules: 'none', drainLimit: '2 hours' },
      workflowId: 'migrate/acme',
      wait: false,
      json: false,
    },
  ],
  [['route', 'acme', '--json'], { do: 'route', tenant: 'acme', change: null, json: true }],
  [
    ['route', 'acme', '--to', 'cloud'],
    { do: 'route', tenant: 'acme', change: { to: { cluster: 'cloud', split: null } }, json: false },
  ],
  [
    ['route', 'acme', '--to', 'cloud', '--split', 'selfhosted:12.5', '--from', 'cloud'],
    {
      do: 'route',
      tenant: 'acme',
      change: { to: { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 12.5 } }, current: 'cloud' },
      json: false,
    },
  ],
  [
    ['route', 'acme', '--drained', 'cloud'],
    {
      do: 'route',
      tenant: 'acme',
      change: { drained: 'cloud', query: "TenantId = 'acme'", force: false },
      json: false,
    },
  ],
  [
    ['route', 'acme', '--drained', 'cloud', '--force', '--workflows', 'Region = "eu"'],
    { do: 'route', tenant: 'acme', change: { drained: 'cloud', query: 'Region = "eu"', force: true }, json: false },
  ],
  [['pause', 'migrate/acme'], { do: 'steer', command: 'pause', subject: 'migrate/acme' }],
  [['proceed', 'acme'], { do: 'steer', command: 'proceed', subject: 'acme' }],
];

test.each(accepted)('ferry %j', (args, asked) => {
  expect(readArguments(args)).toEqual(asked);
});

/** Each says what was found and what to do, and names the help. */
const refused: [string[], RegExp][] = [
  [['migrat', 'acme'], /"migrat" is no command of ferry.*did you mean `ferry migrate`\?/s],
  [['help', 'plans'], /did you mean `ferry plan`\?/],
  [['migrate'], /came without the name of a tenant; name it: ferry migrate acme/],
  [['migrate', ''], /came without the name of a tenant/],
  [['migrate', 'acme', 'corp'], /came with 2 names \(acme, corp\); it takes one.*quotes/s],
  [['migrate', 'acme', '--bakee', '0'], /--bakee is no option of `ferry migrate`.*did you mean --bake\?/s],
  [['migrate', '--tenant', 'acme'], /--tenant is no option.*named by itself: ferry migrate acme/s],
  [['migrate', 'acme', '--bake'], /--bake came without a value/],
  [['migrate', 'acme', '--bake='], /--bake came without a value/],
  [['migrate', 'acme', '--bake', '--wait'], /--bake is followed by --wait; it takes a value/],
  [['migrate', 'acme', '--wait=yes'], /--wait came with "yes"; it takes no value/],
  [['migrate', 'acme', '--to', 'a', '--to', 'b'], /--to is given twice/],
  [['migrate', 'acme', '--prefix', 'a', '--all-schedules'], /--prefix and --all-schedules are given/],
  [['migrate', 'acme', '--all', '--all-schedules'], /--all-schedules is given twice/],
  [['plan', 'acme', '--wait'], /--wait is no option of `ferry plan`/],
  [['status', 'acme', '--reason', 'x'], /--reason is no option of `ferry status`/],
  [['pause', 'acme', '--reason', 'x'], /only `ferry rollback` keeps a reason/],
  [['route'], /came without the name of a tenant/],
  [['route', 'acme', '--split', 'selfhosted:20'], /--split came without --to/],
  [['route', 'acme', '--from', 'cloud'], /--from came without --to/],
  [['route', 'acme', '--to', 'cloud', '--split', 'selfhosted'], /--split is "selfhosted".*such as selfhosted:20/],
  [['route', 'acme', '--to', 'cloud', '--split', 'selfhosted:100'], /above 0 and below 100/],
  [['route', 'acme', '--to', 'cloud', '--split', 'cloud:10'], /another profile in the split/],
  [['route', 'acme', '--to', 'my cloud'], /not acceptable.*temporal.toml/s],
  [['route', 'acme', '--to', 'cloud', '--drained', 'cloud'], /--drained comes with another change/],
  [['route', 'acme', '--to', 'cloud', '--force'], /--force came without --drained/],
  [['route', 'acme', '--workflows', 'x'], /--workflows came without --drained/],
  [['worker', 'acme'], /came with "acme"; it takes nothing/],
];

test.each(refused)('ferry %j is refused', (args, message) => {
  expect(() => readArguments(args)).toThrow(message);
  try {
    readArguments(args);
  } catch (error) {
    expect(error).toBeInstanceOf(CliError);
    expect(explain(error, 'control')).toMatchObject({ code: EXIT.usage, message: expect.stringMatching(/See `ferry/) });
  }
});

/** The workflow's own check of its input speaks before anything is sent. */
const invalid: [string[], RegExp][] = [
  [['migrate', 'acme', '--bake', '1 huor'], /bake: found "1 huor".*did you mean "1 hour"/s],
  [['migrate', 'acme', '--from', 'cloud', '--to', 'cloud'], /to: found "cloud".*two different profiles/s],
  [['migrate', 'acme', '--approval', 'manuel'], /approval: found "manuel".*did you mean "manual"/s],
  [['plan', 'acme', '--page-size', 'many'], /pageSize: found "many"/],
  [['plan', 'acme', '--page-size', '9999'], /pageSize: found the number 9999/],
];

test.each(invalid)('ferry %j: the input is refused', async (args, message) => {
  const io = { lines: [] as string[], out: () => undefined, err: (text: string) => void io.lines.push(text) };
  expect(await main(args, {}, io)).toBe(EXIT.usage);
  expect(io.lines.join('\n')).toMatch(message);
  expect(io.lines.join('\n')).not.toMatch(/\n\s+at /);
});

test('every command has help with an example and every exit code', () => {
  for (const topic of TOPICS) {
    expect(help(topic), topic).toMatch(/^ferry /);
    expect(help(topic), topic).toContain('Example');
    if (topic !== 'worker') expect(help(topic), topic).toMatch(/Exit codes[\s\S]*3 {2}(the control|a) cluster/);
    expect(help(), topic).toContain(`ferry ${topic}`);
  }
});

test('a profile that does not exist is exit code 3, with the profiles there are', { timeout: 30_000 }, async () => {
  const lines: string[] = [];
  const io = { out: (text: string) => void lines.push(text), err: (text: string) => void lines.push(text) };
  const file = new URL('../../temporal.example.toml', import.meta.url).pathname;
  const env = { TEMPORAL_CONFIG_FILE: file, FERRY_CONTROL_PROFILE: 'steering' };
  expect(await main(['status', 'acme'], env, io)).toBe(EXIT.unreachable);
  expect(lines.join('\n')).toMatch(/no profile "steering".*"cloud", "control", "selfhosted"/s);
});

test('names are quoted for the shell and clipped between characters', () => {
  expect(shell('migrate/acme')).toBe('migrate/acme');
  expect(shell("o'neill & sons")).toBe(String.raw`'o'\''neill & sons'`);
  expect(clipBytes('acme', 4)).toBe('acme');
  expect(clipBytes('ééé', 5)).toBe('é…');
});
