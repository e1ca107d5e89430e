import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { defaultCheckEvery, readMigrateTenantInput, type Settings, tenantQuery } from '../../src/workflows/input.ts';

function refused(...args: unknown[]): ApplicationFailure {
  try {
    readMigrateTenantInput(args);
  } catch (error) {
    if (error instanceof ApplicationFailure) return error;
    throw error;
  }
  throw new Error(`Accepted: ${JSON.stringify(args)}`);
}

const durations = 'accepted is a duration in quotes such as "1 hour", "90s" or "1h 30m"';
const profiles = 'accepted is the name of a connection profile';
const selections = 'accepted is a visibility query in quotes, {"prefix": "…"} or {"all": true}';
const workflows = 'accepted is a visibility query in quotes, or "none" where only schedules move';
const object = 'accepted is one JSON object such as {"tenant": "acme"}';
const names = 'accepted is a name of 1 to 200 characters';

/** What a person typed, and the line it must be answered with: field, what was found, what is accepted, what to do. */
const bad: [what: string, input: unknown, line: string[]][] = [
  ['nothing at all', undefined, ['- input: found nothing', object, 'name at least the tenant']],
  ['null', null, ['- input: found null', object]],
  ['a number', 7, ['- input: found the number 7', object]],
  ['a bare name', 'acme', ['- input: found "acme"', object, 'write {"tenant": "acme"}']],
  ['an object sent as text', '{"tenant":"acme"}', ['- input: found "{"tenant":"acme"}"', object, 'remove the quotes']],
  ['a list', [{ tenant: 'acme' }], ['- input: found a list of 1', object, 'remove the brackets']],
  ['no tenant', {}, ['- tenant: found nothing', names, 'such as "acme"']],
  ['an empty tenant', { tenant: '' }, ['- tenant: found an empty string', names, 'write the name']],
  ['a tenant of spaces', { tenant: '  ' }, ['- tenant: found "  "', names, 'remove the spaces']],
  ['a tenant with a space at its end', { tenant: 'acme ' }, ['- tenant: found "acme "', names, 'remove the spaces']],
  ['a tenant that is a number', { tenant: 42 }, ['- tenant: found the number 42', names, 'put quotes around it: "42"']],
  ['a tenant that is null', { tenant: null }, ['- tenant: found null', names]],
  [
    'a tenant with a line break',
    { tenant: 'ac\nme' },
    ['- tenant: found "ac\\u000ame"', 'control characters', 'remove'],
  ],
  ['a tenant of 201 characters', { tenant: 'x'.repeat(201) }, ['- tenant: found "xxx', names, 'shorten it']],
  ['a tenant that is a list', { tenant: ['a', 'b'] }, ['- tenant: found a list of 2', names]],
  [
    'a tenant in double quotes, with the default query',
    { tenant: '"acme"' },
    ['- schedules: found nothing, and a tenant name', selections, 'say which schedules are meant'],
  ],
  [
    'a tenant with a backslash, with the default query',
    { tenant: 'a\\b' },
    ['- schedules: found nothing, and a tenant name', selections],
  ],
  [
    'a tenant that ends with a quote, with the default query',
    { tenant: "acme'" },
    ['- schedules: found nothing, and a tenant name', selections],
  ],
  [
    'a tenant in double quotes, with the default workflows',
    { tenant: '"acme"', schedules: { prefix: 'a' } },
    ['- workflows: found nothing, and a tenant name', workflows, 'or "none"'],
  ],
  ['workflows that are empty', { tenant: 'a', workflows: ' ' }, ['- workflows: found " "', workflows, 'write a query']],
  ['workflows that are a list', { tenant: 'a', workflows: ['x'] }, ['- workflows: found a list of 1', workflows]],
  ['workflows by a prefix', { tenant: 'a', workflows: { prefix: 'x' } }, ['- workflows: found an object', workflows]],
  [
    'nothing to move',
    { tenant: 'a', workflows: 'none', schedules: 'none' },
    ['- workflows: found "none", as in `schedules`', 'leave one of them out'],
  ],
  [
    'a drain of nothing',
    { tenant: 'a', workflows: 'none', drainLimit: '1 hour' },
    ['- drainLimit: found 1 h, and "none" in `workflows`', 'leave one of them out'],
  ],
  ['a drain limit that is a number', { tenant: 'a', drainLimit: 7 }, ['- drainLimit: found the number 7', durations]],
  [
    'a drain of two years',
    { tenant: 'a', drainLimit: '730 days' },
    ['- drainLimit', 'at most "365 days"', 'shorten it'],
  ],
  [
    'a profile with a space',
    { tenant: 'a', from: 'my cloud' },
    ['- from: found "my cloud"', profiles, 'temporal.toml'],
  ],
  ['an empty profile', { tenant: 'a', to: '' }, ['- to: found an empty string', profiles]],
  ['a profile that is null', { tenant: 'a', from: null }, ['- from: found null', profiles, 'leave the field out']],
  ['a profile that is a number', { tenant: 'a', to: 1 }, ['- to: found the number 1', profiles, '"1"']],
  [
    'one cluster twice',
    { tenant: 'a', from: 'x', to: 'x' },
    ['- to: found "x"', 'another one than `from`', 'two different'],
  ],
  ['the default source as target', { tenant: 'a', to: 'cloud' }, ['- to: found "cloud"', 'another one than `from`']],
  ['an empty query', { tenant: 'a', schedules: ' ' }, ['- schedules: found " "', selections, '{"all": true}']],
  [
    'an empty prefix',
    { tenant: 'a', schedules: { prefix: '' } },
    ['- schedules: found an object with prefix', selections],
  ],
  ['a prefix that is a number', { tenant: 'a', schedules: { prefix: 1 } }, ['- schedules', selections, 'in quotes']],
  ['all: false', { tenant: 'a', schedules: { all: false } }, ['- schedules: found an object with all', selections]],
  [
    'prefix and all',
    { tenant: 'a', schedules: { prefix: 'a', all: true } },
    ['- schedules', selections, 'exactly one'],
  ],
  ['a query in an object', { tenant: 'a', schedules: { query: 'x' } }, ['- schedules', selections, 'without {"query"']],
  [
    'a misspelt prefix',
    { tenant: 'a', schedules: { prefx: 'a' } },
    ['- schedules', selections, 'did you mean "prefix"?'],
  ],
  ['a list of ids', { tenant: 'a', schedules: ['one'] }, ['- schedules: found a list of 1', selections]],
  ['schedules that are true', { tenant: 'a', schedules: true }, ['- schedules: found true', selections]],
  ['a bake that is a number', { tenant: 'a', bake: 3600 }, ['- bake: found the number 3600', durations, '"3600s"']],
  [
    'a bake that is zero',
    { tenant: 'a', bake: 0 },
    ['- bake: found the number 0', durations, 'put quotes around it: "0"'],
  ],
  ['a bake without a unit', { tenant: 'a', bake: '60' }, ['- bake: found "60"', durations, '"60s" or "60m"']],
  ['a misspelt unit', { tenant: 'a', bake: '1 huor' }, ['- bake: found "1 huor"', durations, 'did you mean "1 hour"?']],
  ['an unknown unit', { tenant: 'a', bake: '3 fortnights' }, ['- bake: found "3 fortnights"', durations, 'is no unit']],
  [
    'a unit without a number',
    { tenant: 'a', bake: 'an hour' },
    ['- bake: found "an hour"', durations, 'a number and then'],
  ],
  ['an empty bake', { tenant: 'a', bake: '' }, ['- bake: found an empty string', durations]],
  ['a negative bake', { tenant: 'a', bake: '-1h' }, ['- bake: found "-1h"', durations, 'cannot be negative']],
  [
    'a bake of a year',
    { tenant: 'a', bake: '365 days' },
    ['- bake: found "365 days"', 'at most "90 days"', 'shorten it'],
  ],
  ['a bake that is null', { tenant: 'a', bake: null }, ['- bake: found null', durations, 'leave the field out']],
  [
    'a check every 0',
    { tenant: 'a', bakeCheckEvery: '0' },
    ['- bakeCheckEvery: found "0"', durations, 'at least "1s"'],
  ],
  [
    'more checks than a history holds',
    { tenant: 'a', bake: '10 days', bakeCheckEvery: '1s' },
    ['- bakeCheckEvery: found 1 s, which is 864000 checks', 'at most 500 checks', 'write "1728s" or more'],
  ],
  [
    'a misspelt approval',
    { tenant: 'a', approval: 'manaul' },
    ['- approval: found "manaul"', '"auto" or "manual"', 'did you mean "manual"?'],
  ],
  [
    'an approval that is true',
    { tenant: 'a', approval: true },
    ['- approval: found true', 'accepted is "auto" or "manual"'],
  ],
  [
    'a dryRun in quotes',
    { tenant: 'a', dryRun: 'true' },
    ['- dryRun: found "true"', 'accepted is true or false', 'without quotes'],
  ],
  ['a dryRun that is 1', { tenant: 'a', dryRun: 1 }, ['- dryRun: found the number 1', 'accepted is true or false']],
  [
    'too much patience with open runs',
    { tenant: 'a', openRunLimit: '2 hours' },
    ['- openRunLimit: found "2 hours"', 'at most "1 hour"'],
  ],
  ['a page of none', { tenant: 'a', pageSize: 0 }, ['- pageSize: found the number 0', 'a whole number from 1 to 250']],
  ['half a page', { tenant: 'a', pageSize: 1.5 }, ['- pageSize: found the number 1.5', 'a whole number from 1 to 250']],
  [
    'a page too large',
    { tenant: 'a', pageSize: 251 },
    ['- pageSize: found the number 251', 'a whole number from 1 to 250'],
  ],
  ['a page in quotes', { tenant: 'a', pageSize: '50' }, ['- pageSize: found "50"', 'without quotes']],
  [
    'a misspelt field',
    { tenant: 'a', bakee: '1h' },
    ['- bakee: found a field of this name', 'one of tenant, from, to', 'did you mean "bake"?'],
  ],
  ['a field in other case', { Tenant: 'a' }, ['- Tenant: found a field of this name', 'did you mean "tenant"?']],
  [
    'a field nobody knows',
    { tenant: 'a', region: 'eu' },
    ['- region: found a field of this name', 'one of tenant', 'remove it'],
  ],
  [
    'a field named like a prototype',
    JSON.parse('{"tenant":"a","__proto__":1}'),
    ['- __proto__: found a field', 'remove it'],
  ],
];

