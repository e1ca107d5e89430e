import { expect, test } from 'vitest';
import { ranByHand } from '../../../src/schedules/opened-by-hand.ts';
import type { Described, ScheduleCluster } from '../../../src/schedules/ports.ts';

const since = Date.UTC(2026, 0, 1);

function counted(shown: number, countRuns: () => Promise<number>): Promise<number> {
  const recent = Array.from({ length: 10 }, (_, i) => ({ startedMs: since - (10 - shown - i) * 1000 + 500 }));
  const described = { recent, updatedMs: since } as unknown as Described;
  return ranByHand({ countRuns } as unknown as ScheduleCluster, 'one', described);
}

test('what it shows is all of it, as long as it shows one from before', async () => {
  expect(await counted(9, async () => 12)).toBe(9);
});

test('of more than the ten it shows, the list tells how many', async () => {
  expect(await counted(10, async () => 37)).toBe(37);
  expect(await counted(10, async () => 8)).toBe(10);
});

test('where the list cannot be read, those it shows still count', async () => {
  expect(await counted(10, () => Promise.reject(new Error('UNAVAILABLE')))).toBe(10);
});
