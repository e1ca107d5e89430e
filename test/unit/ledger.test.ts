import { describe, expect, test } from 'vitest';
import { planTenant, type Intent } from '../../scripts/lib/tenant-load.ts';
import { expectedTimes, judge, type LedgerTotals, type Outage, type Run, type Write } from '../support/ledger.ts';

const base: Intent = { every: 10, phase: 3, jitter: 0, paused: false, maySkip: false };

describe('expected times', () => {
  test.each<[string, Partial<Intent>, number[]]>([
    ['interval with phase', {}, [103, 113, 123, 133]],
    ['from and until are inclusive', { from: 113, until: 123 }, [113, 123]],
    ['paused', { paused: true }, []],
    ['left-out seconds of the minute', { except: [43, 53] }, [123, 133]],
    ['ended before', { until: 99 }, []],
  ])('%s', (_title, intent, times) => {
    expect(expectedTimes({ ...base, ...intent }, 100, 135)).toEqual(times);
  });
});

const ALWAYS = { paused: false, fromMs: 0, untilMs: Infinity };
const wrote = (sec: number, side = 'cloud', open = ALWAYS): Write[] => [
  { side, schedule: 's', atMs: sec * 1_000, open },
];
const back = (side: string): Outage[] => [{ side, fromMs: 114_000, toMs: 124_000 }];

