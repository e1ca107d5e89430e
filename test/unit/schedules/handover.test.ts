/**
 * The real handover between two simulated clusters: cut off at any call, answers lost, late or doubled, users at work,
 * either way, on every pairing of engines. An oracle that knows nothing of the handover judges what ran.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Case, HOLDS, cases } from '../../simulator/case.ts';
import { judge } from '../../simulator/judge.ts';

const RUNS = Number(process.env['FERRY_FAKE_RUNS'] ?? 1000);

async function holds(it: Case): Promise<void> {
  const { wrong } = await judge(it);
  if (wrong.length === 0) return;
  const { told } = await judge(it, { recording: true });
  expect.fail(`${wrong.join('\n')}\n\n${told.join('\n')}`);
}

test('every nominal time runs once, whatever is cut off or lost, either way', { timeout: 300_000 }, async () => {
  await fc.assert(fc.asyncProperty(cases({ ...HOLDS, users: false }), holds), { numRuns: RUNS });
});

test('users who edit, pause or delete meanwhile never get a run twice', { timeout: 300_000 }, async () => {
  await fc.assert(fc.asyncProperty(cases({ ...HOLDS, users: true }), holds), { numRuns: RUNS });
});
