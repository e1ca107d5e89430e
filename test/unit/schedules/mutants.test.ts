/** The simulation has teeth: a handover that lacks a step the protocol needs is caught within some hundred cases. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { HOLDS, cases } from '../../simulator/case.ts';
import { judge } from '../../simulator/judge.ts';
import { targetFirst, withoutReadBack, withoutSettle } from '../../simulator/mutants.ts';
import type { Sides } from '../../simulator/play.ts';

const MOST = 1000;
const SEED = 4;
const calm = cases({ ...HOLDS, policies: ['ALLOW_ALL'], users: false });

/** What breaks first, and after how many cases. */
async function firstBroken(breaks: RegExp, mutant?: (now: () => number) => (sides: Sides) => Sides) {
  let n = 0;
  for (const it of fc.sample(calm, { numRuns: MOST, seed: SEED })) {
    n++;
    // One after the other, to stop at the first.
    // eslint-disable-next-line no-await-in-loop
    const { wrong } = await judge(it, { mutant });
    if (wrong.some((line) => breaks.test(line))) return { n, wrong };
  }
  return undefined;
}

test('the handover as it is breaks nothing in the same cases', { timeout: 60_000 }, async () => {
  expect(await firstBroken(/./)).toBeUndefined();
});

test.each([
  { name: 'trusts an acknowledgement', mutant: withoutReadBack, breaks: /ran on|both sides can run|did not run/ },
  { name: 'opens the target first', mutant: targetFirst, breaks: /ran on|both sides can run/ },
  { name: 'does not settle', mutant: withoutSettle, breaks: /did not run/ },
])('one that $name is caught', { timeout: 60_000 }, async ({ mutant, breaks }) => {
  expect(await firstBroken(breaks, mutant)).toBeDefined();
});
