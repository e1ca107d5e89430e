import { describe, expect, test } from 'vitest';
import type { Taken } from '../../../src/gates/measurement.ts';
import { addTaken, emptyTally, finalVerdictOf, type Limits, type Tally, verdictOf } from '../../../src/gates/tally.ts';
import { gateStatus } from '../../../src/gates/verdict.ts';

const LETTERS: Record<string, Taken['phase']> = {
  s: 'successful',
  f: 'failed',
  i: 'inconclusive',
  e: 'error',
  w: 'waiting',
};

/** `sfe`: a good measurement, a bad one, and one that could not be made. */
function taken(phases: string): Tally {
  return phases.split('').reduce((tally, letter) => {
    const phase = LETTERS[letter];
    if (phase === undefined) throw new Error(`no phase ${letter}`);
    return addTaken(tally, { at: '2026-11-28T00:00:00.000Z', phase, value: 1, message: `was ${letter}` });
  }, emptyTally());
}

const limits = (change: Partial<Limits> = {}): Limits => ({
  count: null,
  failureLimit: 0,
  inconclusiveLimit: 3,
  errorLimit: 4,
  ...change,
});

/** What was measured, under which limits, and what that is while the gate goes on and when it is over. */
const table: [phases: string, Partial<Limits>, now: string, over: string][] = [
  ['', {}, 'running: not measured yet', 'inconclusive: never measured, and the time is over'],
  ['s', {}, 'running: measured 1 (last: was s)', 'successful: good 1 of 1, the time is over (last: was s)'],
  // A limit is how much is borne: one more is too much.
  ['f', {}, 'failed: failed 1 > limit 0 (last: was f)', 'failed: failed 1 > limit 0 (last: was f)'],
  [
    'sff',
    { failureLimit: 2 },
    'running: measured 3 (last: was f)',
    'successful: good 1 of 3, the time is over (last: was f)',
  ],
  ['fsff', { failureLimit: 2 }, 'failed: failed 3 > limit 2 (last: was f)', 'failed: failed 3 > limit 2 (last: was f)'],
  ['siii', {}, 'running: measured 4 (last: was i)', 'successful: good 1 of 4, the time is over (last: was i)'],
  [
    'siiii',
    {},
    'inconclusive: inconclusive 4 > limit 3 (last: was i)',
    'inconclusive: inconclusive 4 > limit 3 (last: was i)',
  ],
  [
    'i',
    { inconclusiveLimit: 0 },
    'inconclusive: inconclusive 1 > limit 0 (last: was i)',
    'inconclusive: inconclusive 1 > limit 0 (last: was i)',
  ],
  ['seeee', {}, 'running: measured 1 (last: was e)', 'successful: good 1 of 1, the time is over (last: was e)'],
  [
    'seeeee',
    {},
    'error: errors in a row 5 > limit 4 (last: was e)',
    'error: errors in a row 5 > limit 4 (last: was e)',
  ],
  [
    'e',
    { errorLimit: 0 },
    'error: errors in a row 1 > limit 0 (last: was e)',
    'error: errors in a row 1 > limit 0 (last: was e)',
  ],
  // Only errors in a row: anything that was measured begins a new row.
  ['eeeeseeee', {}, 'running: measured 1 (last: was e)', 'successful: good 1 of 1, the time is over (last: was e)'],
  [
    'eeeewee',
    {},
    'running: measured 0 (last: was e)',
    'inconclusive: none was good (0 failed, 0 inconclusive, 6 errors), and the time is over (last: was e)',
  ],
  // Waiting is counted nowhere.
  [
    'wwwwwwwwww',
    { count: 2 },
    'running: measured 0 of 2 (last: was w)',
    'inconclusive: none was good (0 failed, 0 inconclusive, 0 errors), and the time is over (last: was w)',
  ],
  // The count.
  [
    'ss',
    { count: 3 },
    'running: measured 2 of 3 (last: was s)',
    'successful: good 2 of 2, the time is over (last: was s)',
  ],
  [
    'sss',
    { count: 3 },
    'successful: good 3 of 3, count 3 reached (last: was s)',
    'successful: good 3 of 3, count 3 reached (last: was s)',
  ],
  [
    'ees',
    { count: 1 },
    'successful: good 1 of 1, count 1 reached (last: was s)',
    'successful: good 1 of 1, count 1 reached (last: was s)',
  ],
  [
    'sif',
    { count: 3, failureLimit: 1 },
    'successful: good 1 of 3, count 3 reached (last: was f)',
    'successful: good 1 of 3, count 3 reached (last: was f)',
  ],
  [
    'iff',
    { count: 3, failureLimit: 2 },
    'inconclusive: none was good (2 failed, 1 inconclusive, 0 errors), and count 3 reached (last: was f)',
    'inconclusive: none was good (2 failed, 1 inconclusive, 0 errors), and count 3 reached (last: was f)',
  ],
  ['ssf', { count: 3 }, 'failed: failed 1 > limit 0 (last: was f)', 'failed: failed 1 > limit 0 (last: was f)'],
  [
    'ff',
    { failureLimit: 2 },
    'running: measured 2 (last: was f)',
    'inconclusive: none was good (2 failed, 0 inconclusive, 0 errors), and the time is over (last: was f)',
  ],
  // Measured bad goes before unclear, and that before not measured.
  ['iiiif', {}, 'failed: failed 1 > limit 0 (last: was f)', 'failed: failed 1 > limit 0 (last: was f)'],
  [
    'iiiieeeee',
    {},
    'inconclusive: inconclusive 4 > limit 3 (last: was e)',
    'inconclusive: inconclusive 4 > limit 3 (last: was e)',
  ],
];

