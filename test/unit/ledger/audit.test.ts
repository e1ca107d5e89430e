import { expect, test } from 'vitest';
import proto from '@temporalio/proto';
import Long from 'long';
import { auditSchedules } from '../../../src/ledger/audit.ts';
import type { AuditOptions } from '../../../src/ledger/schedule-audit.ts';
import type { Evidence, Execution } from '../../../src/ledger/ports.ts';
import { emptyTally, summarize } from '../../../src/ledger/tally.ts';
import type { Line, Verdict } from '../../../src/ledger/verdict.ts';
import { fenced, opened, standby } from '../../../src/schedules/shapes.ts';
import { SyntheticCluster, type SyntheticSchedule } from '../../support/synthetic-cluster.ts';

const { ScheduleOverlapPolicy: Overlap } = proto.temporal.api.enums.v1;
type Schedule = Evidence['schedule'];

const MINUTE = 60_000;
const T = Date.UTC(2026, 10, 24, 12);
const at = (minutes: number) => T + minutes * MINUTE;
/** Ten nominal times, 12:01 to 12:10; judged an hour later. */
const options: AuditOptions = { fromMs: at(1), untilMs: at(10) + 1000, lateAfterMs: 60_000, nowMs: at(70) };

const policy = (overlapPolicy: proto.temporal.api.enums.v1.ScheduleOverlapPolicy, more: object = {}): Schedule => ({
  policies: { overlapPolicy, ...more },
});
const allow = policy(Overlap.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL);

interface Case {
  schedule?: Schedule;
  evidence?: Partial<Evidence>;
  jitterMs?: number;
  /** By minute; `undefined` runs as it should. */
  runs?: Record<number, Partial<Execution>[]>;
  options?: Partial<AuditOptions>;
  hidden?: (workflowId: string) => boolean;
  retention?: number;
}

async function audit(clusters: SyntheticCluster[], given: Partial<AuditOptions> = {}) {
  const lines: Line[] = [];
  const tally = emptyTally();
  await auditSchedules(clusters, ['s'], { ...options, ...given }, tally, (line) => void lines.push(line));
  const short = lines.map(({ verdict, nominal, due }): [Verdict, string] => [verdict, (nominal ?? due).slice(14, 19)]);
  return { lines, verdicts: short.filter(([verdict]) => verdict !== 'once'), ...summarize(tally) };
}

async function alone(c: Case) {
  const minute = (ms: number) => Math.round((ms - T) / MINUTE);
  const schedule: SyntheticSchedule = {
    id: 's',
    everyMs: MINUTE,
    jitterMs: c.jitterMs,
    evidence: { schedule: c.schedule ?? allow, createdMs: at(-1000), ...c.evidence },
    runs: (nominal) => c.runs?.[minute(nominal)] ?? [{}],
  };
  const cluster = new SyntheticCluster('here', [schedule], c.hidden);
  cluster.retention = c.retention;
  return { ...(await audit([cluster], c.options)), cluster };
}

const recent = (minute: number) => ({ workflowId: 's-run', dueMs: at(minute), startedMs: at(minute) });
const skip = policy(Overlap.SCHEDULE_OVERLAP_POLICY_SKIP);
const long = (from: number, to?: number): Partial<Execution> => ({
  startMs: at(from) + 20,
  closeMs: to === undefined ? undefined : at(to) + 30_000,
});
const paused = { ...allow, state: { paused: true } };
const limited = { ...allow, state: { limitedActions: true, remainingActions: Long.ZERO } };

