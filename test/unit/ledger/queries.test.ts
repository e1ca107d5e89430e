import { expect, test } from 'vitest';
import { byScheduleIds, nominalBetween, openAt } from '../../../src/ledger/queries.ts';

/** Ids with quotes a server's parser would lose are asked for by what comes before the quote. */
test.each<[string[], string]>([
  [['a', 'b'], `TemporalScheduledById IN ('a', 'b')`],
  [["o'neill"], `TemporalScheduledById IN ('o''neill')`],
  [[`o'neill "vip"`], `TemporalScheduledById STARTS_WITH 'o''neill '`],
  [
    ['a', 'b"c', 'b"d', "e'"],
    `(TemporalScheduledById IN ('a') OR TemporalScheduledById STARTS_WITH 'b' OR TemporalScheduledById STARTS_WITH 'e')`,
  ],
  [[`it'"s`], `TemporalScheduledById STARTS_WITH 'it'`],
  [['a', `"b"`], 'TemporalScheduledById IS NOT NULL'],
  [["'b"], 'TemporalScheduledById IS NOT NULL'],
])('%j', (ids, query) => {
  expect(byScheduleIds(ids)).toBe(query);
});

test('times are written in UTC', () => {
  const at = Date.UTC(2026, 10, 24, 12);
  expect(nominalBetween(at, at + 1000)).toBe(
    `TemporalScheduledStartTime >= '2026-11-24T12:00:00.000Z' AND TemporalScheduledStartTime < '2026-11-24T12:00:01.000Z'`,
  );
  expect(openAt(at)).toContain(`ExecutionStatus = 'Running' OR CloseTime > '2026-11-24T12:00:00.000Z'`);
});