describe('verdicts', () => {
  const run = (nominal: number, side = 'cloud', openSec = 0.1): Run => ({
    side,
    workflowId: `s-run-${nominal}`,
    nominal,
    startMs: nominal * 1000 + 50,
    closeMs: nominal * 1000 + 50 + openSec * 1000,
  });
  const verdict = (
    runs: Run[],
    intent: Partial<Intent> = {},
    path = ['cloud', 'selfhosted'],
    outages: Outage[] = [],
  ) => {
    const [template] = planTenant({ tenant: 't', count: 1 });
    if (!template) throw new Error('no schedule planned');
    const schedule = { ...template, id: 's', intent: { ...base, ...intent } };
    const { totals } = judge({ schedules: [schedule], from: 100, to: 135, path, outages }, new Map([['s', runs]]));
    const { expected, once, duplicates, missed, wrongSide, explained, unexpected } = totals;
    return { expected, once, duplicates, missed, wrongSide, explained, unexpected };
  };
  const fine = { expected: 4, once: 4, duplicates: 0, missed: 0, wrongSide: 0, explained: 0, unexpected: 0 };

  test('one run each, moving once', () => {
    expect(verdict([run(103), run(113), run(123, 'selfhosted'), run(133, 'selfhosted')])).toEqual(fine);
  });

  test('the same time on both sides is a duplicate', () => {
    const runs = [run(103), run(113), run(113, 'selfhosted'), run(123, 'selfhosted'), run(133, 'selfhosted')];
    expect(verdict(runs)).toEqual({ ...fine, once: 3, duplicates: 1 });
  });

  test('a time without a run is missed', () => {
    expect(verdict([run(103), run(123), run(133)])).toEqual({ ...fine, once: 3, missed: 1 });
  });

  test('a time under an open run is explained where the policy may skip, and only there', () => {
    const runs = [run(103, 'cloud', 15), run(123), run(133)];
    expect(verdict(runs, { maySkip: true })).toEqual({ ...fine, once: 3, explained: 1 });
    expect(verdict(runs)).toEqual({ ...fine, once: 3, missed: 1 });
    expect(verdict([run(103), run(123), run(133)], { maySkip: true })).toEqual({ ...fine, once: 3, missed: 1 });
  });

  test('what a scheduler leaves out when it comes back is explained by its policy, and only then', () => {
    const late = (nominal: number): Run => ({ ...run(nominal), startMs: 131_000, closeMs: 131_100 });
    const away = [{ side: 'cloud', fromMs: 112_000, toMs: 130_000 }];
    const skipped = [run(103), late(113), run(133)];
    expect(verdict(skipped, { maySkip: true }, ['cloud'], away)).toEqual({ ...fine, once: 3, explained: 1 });
    const replaced = [run(103), late(123), run(133)];
    expect(verdict(replaced, { replaces: true }, ['cloud'], away)).toEqual({ ...fine, once: 3, explained: 1 });
    for (const [runs, intent, outages] of [
      [skipped, {}, away],
      [replaced, { maySkip: true }, [{ side: 'selfhosted', fromMs: 112_000, toMs: 130_000 }]],
      [skipped, { maySkip: true }, [{ side: 'cloud', fromMs: 90_000, toMs: 95_000 }]],
    ] as const) {
      expect(verdict(runs, intent, ['cloud'], [...outages])).toEqual({ ...fine, once: 3, missed: 1 });
    }
  });

  test('what a V2 scheduler loses is granted with the moment to show it was lost in, and of what nobody wrote to', () => {
    const dues = { of: (_id: string, time: number) => [{ side: 'cloud', dueMs: time * 1_000 + 6_000 }] };
    const lost = (
      runs: Run[],
      outages: Outage[] = [],
      asked = dues,
      writes: Write[] = [],
    ): Pick<LedgerTotals, 'missed' | 'lostByV2'> => {
      const [template] = planTenant({ tenant: 't', count: 1 });
      if (!template) throw new Error('no schedule planned');
      const schedule = { ...template, id: 's', intent: { ...base, jitter: 10 } };
      const part = {
        schedules: [schedule],
        from: 100,
        to: 135,
        path: ['selfhosted', 'cloud', 'selfhosted'],
        outages,
        writes,
      };
      const { missed, lostByV2 } = judge(part, new Map([['s', runs]]), asked).totals;
      return { missed, lostByV2 };
    };
    const yes = { missed: 0, lostByV2: 1 };
    const no = { missed: 1, lostByV2: 0 };
    // The run of 113 ends at 123 + 2 s; 123 was due at + 6 s.
    expect(lost([run(103), run(113, 'cloud', 12), run(133)])).toEqual(yes);
    expect(lost([run(103), run(113, 'cloud', 12), run(133)], [], { of: () => [] })).toEqual(no);
    expect(lost([run(103), run(113, 'cloud', 18), run(133)])).toEqual(no);
    expect(lost([run(103), run(113, 'cloud', 2), run(133)])).toEqual(no);
    const moved = [run(103), run(113, 'cloud', 12), run(133, 'selfhosted')];
    expect(lost(moved, [], dues, wrote(130))).toEqual(yes);
    expect(lost(moved, [], dues, wrote(124))).toEqual(no);
    expect(lost(moved, [], dues, wrote(124, 'selfhosted'))).toEqual(yes);
    expect(lost([run(103), run(113, 'selfhosted', 12), run(133, 'selfhosted')])).toEqual(no);
    const arrives = [run(103, 'selfhosted'), run(113, 'selfhosted'), run(133)];
    expect(lost(arrives, back('cloud'), dues, wrote(116))).toEqual(yes);
    expect(lost(arrives, back('cloud'), dues, wrote(116, 'cloud', { ...ALWAYS, fromMs: 130_000 }))).toEqual(no);
    expect(lost(arrives, back('cloud'), dues, wrote(116, 'cloud', { ...ALWAYS, paused: true }))).toEqual(no);
    expect(lost(arrives, back('cloud'), dues, wrote(124))).toEqual(no);
    expect(lost([run(103), run(113), run(133)], back('cloud'))).toEqual(yes);
    expect(lost([run(103), run(113), run(133)], back('selfhosted'))).toEqual(no);
    expect(lost([run(103), run(113), run(133)], [{ side: 'cloud', fromMs: 101_000, toMs: 105_000 }])).toEqual(no);
  });

  test('a run on the former owner after the new one has begun is on the wrong side', () => {
    expect(verdict([run(103), run(113, 'selfhosted'), run(123), run(133, 'selfhosted')])).toEqual({
      ...fine,
      wrongSide: 1,
    });
  });

  test('a run on the other side of a tenant that did not move is on the wrong side', () => {
    const runs = [run(103), run(113, 'selfhosted'), run(123), run(133)];
    expect(verdict(runs, {}, ['cloud'])).toEqual({ ...fine, wrongSide: 1 });
  });

  test('there and back is a path like any other', () => {
    const runs = [run(103), run(113, 'selfhosted'), run(123), run(133)];
    expect(verdict(runs, {}, ['cloud', 'selfhosted', 'cloud'])).toEqual(fine);
  });

  test('a run at a time the schedule does not have is unexpected', () => {
    expect(verdict([run(103), run(105), run(113), run(123), run(133)])).toEqual({ ...fine, unexpected: 1 });
  });

  test('a limited schedule ends after its last action, counted from its first', () => {
    expect(verdict([run(93), run(103), run(113)], { limit: 3 })).toEqual({ ...fine, expected: 2, once: 2 });
    expect(verdict([run(93), run(103)], { limit: 3 })).toEqual({ ...fine, expected: 2, once: 1, missed: 1 });
    expect(verdict([run(103), run(113), run(123)], { limit: 2 })).toEqual({
      ...fine,
      expected: 2,
      once: 2,
      unexpected: 1,
    });
  });
});