const table: [string, Case, [Verdict, string][], RegExp?][] = [
  ['every time ran once', {}, []],
  ['with jitter as long as the interval', { jitterMs: MINUTE }, []],
  ['two runs of one time', { runs: { 4: [{}, {}] } }, [['duplicate', '04:00']], /ran 2 times: here.*here/],
  [
    'a run that continued as new, or was tried again, is one',
    {
      runs: {
        4: [{ runId: 'a', continuedAsNew: true }, { runId: 'b' }],
        6: [{ runId: 'c/1' }, { runId: 'c/2', startMs: at(6) + 900 }],
      },
    },
    [],
  ],
  ['a time without a run', { runs: { 4: [] } }, [['missed', '04:00']], /no run on any.*by exact id/],
  ['the same with jitter is named by its nominal time', { jitterMs: 50_000, runs: { 4: [] } }, [['missed', '04:00']]],
  ['a list that lags is no miss', { runs: {}, hidden: (id) => id.endsWith('12:04:00Z') }, []],
  [
    'a run a minute and more behind',
    { runs: { 4: [{ startMs: at(4) + 61_000 }] } },
    [['late', '04:00']],
    /started 61 s behind/,
  ],
  ['a run within what is allowed', { runs: { 4: [{ startMs: at(4) + 59_000 }] } }, []],
  ['a trigger', { runs: { 4: [{}, { nominalMs: at(4) + 7_000, startMs: at(4) + 7_000 }] } }, [['manual', '04:07']]],
  [
    'a run that began before its due time is asked about, and is right where the nominal time is',
    { jitterMs: MINUTE, runs: { 4: [{ nominalMs: at(4), startMs: at(3) + 1 }] } },
    [],
  ],
  [
    'SKIP under an open run',
    { schedule: skip, runs: { 3: [long(3, 5)], 4: [], 5: [] } },
    [
      ['skipped-overlap', '04:00'],
      ['skipped-overlap', '05:00'],
    ],
    /was open on here from .*SKIP leaves it out/,
  ],
  [
    'SKIP after the run has closed',
    { schedule: skip, runs: { 3: [long(3, 4)], 4: [], 6: [] } },
    [
      ['skipped-overlap', '04:00'],
      ['missed', '06:00'],
    ],
  ],
  [
    'SKIP under a run from before the range',
    { schedule: skip, runs: { '-3': [long(-3, 2)], 1: [], 2: [] } },
    [
      ['skipped-overlap', '01:00'],
      ['skipped-overlap', '02:00'],
    ],
  ],
  ['no policy explains it under ALLOW_ALL', { runs: { 3: [long(3, 5)], 4: [] } }, [['missed', '04:00']]],
  [
    'BUFFER_ONE: one waits and runs later, the next are left out',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE),
      runs: { 3: [long(3, 6)], 4: [{ startMs: at(6) + 30_100, closeMs: at(6) + 30_200 }], 5: [], 6: [] },
    },
    [
      ['buffered', '04:00'],
      ['skipped-overlap', '05:00'],
      ['skipped-overlap', '06:00'],
    ],
    /let it wait for s-run/,
  ],
  [
    'BUFFER_ONE: one that should have run when the run closed, and did not',
    { schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE), runs: { 3: [long(3, 4)], 4: [] } },
    [['missed', '04:00']],
  ],
  [
    'BUFFER_ALL: all wait',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL),
      evidence: { buffered: 3, recent: [recent(7)] },
      runs: { 7: [long(7)], 8: [], 9: [], 10: [] },
    },
    [
      ['buffered', '08:00'],
      ['buffered', '09:00'],
      ['buffered', '10:00'],
    ],
    /3 wait now/,
  ],
  [
    'BUFFER_ALL: what overflowed',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL),
      evidence: { counters: { overlapSkipped: 0, missedCatchup: 0, bufferDropped: 2 } },
      runs: { 4: [], 5: [] },
    },
    [
      ['inconclusive', '04:00'],
      ['inconclusive', '05:00'],
    ],
    /counts 2 times dropped/,
  ],
  [
    'TERMINATE_OTHER: of two that waited the last runs',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER),
      runs: { 3: [long(3, 5)], 4: [], 5: [{ startMs: at(5) + 31_000 }] },
    },
    [['skipped-overlap', '04:00']],
    /starts the last of those that wait/,
  ],
  [
    'CANCEL_OTHER: the run closed before the next time, so this one was owed',
    { schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER), runs: { 3: [long(3, 4)], 4: [] } },
    [['missed', '04:00']],
  ],
  [
    'the scheduler was away for longer than its catchup window',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, { catchupWindow: { seconds: Long.fromNumber(90) } }),
      evidence: { counters: { overlapSkipped: 0, missedCatchup: 2, bufferDropped: 0 } },
      runs: { 4: [], 5: [], 6: [{ startMs: at(7) + 20_000 }] },
    },
    [
      ['skipped-catchup', '04:00'],
      ['skipped-catchup', '05:00'],
      ['late', '06:00'],
    ],
    /went on at .* later than its catchup window of 90 s/,
  ],
  [
    'no more of them than the scheduler counts',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, { catchupWindow: { seconds: Long.fromNumber(90) } }),
      evidence: { counters: { overlapSkipped: 0, missedCatchup: 1, bufferDropped: 0 } },
      runs: { 4: [], 5: [], 6: [{ startMs: at(7) + 20_000 }] },
    },
    [
      ['skipped-catchup', '04:00'],
      ['missed', '05:00'],
      ['late', '06:00'],
    ],
  ],
  [
    'a pause taken back is no catchup: what was within the window did not run either',
    {
      schedule: policy(Overlap.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, { catchupWindow: { seconds: Long.fromNumber(90) } }),
      evidence: { counters: { overlapSkipped: 0, missedCatchup: 9, bufferDropped: 0 } },
      runs: { 4: [], 5: [], 6: [] },
    },
    [
      ['missed', '04:00'],
      ['missed', '05:00'],
      ['missed', '06:00'],
    ],
  ],
  [
    'paused by its user: everything after its last run',
    { schedule: paused, evidence: { recent: [recent(7)] }, runs: { 4: [], 8: [], 9: [], 10: [] } },
    [
      ['missed', '04:00'],
      ['user-paused', '08:00'],
      ['user-paused', '09:00'],
      ['user-paused', '10:00'],
    ],
  ],
  [
    'paused, and its last actions were all by hand',
    { schedule: paused, evidence: { recent: [{ ...recent(9), dueMs: at(9) + 1234 }] }, runs: { 10: [] } },
    [['inconclusive', '10:00']],
    /all started by hand/,
  ],
  [
    'its actions are used up',
    { schedule: limited, evidence: { recent: [recent(8)] }, runs: { 9: [], 10: [] } },
    [
      ['limit-reached', '09:00'],
      ['limit-reached', '10:00'],
    ],
    /no action is left/,
  ],
  [
    'older than retention',
    { retention: 66 * MINUTE, runs: { 2: [], 3: [], 5: [] } },
    [
      ['inconclusive', '02:00'],
      ['inconclusive', '03:00'],
      ['missed', '05:00'],
    ],
    /older than the retention of here/,
  ],
  [
    'before it was created nothing was due',
    { evidence: { createdMs: at(4) + 1 }, runs: { 1: [], 2: [], 3: [], 4: [] } },
    [],
  ],
  [
    'runs from before it was created',
    { evidence: { createdMs: at(4) + 30_000 } },
    [
      ['inconclusive', '01:00'],
      ['inconclusive', '02:00'],
      ['inconclusive', '03:00'],
      ['inconclusive', '04:00'],
    ],
    /an earlier one with this id/,
  ],
  [
    'written in the range: a gap before is not known to have been due, one after is',
    { evidence: { updatedMs: at(6) + 1 }, runs: { 1: [], 2: [], 3: [], 8: [] } },
    [
      ['inconclusive', '01:00'],
      ['inconclusive', '02:00'],
      ['inconclusive', '03:00'],
      ['missed', '08:00'],
    ],
    /was written at .*whether it had this time before/,
  ],
  [
    'written in the range: every other time is what a slower spec looks like',
    { evidence: { updatedMs: at(9) + 1 }, runs: { 1: [], 3: [], 5: [], 7: [] } },
    [
      ['inconclusive', '01:00'],
      ['inconclusive', '03:00'],
      ['inconclusive', '05:00'],
      ['inconclusive', '07:00'],
    ],
  ],
  [
    'written in the range: a single time among those that ran was due',
    { evidence: { updatedMs: at(9) + 1 }, runs: { 5: [] } },
    [['missed', '05:00']],
    /the times around it ran/,
  ],
  [
    'only just due',
    { options: { nowMs: at(10) + 30_000 }, runs: { 10: [] } },
    [['inconclusive', '10:00']],
    /only 30 s before this audit/,
  ],
  [
    'its scheduler has not come to it',
    { evidence: { futureMs: [at(10), at(11)] }, runs: { 10: [] } },
    [['inconclusive', '10:00']],
    /has not come to it yet/,
  ],
];