describe('a bad input is answered with the field, what was found, what is accepted and what to do', () => {
  test.each(bad)('%s', (_what, input, parts) => {
    const failure = input === undefined ? refused() : refused(input);
    const line = failure.message.split('\n').find((candidate) => parts[0] && candidate.startsWith(parts[0]));
    expect(line, failure.message).toBeDefined();
    for (const part of parts) expect(line).toContain(part);
  });

  test('fails at once, non-retryably, without a stack', () => {
    const failure = refused({ tenant: '' });
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(failure.stack).not.toContain('    at ');
  });

  test('all problems are named at once', () => {
    const { message } = refused({ from: 'a b', bake: 5, dryRun: 'no', colour: 'red', approval: 'maybe' });
    expect(message).toContain('The input of MigrateTenant has 6 problems:');
    for (const field of ['tenant', 'from', 'bake', 'dryRun', 'colour', 'approval']) {
      expect(message).toContain(`\n- ${field}: found `);
    }
  });

  test('the value of an unknown field, which may be a secret, is not repeated', () => {
    expect(refused({ tenant: 'a', apiKey: 'hunter2' }).message).not.toContain('hunter2');
  });

  test('a second argument is not silently ignored', () => {
    expect(refused({ tenant: 'a' }, { bake: '0' }).message).toContain('- input: found 2 arguments');
  });
});

