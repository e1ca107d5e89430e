import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, test } from 'vitest';
import { readMigrateTenantInput } from '../../../src/workflows/input.ts';
import { readRolloutInput } from '../../../src/workflows/rollout/input.ts';
import { migrationInput, wayBackInput } from '../../../src/workflows/rollout/migrations.ts';

const wave = (more: object = {}): object => ({ name: 'canary', tenants: ['acme'], ...more });
const rollout = (more: object = {}, ...waves: object[]): object => ({ waves: [wave(), ...waves], ...more });

function refused(...args: unknown[]): string {
  try {
    readRolloutInput(args);
  } catch (error) {
    if (error instanceof ApplicationFailure && error.type === 'InvalidInput') return error.message;
    throw error;
  }
  throw new Error(`Accepted: ${JSON.stringify(args)}`);
}

test('the least that is accepted: waves of names, everything else has a default', () => {
  expect(readRolloutInput([{ waves: [wave()] }])).toEqual({
    from: 'cloud',
    to: 'selfhosted',
    waves: [
      {
        name: 'canary',
        tenants: ['acme'],
        concurrency: 1,
        approval: 'auto',
        settings: {},
        bakeMs: 3600_000,
        manual: false,
      },
    ],
  });
});

test('what a wave says is over the defaults, and `bake` is short for its setting', () => {
  const { waves } = readRolloutInput([
    rollout(
      { defaults: { bake: '2 hours', pageSize: 10, approval: 'manual' }, approval: 'manual' },
      { name: 'eu', tenants: ['globex', 'initech'], bake: '0', concurrency: 5 },
      {
        name: 'rest',
        tenants: { query: 'TenantId IS NOT NULL' },
        settings: { bake: '3h', approval: 'auto' },
        approval: 'auto',
      },
    ),
  ]);
  expect(
    waves.map(({ settings, bakeMs, approval, concurrency, manual }) => [
      settings,
      bakeMs,
      approval,
      concurrency,
      manual,
    ]),
  ).toEqual([
    // The approval of a rollout is between waves: the first needs one only where it says so.
    [{ bake: '2 hours', pageSize: 10, approval: 'manual' }, 7200_000, 'auto', 1, true],
    [{ bake: '0', pageSize: 10, approval: 'manual' }, 0, 'manual', 5, true],
    [{ bake: '3h', pageSize: 10, approval: 'auto' }, 10_800_000, 'auto', 1, false],
  ]);
});

const bad: [what: string, input: unknown, lines: string[]][] = [
  ['nothing', undefined, ['- input: found nothing', 'name at least the waves']],
  ['a list', [wave()], ['- input: found a list of 1']],
  ['no waves', {}, ['- waves: found nothing', 'a list of 1 to 100 waves']],
  ['no wave', { waves: [] }, ['- waves: found an empty list', 'name at least one wave']],
  ['a misspelt field', rollout({ defualts: {} }), ['- defualts: found a field', 'did you mean "defaults"?']],
  ['both sides the same', rollout({ to: 'cloud' }), ['- to: found "cloud"', 'name two different profiles']],
  ['a wave that is a name', { waves: ['acme'] }, ['- waves[0]: found "acme"', 'write an object']],
  ['a wave without a name', { waves: [{ tenants: ['a'] }] }, ['- waves[0].name: found nothing']],
  [
    'a wave without tenants',
    { waves: [wave({ tenants: [] })] },
    ['- waves[0].tenants: found an empty list', '["acme"]'],
  ],
  ['a query that is empty', { waves: [wave({ tenants: { query: ' ' } })] }, ['- waves[0].tenants']],
  [
    'a misspelt field of a wave',
    { waves: [wave({ concurency: 2 })] },
    ['- waves[0].concurency', 'did you mean "concurrency"?'],
  ],
  [
    'too many at a time',
    { waves: [wave({ concurrency: 51 })] },
    ['- waves[0].concurrency: found the number 51', '1 to 50'],
  ],
  ['a fraction of a tenant', { waves: [wave({ concurrency: 0.5 })] }, ['- waves[0].concurrency: found the number 0.5']],
  [
    'a tenant that is a number',
    { waves: [wave({ tenants: ['a', 7] })] },
    ['- waves[0].tenants[1]: found the number 7', '"7"'],
  ],
  [
    'a tenant twice',
    rollout({}, { name: 'eu', tenants: ['globex', 'acme'] }),
    ['- waves[1].tenants[1]: found "acme", as in waves[0].tenants[0]', 'name it once'],
  ],
  ['a wave twice', rollout({}, { name: 'canary', tenants: ['b'] }), ['- waves: found two of the name "canary"']],
  [
    'a bake that is none',
    { waves: [wave({ bake: 'an hour' })] },
    ['- waves[0].bake: found "an hour"', 'such as "1 hour"'],
  ],
  [
    'a bake twice',
    { waves: [wave({ bake: '1h', settings: { bake: '2h' } })] },
    ['- waves[0].bake: found "1h", and another in `settings`'],
  ],
  [
    'a bad default',
    rollout({ defaults: { bakee: '1h' } }),
    ['- defaults.bakee: found a field', 'did you mean "bake"?'],
  ],
  [
    'a bad setting',
    { waves: [wave({ settings: { pageSize: 999 } })] },
    ['- waves[0].settings.pageSize: found the number 999'],
  ],
  ['a dry run', rollout({ defaults: { dryRun: true } }), ['- defaults.dryRun', 'use `ferry plan <tenant>`']],
  [
    'sides in the settings',
    { waves: [wave({ settings: { to: 'x' } })] },
    ['- waves[0].settings.to', 'say `to` in the rollout'],
  ],
  [
    'the same schedules for all',
    rollout({ defaults: { schedules: { all: true } } }),
    ['- defaults.schedules: found an object with all, which is the same for every tenant', '{tenant}'],
  ],
  [
    'the same workflows for the two of a wave',
    { waves: [wave({ tenants: ['a', 'b'], settings: { workflows: "Customer = 'a'" } })] },
    [`- waves[0].settings.workflows: found "Customer = 'a'", which is the same for every tenant`],
  ],
  [
    'settings that do not go together',
    rollout({ defaults: { drainLimit: '1h' } }, { name: 'b', tenants: ['b'], settings: { workflows: 'none' } }),
    ['- waves[1] with the defaults.drainLimit: found 1 h, and "none"'],
  ],
  [
    'a name that no query can match',
    { waves: [wave({ tenants: ['ok', '"x"'] })] },
    ['- waves[0].tenants[1].schedules: found nothing, and a tenant name'],
  ],
  // Until migrations take them, waves do not.
  ['gates', { waves: [wave({ settings: { gates: {} } })] }, ['- waves[0].settings.gates: found a field of this name']],
];