test.each(table)('%s', async (_title, c, expected, why) => {
  const { verdicts, lines } = await alone(c);
  expect(verdicts).toEqual(expected);
  const first = lines.find(({ verdict }) => verdict !== 'once');
  if (why && first) expect(first.why).toMatch(why);
  if (_title.startsWith('a list that lags')) expect(lines).toHaveLength(10);
});

test('a list that lags is said', async () => {
  const { notes } = await alone({ hidden: (id) => id.endsWith('12:04:00Z') });
  expect(notes).toEqual([expect.stringMatching(/runs that lists did not show were found by id/)]);
});

test('a run that began before its jittered due time was a trigger: the nominal time is asked for', async () => {
  // Nominal 12:04, due some seconds later; the only run near it was triggered at 12:04:01.
  const { verdicts } = await alone({
    jitterMs: 50_000,
    runs: { 4: [{ nominalMs: at(4) + 1000, startMs: at(4) + 1000 }] },
  });
  expect(verdicts).toEqual([
    ['manual', '04:01'],
    ['missed', '04:00'],
  ]);
});

/** The schedule on two clusters, as shapes.ts writes it. */
function both(
  shapes: { cloud: Schedule; selfhosted: Schedule },
  c: {
    ranOn: (minute: number) => string[];
    jitterMs?: number;
    evidence?: Partial<Record<'cloud' | 'selfhosted', Partial<Evidence>>>;
  },
) {
  const make = (profile: 'cloud' | 'selfhosted') =>
    new SyntheticCluster(profile, [
      {
        id: 's',
        everyMs: MINUTE,
        jitterMs: c.jitterMs,
        evidence: { schedule: shapes[profile], createdMs: at(-1000), updatedMs: at(6), ...c.evidence?.[profile] },
        runs: (nominal, cluster) =>
          c
            .ranOn(Math.round((nominal - T) / MINUTE))
            .filter((name) => name === cluster)
            .map(() => ({})),
      },
    ]);
  return [make('cloud'), make('selfhosted')];
}

