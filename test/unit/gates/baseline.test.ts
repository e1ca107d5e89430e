import { expect, test } from 'vitest';
import { durationSample, shareSample } from '../../../src/gates/baseline.ts';
import { judge } from '../../../src/gates/measurement.ts';

const shares: [
  what: string,
  now: [number, number],
  before: [number, number] | null,
  tolerated: number,
  phase: string,
  message: string,
][] = [
  [
    'as before',
    [2, 100],
    [2, 100],
    0.05,
    'successful',
    '0.02 <= 0.07 (type A): 0.02 before the cut-over, up to 0.07 is borne',
  ],
  [
    'just as much worse as is borne',
    [7, 100],
    [2, 100],
    0.05,
    'successful',
    '0.07 <= 0.07 (type A): 0.02 before the cut-over, up to 0.07 is borne',
  ],
  ['worse', [8, 100], [2, 100], 0.05, 'failed', '0.08 > 0.07 (type A): 0.02 before the cut-over, up to 0.07 is borne'],
  ['better', [0, 100], [50, 100], 0, 'successful', '0 <= 0.5 (type A): 0.5 before the cut-over, up to 0.5 is borne'],
  [
    'nothing is borne',
    [1, 1000],
    [0, 1000],
    0,
    'failed',
    '0.001 > 0 (type A): 0 before the cut-over, up to 0 is borne',
  ],
  [
    'nothing of nothing',
    [0, 0],
    [0, 0],
    0.1,
    'successful',
    '0 <= 0.1 (type A): 0 before the cut-over, up to 0.1 is borne',
  ],
  [
    'without a baseline it has no condition',
    [1, 10],
    null,
    0.05,
    'inconclusive',
    '0.1, and no condition to hold it against',
  ],
];

test.each(shares)('%s', (_what, [part, of], before, tolerated, phase, message) => {
  const was = before && { part: before[0], of: before[1] };
  const sample = shareSample({ type: 'A' }, { part, of }, was, tolerated);
  expect(judge({ values: [sample], said: [] }, {})).toMatchObject({ phase, message });
});

test('durations in ms', () => {
  const phase = (now: number, before: number | null, limit: number) =>
    judge({ values: [durationSample({}, now, before, limit)], said: [] }, {});
  expect(phase(2500, 1000, 2500)).toMatchObject({
    phase: 'successful',
    message: expect.stringContaining('2500 ms <= 2500') as string,
  });
  expect(phase(2501, 1000, 2500)).toMatchObject({
    phase: 'failed',
    message: '2501 ms > 2500: 1000 ms before the cut-over, up to 2500 ms is borne',
  });
  expect(phase(1, null, 0).phase).toBe('inconclusive');
});