describe('bad input is refused with field, what was found, what is accepted and what to do', () => {
  test.each(bad)('%s', (_what, input, lines) => {
    const message = refused(input);
    for (const line of lines) expect(message).toContain(line);
    expect(message).toMatch(/^The input of RolloutTenants has (a problem|\d+ problems):/);
  });

  test('all at once, and at most 30 of them', () => {
    expect(refused({ waves: [wave({ name: 7, concurrency: 'x' }), 'y'], from: 3 })).toContain(
      '- from: found the number 3',
    );
    const many = refused({ waves: [wave({ name: 7, concurrency: 'x' }), 'y'] });
    expect(many).toMatch(/waves\[0\]\.name[^]*waves\[0\]\.concurrency[^]*waves\[1\]/);
    const tenants = Array.from({ length: 40 }, (_, n) => n);
    expect(refused({ waves: [wave({ tenants })] })).toContain('- and 10 more');
  });

  test('what is wrong with the defaults is told once', () => {
    const message = refused(rollout({ defaults: { bakee: '1h' } }, { name: 'b', tenants: ['b'] }));
    expect(message.match(/bakee/g)).toHaveLength(1);
  });

  test('a second argument, which only continue-as-new may have', () => {
    expect(refused(rollout(), { tenants: [] })).toContain('found 2 arguments');
  });
});

describe('the input of a migration', () => {
  const settings = readRolloutInput([
    {
      from: 'selfhosted',
      to: 'cloud',
      defaults: {
        schedules: "CustomerId = '{tenant}'",
        workflows: "CustomerId = '{tenant}'",
        bake: '2h',
        drainLimit: '1h',
      },
      waves: [
        { name: 'one', tenants: ["o'neill"], settings: { openRunLimit: '30s', approval: 'manual' } },
        { name: 'two', tenants: ['acme', 'a$&b'], settings: { schedules: { prefix: '{tenant}-' } } },
      ],
    },
  ]);

  test('has the tenant, the sides, and the settings with its name in them', () => {
    expect(migrationInput(settings, 0, "o'neill")).toEqual({
      tenant: "o'neill",
      from: 'selfhosted',
      to: 'cloud',
      schedules: "CustomerId = 'o''neill'",
      workflows: "CustomerId = 'o''neill'",
      bake: '2h',
      drainLimit: '1h',
      openRunLimit: '30s',
      approval: 'manual',
    });
    expect(migrationInput(settings, 1, 'a$&b').schedules).toEqual({ prefix: 'a$&b-' });
  });

  test('the other way has the same schedules and workflows, and waits for nobody and nothing', () => {
    const back = wayBackInput(settings, 0, "o'neill");
    expect(back).toEqual({
      tenant: "o'neill",
      from: 'cloud',
      to: 'selfhosted',
      schedules: "CustomerId = 'o''neill'",
      workflows: "CustomerId = 'o''neill'",
      openRunLimit: '30s',
      drainLimit: '0',
      bake: '0',
    });
    expect(() => readMigrateTenantInput([back])).not.toThrow();
  });

  test('of schedules alone is a migration, too', () => {
    const alone = readRolloutInput([{ waves: [wave({ settings: { workflows: 'none', schedules: { all: true } } })] }]);
    for (const input of [migrationInput(alone, 0, 'acme'), wayBackInput(alone, 0, 'acme')]) {
      expect(readMigrateTenantInput([input])).toMatchObject({ workflows: null, selection: { all: true } });
    }
  });
});
