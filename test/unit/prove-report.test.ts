import { expect, test } from 'vitest';
import { poissonBound } from '../../scripts/lib/prove-report.ts';

/** From tables of the chi-squared distribution: half its 95 % quantile with 2 (n + 1) degrees of freedom. */
test.each([
  [0, 2.996],
  [1, 4.744],
  [2, 6.296],
  [10, 16.962],
  [100, 118.08],
])('the upper bound of a mean of which %i events were seen', (seen, bound) => {
  expect(poissonBound(seen)).toBeCloseTo(bound, 2);
});
