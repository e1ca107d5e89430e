/** The protocol, exhausted by a model checker: see docs/model.md. Long, because it is complete. */
import { beforeAll, describe, expect, test } from 'vitest';
import { LIMITS, MUTANTS, configuration, configurations } from '../../scripts/lib/model.ts';
import { check, tlaTools, translate } from '../../scripts/lib/tlc.ts';

beforeAll(tlaTools);

test('the committed translation is that of the algorithm', async () => {
  const { committed, translated } = await translate();
  expect(translated).toBe(committed);
});

describe('the protocol holds', async () => {
  test.each(await configurations({ large: false }))('%s', async (name) => {
    const { violated, distinct, depth, seconds, output } = await check(await configuration(name));
    expect(violated, output.slice(-20_000)).toBeUndefined();
    console.log(`${name}: ${distinct} distinct states, depth ${depth}, ${seconds.toFixed(0)} s`);
  });
});

describe('every step is needed', () => {
  test.each(MUTANTS)('$without: $step', async ({ without, violated, config, constants }) => {
    const verdict = await check(await configuration(config, { ...constants, Without: `{"${without}"}` }));
    expect(verdict.violated).toBe(violated);
  });

  test('a step that is left out is one the model knows', async () => {
    const { committed } = await translate();
    const known = new Set([...committed.matchAll(/"([\w-]+)" \\(?:not)?in Without/g)].map(([, name]) => name));
    expect(new Set(MUTANTS.map(({ without }) => without))).toEqual(known);
  });
});

describe('what is not promised', () => {
  test.each(LIMITS)('$limit', async ({ violated, config, constants }) => {
    expect((await check(await configuration(config, constants))).violated).toBe(violated);
  });
});
