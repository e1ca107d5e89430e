/**
 * The real handover between two simulated clusters: cut off at any call, answers lost, late or doubled, users at work,
 * either way, on every pairing of engines. An oracle that knows nothing of the handover judges what ran.
 * FERRY_FAKE_RUNS: how many of each kind, FERRY_SIM_SEED: others. FERRY_SIM_ALL: everything the cases know, whether it holds yet or not.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Case, type Choice, HOLDS, cases } from '../../simulator/case.ts';
import { judge } from '../../simulator/judge.ts';

const RUNS = Number(process.env['FERRY_FAKE_RUNS'] ?? 8_000);
/** The same cases every time: new ones are drawn by `npm run prove`, whose seed is its report's. */
const SEED = Number(process.env['FERRY_SIM_SEED'] ?? 20_261_124);
const TIMEOUT_MS = 600_000;

async function holds(it: Case): Promise<void> {
  const { wrong } = await judge(it);
  if (wrong.length === 0) return;
  const { told } = await judge(it, { recording: true });
  expect.fail(`${wrong.join('\n')}\n\n${told.join('\n')}`);
}

test.each<[title: string, choice: Partial<Choice>]>([
  ['every nominal time runs once, whatever is cut off or lost, either way', { policies: ['ALLOW_ALL'], users: false }],
  ['so it does under every overlap policy, but for what the policy leaves out', { users: false }],
  ['and with users who edit, pause, trigger or delete meanwhile', { users: true }],
])('%s', { timeout: TIMEOUT_MS }, async (_title, choice) => {
  await fc.assert(fc.asyncProperty(cases({ ...HOLDS, ...choice }), holds), { numRuns: RUNS, seed: SEED });
});