const B = at(6);
const gaveUp = standby(allow, { kind: 'standby', owner: 'selfhosted', migration: 'm', boundary: B, userPaused: false });
const moved = (minute: number) => [minute < 6 ? 'cloud' : 'selfhosted'];

test.each([0, 40_000])('handed over at B, jitter %i ms: the one before, the other from B on', async (jitterMs) => {
  const clusters = both({ cloud: gaveUp, selfhosted: allow }, { ranOn: moved, jitterMs });
  const { verdicts, clusters: sides, clean } = await audit(clusters);
  expect(verdicts).toEqual([]);
  expect(clean).toBe(true);
  expect(sides.cloud?.runs).toBe(5);
  expect(sides.selfhosted?.runs).toBe(5);
  expect(sides.selfhosted?.latenessMs.max).toBe(20);
});

test('a run on the side that gave up, from B on, is on the wrong side; a doubled one is a duplicate', async () => {
  const clusters = both(
    { cloud: gaveUp, selfhosted: allow },
    { ranOn: (minute) => (minute === 8 ? ['cloud'] : minute === 9 ? ['cloud', 'selfhosted'] : moved(minute)) },
  );
  const { verdicts, lines, clean } = await audit(clusters);
  expect(verdicts).toEqual([
    ['wrong-side', '08:00'],
    ['duplicate', '09:00'],
  ]);
  expect(lines.find(({ verdict }) => verdict === 'wrong-side')?.why).toMatch(
    /selfhosted has owned it since 2026-11-24T12:06:00Z/,
  );
  expect(lines.find(({ verdict }) => verdict === 'duplicate')?.why).toMatch(
    /cloud at .*selfhosted at .*; it ran on cloud/,
  );
  expect(clean).toBe(false);
});

test('times lost around B are missed, although both sides were written since', async () => {
  const clusters = both(
    { cloud: gaveUp, selfhosted: allow },
    { ranOn: (minute) => (minute >= 5 && minute <= 8 ? [] : moved(minute)) },
  );
  const { verdicts } = await audit(clusters);
  expect(verdicts.map(([verdict]) => verdict)).toEqual(['missed', 'missed', 'missed', 'missed']);
});

test('edited after the hand-over: the times of the new spec before the edit are not known to have been due', async () => {
  const slower = { ...gaveUp, spec: { interval: [{ interval: { seconds: Long.fromNumber(3600) } }] } };
  const clusters = both(
    { cloud: slower, selfhosted: allow },
    {
      ranOn: (minute) => (minute === 7 || minute === 8 || minute === 9 ? [] : moved(minute)),
      evidence: { selfhosted: { updatedMs: at(9) + 30_000 } },
    },
  );
  const { verdicts } = await audit(clusters);
  expect(verdicts.map(([verdict]) => verdict)).toEqual(['inconclusive', 'inconclusive', 'inconclusive']);
});

