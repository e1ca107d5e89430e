/**
 * The account of one schedule: its times in order, each with the runs found for it, made into verdicts. Pure, and small
 * whatever passes through: it keeps the runs that are still open and the gap of times without a run it is in.
 */
import { type Circumstances, type Explanation, type Missing, NAMES, explain, wasOpen } from './explain.ts';
import type { Candidate } from './match.ts';
import { type Ownership, wrongSide } from './ownership.ts';
import type { LedgerRun } from './ports.ts';
import { type Line, iso } from './verdict.ts';
import { formatDuration } from '../workflows/duration.ts';

/** What is known of the schedule at one time. */
export type TimeFacts = Omit<Circumstances, 'isolated'>;

export interface Time {
  dueMs: number;
  /** Where known. */
  nominalMs?: number;
  facts: TimeFacts;
}

interface Gap extends Time {
  missing: Missing;
}

/** A longer gap is decided without waiting for its end. */
const LONGEST_GAP = 5_000;
const ISOLATED = 2;
const MANY_OPEN = 16;

export class Book {
  readonly #schedule: string;
  readonly #ownership: Ownership;
  readonly #emit: (line: Line) => void;
  /** Schedules that allow overlap need no open runs, and may have any number of them. */
  readonly #tracksOpen: boolean;
  /** Runs that may be open at times to come: a handful. */
  #open: LedgerRun[] = [];
  #gap: Gap[] = [];
  /** Times in a row that ran, up to the gap. */
  #streak = 0;
  #catchups = 0;
  /** Runs on another cluster than the last owner's, before the hand-over that is recorded. */
  earlier = new Map<string, number>();

  constructor(schedule: string, ownership: Ownership, tracksOpen: boolean, emit: (line: Line) => void) {
    this.#schedule = schedule;
    this.#ownership = ownership;
    this.#tracksOpen = tracksOpen;
    this.#emit = emit;
  }

  /** Runs for times before the range that were open when it began. */
  openBefore(runs: LedgerRun[]): void {
    this.#open.push(...runs);
  }