test.each(table)('%s under %j', (phases, change, now, over) => {
  const [tally, under] = [taken(phases), limits(change)];
  const say = ({ verdict, message }: { verdict: string; message: string }): string => `${verdict}: ${message}`;
  expect([say(verdictOf(tally, under)), say(finalVerdictOf(tally, under))]).toEqual([now, over]);
});

test('waiting changes nothing but what was last seen', () => {
  const last = { at: '2026-11-28T00:00:00.000Z', value: 1, message: 'was w' };
  expect(taken('ww')).toEqual({ ...emptyTally(), last });
});

describe('the gate', () => {
  const check = (name: string, phases: string, dryRun = false, change: Partial<Limits> = {}) => ({
    name,
    limits: limits(change),
    dryRun,
    tally: taken(phases),
  });
  const good = check('good', 's', false, { count: 1 });
  const running = check('running', 's');
  const failed = check('failed', 'f');
  const error = check('error', 'eeeee');
  const unclear = check('unclear', 'iiii');
  const unmeasured = check('unmeasured', '');
  const asDryRun = (each: typeof good) => ({ ...each, dryRun: true });

  const gates: [what: string, checks: (typeof good)[], now: string, over: string][] = [
    ['one good', [good], 'successful', 'successful'],
    ['one that goes on', [good, running], 'running', 'successful'],
    ['one that was never measured', [good, unmeasured], 'running', 'inconclusive'],
    ['one failed', [good, running, failed], 'failed', 'failed'],
    ['failed goes before error and inconclusive', [unclear, error, failed], 'failed', 'failed'],
    ['error goes before inconclusive', [unclear, good, error], 'error', 'error'],
    ['one inconclusive', [good, running, unclear], 'inconclusive', 'inconclusive'],
    ['a dry run that failed', [good, asDryRun(failed)], 'successful', 'successful'],
    ['a dry run that goes on', [good, asDryRun(running)], 'successful', 'successful'],
    ['a dry run that was never measured', [good, asDryRun(unmeasured)], 'successful', 'successful'],
    ['a dry run that could not be measured', [good, asDryRun(error), asDryRun(unclear)], 'successful', 'successful'],
    ['nothing but dry runs', [asDryRun(failed)], 'successful', 'successful'],
  ];

  test.each(gates)('%s', (_what, checks, now, over) => {
    expect([gateStatus(checks, false).verdict, gateStatus(checks, true).verdict]).toEqual([now, over]);
  });

  test('names what it turns on, with the arithmetic, and reports dry runs as they are', () => {
    const { message, checks } = gateStatus([good, failed, error, asDryRun(unclear)], false);
    expect(message).toBe('failed: failed 1 > limit 0 (last: was f)');
    expect(checks.map(({ name, verdict, dryRun }) => [name, verdict, dryRun])).toEqual([
      ['good', 'successful', false],
      ['failed', 'failed', false],
      ['error', 'error', false],
      ['unclear', 'inconclusive', true],
    ]);
    expect(checks[2]).toEqual({
      name: 'error',
      verdict: 'error',
      message: 'errors in a row 5 > limit 4 (last: was e)',
      dryRun: false,
      successful: 0,
      failed: 0,
      inconclusive: 0,
      errors: 5,
      last: { at: '2026-11-28T00:00:00.000Z', value: 1, message: 'was e' },
    });
    expect(gateStatus([error], false).message).toBe(
      'error: could not be measured, errors in a row 5 > limit 4 (last: was e)',
    );
  });
});