test('moved there and back: what ran there before the recorded way back is not held against it, and is told', async () => {
  const back = standby(allow, { kind: 'standby', owner: 'cloud', migration: 'm', boundary: at(8), userPaused: false });
  const clusters = both(
    { cloud: allow, selfhosted: back },
    { ranOn: (minute) => [minute < 4 || minute >= 8 ? 'cloud' : 'selfhosted'] },
  );
  const { verdicts, notes } = await audit(clusters);
  expect(verdicts).toEqual([]);
  expect(notes).toEqual([expect.stringMatching(/runs on cloud from before the hand-over .* \(3\)/)]);
});

test('in the middle of a hand-over: bounds hide nothing', async () => {
  const mark = { kind: 'fence', to: 'selfhosted', migration: 'm', boundary: B, next: at(5) } as const;
  const shapes = { cloud: fenced(allow, mark), selfhosted: opened(allow, B, undefined) };
  expect((await audit(both(shapes, { ranOn: moved }))).verdicts).toEqual([]);
  const shut = standby(allow, { kind: 'standby', owner: 'cloud', migration: 'm' });
  const stuck = await audit(
    both({ cloud: shapes.cloud, selfhosted: shut }, { ranOn: (m) => (m < 6 ? ['cloud'] : []) }),
  );
  expect(stuck.verdicts).toHaveLength(5);
  expect(stuck.notes).toEqual([expect.stringMatching(/hand-over at .* is not complete/)]);
});

test('both rest: nobody runs it, and that is missed', async () => {
  const rest = standby(allow, { kind: 'standby', owner: 'cloud', migration: 'm' });
  const { verdicts, notes } = await audit(
    both({ cloud: gaveUp, selfhosted: rest }, { ranOn: (m) => (m < 6 ? ['cloud'] : []) }),
  );
  expect(verdicts).toEqual([6, 7, 8, 9, 10].map((m) => ['missed', `${String(m).padStart(2, '0')}:00`]));
  expect(notes).toEqual([expect.stringMatching(/nobody runs it/)]);
});

test('a copy that never ran owns nothing since it was written', async () => {
  const copy = standby(allow, { kind: 'standby', owner: 'cloud', migration: 'm' });
  const clusters = both(
    { cloud: allow, selfhosted: copy },
    { ranOn: (minute) => (minute === 7 ? ['selfhosted'] : ['cloud']), evidence: { cloud: { updatedMs: undefined } } },
  );
  expect((await audit(clusters)).verdicts).toEqual([['wrong-side', '07:00']]);
});

test('one cluster of the two: what the other one owned is not judged, and that is told', async () => {
  const [cloud, selfhosted] = both({ cloud: gaveUp, selfhosted: allow }, { ranOn: moved });
  if (!cloud || !selfhosted) throw new Error('two clusters were made');
  const one = await audit([cloud]);
  expect(one.verdicts).toEqual([]);
  expect(one.totals.once).toBe(5);
  expect(one.notes).toEqual([expect.stringMatching(/times from then on are not judged/)]);
});

test('two strangers with one id: no wrong side, and that is told', async () => {
  const clusters = both(
    { cloud: allow, selfhosted: paused },
    { ranOn: (m) => (m === 3 ? ['selfhosted'] : ['cloud']), evidence: { cloud: { updatedMs: undefined } } },
  );
  const { verdicts, notes } = await audit(clusters);
  expect(verdicts).toEqual([]);
  expect(notes).toEqual([expect.stringMatching(/neither is marked/)]);
});

test('the same verdicts whatever the size of the windows', async () => {
  const c = { jitterMs: 40_000, runs: { 3: [], 6: [{}, {}], 9: [{ startMs: at(9) + 120_000 }] } };
  const whole = await alone(c);
  const narrow = await alone({ ...c, options: { windowRuns: 2 } });
  expect(narrow.lines).toEqual(whole.lines);
  expect(narrow.cluster.calls.get('executions')).toBeGreaterThan(whole.cluster.calls.get('executions') ?? 0);
});