describe('a good input gets its defaults', () => {
  const defaults: Settings = {
    tenant: 'acme',
    from: 'cloud',
    to: 'selfhosted',
    selection: { query: "TenantId = 'acme'" },
    workflows: "TenantId = 'acme'",
    bakeMs: 3_600_000,
    bakeCheckEveryMs: 360_000,
    gates: null,
    approval: 'auto',
    dryRun: false,
    pageSize: undefined,
    openRunLimitMs: 60_000,
    drainLimitMs: null,
  };
  const good: [what: string, input: object, settings: Partial<Settings>][] = [
    ['only a tenant', {}, {}],
    ['a way back', { from: 'selfhosted', to: 'cloud' }, { from: 'selfhosted', to: 'cloud' }],
    ['a query', { schedules: 'Region = "eu"' }, { selection: { query: 'Region = "eu"' } }],
    ['a prefix', { schedules: { prefix: 'acme-' } }, { selection: { prefix: 'acme-' } }],
    ['all', { schedules: { all: true } }, { selection: { all: true } }],
    ['schedules only', { workflows: 'none' }, { workflows: null }],
    ['workflows on demand only', { schedules: 'none' }, { selection: { none: true } }],
    ['workflows by a query', { workflows: 'Region = "eu"' }, { workflows: 'Region = "eu"' }],
    ['a limit of the drain', { drainLimit: '2 hours' }, { drainLimitMs: 7_200_000 }],
    ['no drain at all', { drainLimit: '0' }, { drainLimitMs: 0 }],
    ['no bake', { bake: '0' }, { bakeMs: 0, bakeCheckEveryMs: 10_000 }],
    ['a sum', { bake: '1h 30m' }, { bakeMs: 5_400_000, bakeCheckEveryMs: 540_000 }],
    ['a sum in words', { bake: '1 hour, 30 minutes' }, { bakeMs: 5_400_000, bakeCheckEveryMs: 540_000 }],
    ['half a day', { bake: '0.5d' }, { bakeMs: 43_200_000, bakeCheckEveryMs: 900_000 }],
    ['patience with open runs', { openRunLimit: '15 minutes' }, { openRunLimitMs: 900_000 }],
    ['no patience with open runs', { openRunLimit: '0' }, { openRunLimitMs: 0 }],
    ['checks of its own', { bakeCheckEvery: '15s' }, { bakeCheckEveryMs: 15_000 }],
    [
      'everything else',
      { approval: 'manual', dryRun: true, pageSize: 250 },
      { approval: 'manual', dryRun: true, pageSize: 250 },
    ],
    ['a field left undefined', { bake: undefined }, {}],
    [
      'a quoted tenant with a selection',
      { tenant: '"a"', schedules: { prefix: 'a' }, workflows: 'none' },
      { tenant: '"a"', selection: { prefix: 'a' }, workflows: null },
    ],
    [
      'a quote within the name',
      { tenant: "O'Neil" },
      { tenant: "O'Neil", selection: { query: "TenantId = 'O''Neil'" }, workflows: "TenantId = 'O''Neil'" },
    ],
  ];
  test.each(good)('%s', (_what, input, settings) => {
    expect(readMigrateTenantInput([{ tenant: 'acme', ...input }])).toEqual({ ...defaults, ...settings });
  });

  test('a run from before workflows on demand moved need not have said which they are', () => {
    const args = [{ tenant: '"a"', schedules: { prefix: 'a' } }];
    expect(readMigrateTenantInput(args, () => false)).toMatchObject({ tenant: '"a"', selection: { prefix: 'a' } });
    expect(refused(...args).message).toContain('- workflows: found nothing, and a tenant name');
  });

  test("a quote in the tenant's name cannot widen the default query", () => {
    expect(tenantQuery("x' OR TenantId != 'x")).toBe("TenantId = 'x'' OR TenantId != ''x'");
  });

  test('a long bake is not checked so often that its history fills', () => {
    const day = 24 * 3600_000;
    for (const bake of [60_000, 3_600_000, day, 30 * day, 90 * day]) {
      expect(bake / defaultCheckEvery(bake)).toBeLessThanOrEqual(60);
    }
  });
});
