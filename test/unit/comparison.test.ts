import { expect, test } from 'vitest';
import { readArguments } from '../../src/cli/args.ts';
import { comparisonText } from '../../src/cli/compare.ts';
import type { Compare } from '../../src/cli/compare-args.ts';
import { compareClusters, percentile } from '../../src/comparison/compare.ts';
import type { ComparedCluster, Status } from '../../src/comparison/types.ts';

interface Run {
  type: string;
  status: Status;
  durationMs: number;
}

/** Answers queries by type only, and keeps what it was asked. */
class FakeCluster implements ComparedCluster {
  readonly asked: string[] = [];
  readonly profile: string;
  readonly #runs: Run[];

  constructor(profile: string, runs: Run[]) {
    this.profile = profile;
    this.#runs = runs;
  }

  #matching(query: string): Run[] {
    this.asked.push(query);
    const type = /WorkflowType = '((?:[^']|'')*)'/.exec(query)?.[1]?.replaceAll("''", "'");
    return this.#runs.filter((run) => type === undefined || run.type === type);
  }

  async read(query: string, most: number) {
    const matching = this.#matching(query);
    const read = matching.slice(0, most);
    const completed = read.filter(({ status }) => status === 'Completed');
    const types = new Set(read.map(({ type }) => type));
    return { types, completed, runs: read.length, all: read.length === matching.length };
  }

  async count(query: string) {
    const counts: Partial<Record<Status, number>> = {};
    for (const { status } of this.#matching(query)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }
}

const many = (n: number, type: string, status: Status, durationMs: (index: number) => number): Run[] =>
  Array.from({ length: n }, (_, index) => ({ type, status, durationMs: durationMs(index) }));

const asked = {
  tenant: 'acme',
  query: "TenantId = 'acme'",
  sinceMs: Date.parse('2026-11-24T00:00:00Z'),
  untilMs: Date.parse('2026-11-24T06:00:00Z'),
  sample: 1000,
};

test('counts, failure rates and durations of both sides, for every type of either', async () => {
  const cloud = new FakeCluster('cloud', [
    ...many(100, 'Invoice', 'Completed', (i) => i + 1),
    ...many(20, 'Invoice', 'Failed', () => 5),
    ...many(5, 'Invoice', 'TimedOut', () => 5),
    ...many(3, 'Invoice', 'Terminated', () => 5),
    ...many(2, "O'Neill", 'Running', () => 0),
  ]);
  const selfhosted = new FakeCluster(
    'selfhosted',
    many(4, 'Invoice', 'Completed', () => 12_345),
  );
  const { types, notes } = await compareClusters([cloud, selfhosted], asked);
  expect(types).toEqual({
    Invoice: {
      cloud: {
        runs: 128,
        byStatus: { Completed: 100, Failed: 20, TimedOut: 5, Terminated: 3 },
        failureRate: 25 / 125,
        durationMs: { p50: 50, p95: 95, read: 100 },
      },
      selfhosted: {
        runs: 4,
        byStatus: { Completed: 4 },
        failureRate: 0,
        durationMs: { p50: 12_345, p95: 12_345, read: 4 },
      },
    },
    "O'Neill": {
      cloud: { runs: 2, byStatus: { Running: 2 }, failureRate: null, durationMs: { p50: null, p95: null, read: 0 } },
      selfhosted: { runs: 0, byStatus: {}, failureRate: null, durationMs: { p50: null, p95: null, read: 0 } },
    },
  });
  expect(notes).toEqual([]);
  expect(cloud.asked[0]).toBe(
    "(TenantId = 'acme') AND StartTime >= '2026-11-24T00:00:00.000Z' AND StartTime < '2026-11-24T06:00:00.000Z'",
  );
});

test('more runs than are read: the counts stay exact, and it says what the durations are of', async () => {
  const cloud = new FakeCluster(
    'cloud',
    many(50, 'Invoice', 'Completed', (i) => i),
  );
  const selfhosted = new FakeCluster('selfhosted', []);
  const { types, notes } = await compareClusters([cloud, selfhosted], { ...asked, sample: 10, type: 'Invoice' });
  expect(types.Invoice?.cloud).toMatchObject({ runs: 50, durationMs: { p50: 4, read: 10 } });
  expect(notes).toEqual([
    'cloud has more runs than the 10 newest that were read: durations are of those, counts are of all',
  ]);
});

test('percentiles are durations that were seen', () => {
  expect([percentile([], 0.5), percentile([7], 0.95), percentile([1, 2], 0.5), percentile([1, 2, 3, 4], 0.95)]).toEqual(
    [null, 7, 1, 4],
  );
});

test('the text lines its columns up and tells what is neither completed nor failed', async () => {
  const cloud = new FakeCluster('cloud', [
    ...many(3, 'Invoice', 'Completed', () => 80),
    ...many(1, 'Invoice', 'Failed', () => 5),
    ...many(2, 'Invoice', 'Running', () => 0),
  ]);
  const selfhosted = new FakeCluster(
    'selfhosted',
    many(1, 'Invoice', 'Completed', () => 12_345),
  );
  expect(comparisonText(await compareClusters([cloud, selfhosted], asked)).split('\n')).toEqual([
    'acme: runs started 2026-11-24T00:00:00.000Z to 2026-11-24T06:00:00.000Z',
    '',
    'Invoice',
    '              runs  failed  of ended     p50     p95  read',
    '  cloud          6       1   25.00 %   80 ms   80 ms     3',
    '  selfhosted     1       0    0.00 %  12.3 s  12.3 s     1',
    '    cloud besides: 2 Running',
  ]);
});

test('the command line: defaults, a range, and what it refuses', () => {
  const read = readArguments(['compare', 'acme', '--type', 'Invoice', '--since', '24h']) as Compare;
  expect(read).toMatchObject({
    do: 'compare',
    tenant: 'acme',
    clusters: ['cloud', 'selfhosted'],
    query: "TenantId = 'acme'",
    type: 'Invoice',
    sample: 10_000,
    json: false,
  });
  const now = Date.parse('2026-11-24T12:00:00Z');
  expect(read.range(now)).toEqual({ fromMs: now - 86_400_000, untilMs: now - 29_000 });
  expect(() => readArguments(['compare', 'acme', '--sample', 'all'])).toThrow(
    '--sample is "all"; it takes a whole number from 1 to 1000000, such as 10000.',
  );
  expect(() => readArguments(['compare', 'acme', '--from', 'selfhosted'])).toThrow(/to.*selfhosted/s);
  expect(() => readArguments(['compare'])).toThrow(/came without the name of a tenant/);
});
