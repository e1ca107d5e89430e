/**
 * The real handover between two simulated clusters: cut off at any call, answers lost, late or doubled, users at work,
 * either way, on every pairing of engines. An oracle that knows nothing of the handover judges what ran.
 * FERRY_FAKE_RUNS: how many of each kind. FERRY_SIM_ALL: everything the cases know, whether it holds yet or not.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Case, HOLDS, cases } from '../../simulator/case.ts';
import { judge } from '../../simulator/judge.ts';

const RUNS = Number(process.env['FERRY_FAKE_RUNS'] ?? 10_000);
const TIMEOUT_MS = 600_000;

/** Which of the broken promises count. */
async function holds(it: Case, counts: RegExp = /./): Promise<void> {
  const { wrong } = await judge(it);
  if (!wrong.some((line) => counts.test(line))) return;
  const { told } = await judge(it, { recording: true });
  expect.fail(`${wrong.join('\n')}\n\n${told.join('\n')}`);
}

test('every nominal time runs once, whatever is cut off or lost, either way', { timeout: TIMEOUT_MS }, async () => {
  const calm = cases({ ...HOLDS, policies: ['ALLOW_ALL'], users: false });
  await fc.assert(
    fc.asyncProperty(calm, (it) => holds(it)),
    { numRuns: RUNS },
  );
});

test('users who edit, pause or delete meanwhile never get a run twice', { timeout: TIMEOUT_MS }, async () => {
  const policies = HOLDS.policies.filter((name) => name !== 'BUFFER_ALL');
  const property = fc.asyncProperty(cases({ ...HOLDS, policies, users: true }), (it) => holds(it, /: ran on /));
  await fc.assert(property, { numRuns: RUNS });
});

test.runIf(process.env['FERRY_SIM_ALL'])('every policy, with users', { timeout: TIMEOUT_MS }, async () => {
  await fc.assert(
    fc.asyncProperty(cases(HOLDS), (it) => holds(it)),
    { numRuns: RUNS },
  );
});
