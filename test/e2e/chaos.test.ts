import { expect, test } from 'vitest';
import { problemsOf, textOf, totalFaults } from '../../scripts/chaos/report.ts';
import { runChaos } from '../../scripts/chaos/run.ts';

/**
 * The seed is in the report: `npm run chaos -- --seed N` deals the same faults in the same order. FERRY_CHAOS_KEEP: a
 * directory for what happened.
 */
const seed = 1;
/** In quick succession, so that they fit in some five minutes; `npm run chaos` goes on to a hundred, and to every boundary. */
const FAULTS = 60;
const PAUSE_MS = [1_000, 3_000] as const;

test(
  'servers, connections, answers and workers broken sixty times: nothing doubled, nothing missed, nothing half done',
  async () => {
    const lines: string[] = [];
    const say = (text: string): void => void lines.push(`${new Date().toISOString()} ${text}`);
    const started = runChaos({
      seed,
      faults: FAULTS,
      everyBoundary: false,
      cloud: 'dev',
      selfhosted: 'v2',
      patient: false,
      pauseMs: PAUSE_MS,
      keep: process.env['FERRY_CHAOS_KEEP'],
      say,
    });
    const report = await started.catch((error: unknown) => {
      throw new Error(`the run broke off:\n${lines.slice(-40).join('\n')}`, { cause: error });
    });
    console.log(textOf(report));
    expect(problemsOf(report), lines.join('\n')).toEqual([]);
    expect(totalFaults(report)).toBeGreaterThanOrEqual(FAULTS);
    expect(report.legs.some(({ outcome }) => outcome === 'completed')).toBe(true);
    for (const kind of ['server killed (SIGKILL)', 'server ended (SIGTERM)', 'connections cut'] as const) {
      expect(report.faults.get(kind), kind).toBeGreaterThan(0);
    }
  },
  30 * 60_000,
);