  manual(run: LedgerRun, why = 'the spec does not have this time: it was triggered or backfilled by hand'): void {
    this.#keep(run);
    const wrong = wrongSide(this.#ownership, run.nominalMs, run.cluster);
    const nominal = iso(run.nominalMs);
    this.#line({ verdict: 'manual', nominal, due: nominal, why: wrong ? `${why}; ${wrong}` : why }, [run]);
  }

  /** A run that no spec we can ask for accounts for. */
  unjudged(run: LedgerRun, why: string): void {
    this.#keep(run);
    const nominal = iso(run.nominalMs);
    const wrong = wrongSide(this.#ownership, run.nominalMs, run.cluster);
    if (wrong) this.#line({ verdict: 'wrong-side', nominal, due: nominal, why: wrong }, [run]);
    else this.#line({ verdict: 'inconclusive', nominal, due: nominal, why }, [run]);
  }

  ran(time: Time, runs: Candidate[]): void {
    const [first] = runs;
    if (!first) return this.missing(time);
    this.#settleGap(first.run, time.dueMs);
    this.#streak++;
    const latenessMs = Math.max(0, Math.min(...runs.map(({ run, dueMs }) => run.startMs - dueMs)));
    const { verdict, why } = this.#ofRuns(time, runs, latenessMs);
    for (const { run } of runs) this.#keep(run);
    this.#line(
      { verdict, nominal: iso(first.run.nominalMs), due: iso(first.dueMs), why, latenessMs },
      runs.map(({ run }) => run),
    );
  }

  missing(time: Time): void {
    const { dueMs } = time;
    this.#prune(dueMs);
    const running = this.#open.find((run) => wasOpen(run, dueMs));
    const waiting = this.#open.find((run) => run.startMs > dueMs);
    const firstUnder = !this.#gap.some(({ missing }) => missing.running?.runId === running?.runId);
    this.#gap.push({ ...time, missing: { dueMs, running, waiting, firstUnder } });
    if (this.#gap.length >= LONGEST_GAP) this.#settleGap();
  }

  /** A time without a run that is accounted for before anybody looked for the run. */
  excused(time: Time, { verdict, why }: Explanation): void {
    this.#settleGap(undefined, time.dueMs);
    this.#streak = 0;
    this.#missingLine(time, { verdict, why });
  }

  end(): void {
    this.#settleGap();
  }

  #ofRuns(time: Time, runs: Candidate[], latenessMs: number): Explanation {
    const [first, second] = runs;
    if (!first) throw new Error('a time without a run was taken for one that ran');
    const wrong = runs.map(({ run }) => wrongSide(this.#ownership, run.nominalMs, run.cluster)).find(Boolean);
    if (second) {
      const where = runs.map(({ run }) => `${run.cluster} at ${iso(run.startMs)}`).join(', ');
      const byHand = runs.every(({ run }) => run.cluster === first.run.cluster)
        ? '; a backfill of a time that had run already looks the same'
        : '';
      return { verdict: 'duplicate', why: `ran ${runs.length} times: ${where}${wrong ? `; ${wrong}` : ''}${byHand}` };
    }
    if (wrong) return { verdict: 'wrong-side', why: wrong };
    this.#noteEarlier(first.run);
    if (latenessMs <= time.facts.lateAfterMs) return { verdict: 'once', why: '' };
    const behind = `started ${formatDuration(latenessMs)} behind its due time`;
    const { overlap } = time.facts;
    this.#prune(first.dueMs);
    const before = this.#open.find((run) => wasOpen(run, first.dueMs) || run.startMs > first.dueMs);
    if (before && overlap !== 'allow' && overlap !== 'skip') {
      return { verdict: 'buffered', why: `${behind}: ${NAMES[overlap]} let it wait for ${before.workflowId}` };
    }
    return { verdict: 'late', why: `${behind}, and no policy accounts for that; a backfill by hand looks the same` };
  }

  #noteEarlier({ nominalMs, cluster }: LedgerRun): void {
    const { tenures, provenFromMs } = this.#ownership;
    const giver = tenures[0]?.side.cluster;
    if (tenures.length < 2 || nominalMs >= provenFromMs || cluster === giver) return;
    this.earlier.set(cluster, (this.earlier.get(cluster) ?? 0) + 1);
  }

  #settleGap(run?: LedgerRun, runDueMs?: number): void {
    const gap = this.#gap;
    if (gap.length === 0) return;
    this.#gap = [];
    const isolated = run !== undefined && gap.length <= ISOLATED && this.#streak >= ISOLATED;
    this.#streak = 0;
    for (const [i, time] of gap.entries()) {
      const after = { nextDueMs: gap[i + 1]?.dueMs ?? runDueMs, run, runDueMs, gapEndMs: gap.at(-1)?.dueMs };
      const missedCatchup = time.facts.missedCatchup - this.#catchups;
      const explanation = explain(time.missing, after, { ...time.facts, missedCatchup, isolated });
      if (explanation.verdict === 'skipped-catchup') this.#catchups++;
      this.#missingLine(time, explanation);
    }
  }

  #missingLine({ dueMs, nominalMs }: Time, { verdict, why }: Explanation): void {
    this.#line({ verdict, nominal: nominalMs === undefined ? undefined : iso(nominalMs), due: iso(dueMs), why }, []);
  }

  #keep(run: LedgerRun): void {
    if (!this.#tracksOpen) return;
    if (this.#open.length >= MANY_OPEN) this.#prune(run.nominalMs);
    this.#open.push(run);
  }

  #prune(dueMs: number): void {
    this.#open = this.#open.filter((run) => wasOpen(run, dueMs) || run.startMs > dueMs);
  }

  #line(line: Omit<Line, 'schedule' | 'runs'>, runs: LedgerRun[]): void {
    const { verdict, nominal, ...rest } = line;
    this.#emit({
      schedule: this.#schedule,
      verdict,
      ...(nominal === undefined ? {} : { nominal }),
      ...rest,
      runs: runs.map(({ cluster, workflowId, runId, startMs }) => ({
        cluster,
        workflowId,
        runId,
        startedAt: new Date(startMs).toISOString(),
      })),
    });
  }
}
