/**
 * `npm run audit-scale`: audits of 10,000, 100,000 and 1,000,000 executions on two clusters, half of them before a
 * hand-over and half after, some doubled, lost and on the wrong side. No server: the executions are made up as they are
 * listed, so what is measured is the audit itself. Fails where a verdict is wrong, or where memory grows with the number.
 */
import Long from 'long';
import { auditSchedules } from '../src/ledger/audit.ts';
import { type Tally, emptyTally } from '../src/ledger/tally.ts';
import { standby } from '../src/schedules/shapes.ts';
import { readOptions, whole } from './lib/options.ts';
import { SyntheticCluster, type SyntheticSchedule } from '../test/support/synthetic-cluster.ts';

/** Live heap may not grow by more than this from the smallest audit to the largest. */
const GROWTH_MB = 30;
const EVERY_MS = 10_000;
const TIMES = 2_000;
const START = Date.UTC(2026, 10, 24);
const BATCH = 50;

interface Figures {
  executions: number;
  schedules: number;
  seconds: number;
  /** Live objects after a collection, at most, sampled at every batch; MB. */
  peakLiveMb: number;
  peakHeapMb: number;
  peakRssMb: number;
  totals: Tally['totals'];
  expected: Partial<Tally['totals']>;
}

const collect = globalThis.gc;
const { values } = readOptions({
  name: 'audit-scale',
  does: `audits of 10,000, 100,000 and 1,000,000 made-up executions on two clusters; no server.
Exit code 1 where a verdict is wrong, or where live memory grows with the number.`,
  options: {
    executions: { type: 'string', takes: '<number>', says: 'audits that many once, and prints one JSON document' },
  },
  lasts: 'about half a minute',
});
if (values.executions !== undefined) {
  console.log(JSON.stringify(await measure(whole('audit-scale', 'executions', values.executions, 1))));
} else {
  if (!collect) throw new Error('run it with `npm run audit-scale`: it needs node --expose-gc');
  const rows: Figures[] = [];
  for (const executions of [10_000, 100_000, 1_000_000]) {
    const row = await measure(executions);
    rows.push(row);
    console.log(
      `${row.executions} executions of ${row.schedules} schedules on 2 clusters: ${row.seconds.toFixed(1)} s; ` +
        `live heap ${row.peakLiveMb.toFixed(1)} MB, heap ${row.peakHeapMb.toFixed(0)} MB, resident ${row.peakRssMb.toFixed(0)} MB at most; ` +
        told(row.totals),
    );
  }
  const problems = rows.filter(({ totals, expected }) => told({ ...totals, ...expected }) !== told(totals));
  for (const { executions, expected } of problems) {
    console.error(`not as it should be: of ${executions} executions, expected ${JSON.stringify(expected)}`);
  }
  const growth = (rows.at(-1)?.peakLiveMb ?? 0) - (rows[0]?.peakLiveMb ?? 0);
  if (growth > GROWTH_MB)
    console.error(`not flat: live heap grew by ${growth.toFixed(1)} MB, allowed are ${GROWTH_MB}`);
  else console.log(`flat: live heap grew by ${growth.toFixed(1)} MB from 10,000 to 1,000,000 executions`);
  process.exitCode = problems.length === 0 && growth <= GROWTH_MB ? 0 : 1;
}

function told(totals: Tally['totals']): string {
  return Object.entries(totals)
    .filter(([, times]) => times > 0)
    .map(([verdict, times]) => `${times} ${verdict}`)
    .join(', ');
}

async function measure(executions: number): Promise<Figures> {
  const count = Math.max(1, Math.round(executions / TIMES));
  const times = Math.round(executions / count);
  const boundary = START + Math.floor(times / 2) * EVERY_MS;
  const clusters = ['cloud', 'selfhosted'].map(
    (profile) =>
      new SyntheticCluster(
        profile,
        Array.from({ length: count }, (_, i) => schedule(i, profile, boundary)),
      ),
  );
  const ids = Array.from({ length: count }, (_, i) => idOf(i));
  const tally = emptyTally();
  const figures = { peakLiveMb: 0, peakHeapMb: 0, peakRssMb: 0 };
  const sample = (): void => {
    const { heapUsed, rss } = process.memoryUsage();
    figures.peakHeapMb = Math.max(figures.peakHeapMb, heapUsed / 2 ** 20);
    figures.peakRssMb = Math.max(figures.peakRssMb, rss / 2 ** 20);
  };
  let lines = 0;
  const started = Date.now();
  let collecting = 0;
  const options = {
    fromMs: START,
    untilMs: START + times * EVERY_MS,
    lateAfterMs: 60_000,
    nowMs: START + times * EVERY_MS + 3_600_000,
  };
  for (let at = 0; at < count; at += BATCH) {
    await auditSchedules(clusters, ids.slice(at, at + BATCH), options, tally, () => {
      if (++lines % 5_000 !== 0) return;
      sample();
      if (!collect || lines % 50_000 !== 0) return;
      const before = Date.now();
      collect();
      figures.peakLiveMb = Math.max(figures.peakLiveMb, process.memoryUsage().heapUsed / 2 ** 20);
      collecting += Date.now() - before;
    });
  }
  collect?.();
  figures.peakLiveMb = Math.max(figures.peakLiveMb, process.memoryUsage().heapUsed / 2 ** 20);
  const found = Object.values(tally.clusters).reduce((sum, { runs }) => sum + runs, 0);
  return {
    executions: found,
    schedules: count,
    seconds: (Date.now() - started - collecting) / 1000,
    ...figures,
    totals: tally.totals,
    expected: { duplicate: count, missed: count, 'wrong-side': count, once: count * (times - 3) },
  };
}

function idOf(i: number): string {
  return `job-${String(i).padStart(6, '0')}`;
}

/** Of every schedule one time is doubled, one lost, and one ran on the side that had given up. */
function schedule(i: number, profile: string, boundary: number): SyntheticSchedule {
  const user = {
    spec: { interval: [{ interval: { seconds: Long.fromNumber(EVERY_MS / 1000) } }] },
    policies: { overlapPolicy: i % 2 === 0 ? 1 : 6 },
  };
  const gaveUp = standby(user, { kind: 'standby', owner: 'selfhosted', migration: 'm', boundary, userPaused: false });
  const [doubled, lost, astray] = [1, 2, 3].map((nth) => boundary + nth * EVERY_MS * 3);
  return {
    id: idOf(i),
    everyMs: EVERY_MS,
    jitterMs: i % 3 === 0 ? EVERY_MS : 0,
    evidence: { schedule: profile === 'cloud' ? gaveUp : user, createdMs: START - 86_400_000, updatedMs: boundary },
    runs: (nominal) => {
      if (nominal === lost) return [];
      if (nominal === doubled) return [{}];
      const owner = nominal < boundary || nominal === astray ? 'cloud' : 'selfhosted';
      return profile === owner ? [{}] : [];
    },
  };
}
