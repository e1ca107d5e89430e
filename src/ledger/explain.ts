/**
 * Why a time did not run. Pure: evidence in, verdict and reason out. A policy explains a time only where the evidence for
 * it is there: the open run the overlap policy looked at, the late awakening the catchup window looked at.
 *
 * The rules of overlap are those of the server's `service/worker/scheduler/buffer.go`, one per policy.
 */
import type { LedgerRun } from './ports.ts';
import { type Verdict, iso } from './verdict.ts';
import { formatDuration } from '../workflows/duration.ts';

export type Overlap = 'allow' | 'skip' | 'buffer-one' | 'buffer-all' | 'cancel' | 'terminate';

/** One time without a run, confirmed by exact id. */
export interface Missing {
  dueMs: number;
  /** A run of an earlier time that was open when this one was due. */
  running?: LedgerRun;
  /** A run of an earlier time that had not been started when this one was due, and was later. */
  waiting?: LedgerRun;
  /** No earlier time without a run had the same `running`. */
  firstUnder: boolean;
}

/** What follows a gap of times without a run; absent while the gap is open. */
export interface After {
  /** Due time that follows the one in question, with or without a run. */
  nextDueMs?: number;
  /** The run that ended the gap, and its due time. */
  run?: LedgerRun;
  runDueMs?: number;
  /** The last time of the gap that has no run. */
  gapEndMs?: number;
}

export interface Circumstances {
  overlap: Overlap;
  catchupMs: number;
  missedCatchup: number;
  bufferDropped: number;
  /** Starts that wait there now. */
  buffered: number;
  /** No scheduled run of it, as far as its cluster tells, came after this time. */
  tail: boolean;
  /** The scheduler lists the time among those still ahead of it. */
  ahead: boolean;
  specKnown: boolean;
  /** When the spec was last written, ms. */
  specWrittenMs?: number;
  /** A gap of one or two times among runs at the spec's times: the spec was in force there. */
  isolated: boolean;
  owner: string;
  nowMs: number;
  lateAfterMs: number;
  /** A V2 scheduler, and a spec with jitter. */
  jitteredV2: boolean;
  /** It is paused, and nothing tells which times are before the pause. */
  pausedUnknown: boolean;
}

export interface Explanation {
  verdict: Verdict;
  why: string;
}

/** A scheduler hears of the end of a run a moment after it. */
const NEWS_MS = 1_000;

export function wasOpen(run: LedgerRun, dueMs: number): boolean {
  return run.startMs <= dueMs && (run.closeMs === undefined || run.closeMs + NEWS_MS > dueMs);
}

/** Seen on server 1.32: its high-water mark moves to now at every wake-up that finds nothing to start. */
const V2_LOSES =
  'and a V2 scheduler that wakes for something else, such as the end of a run, while the jitter of a time is still ahead, loses it';

export function explain(missing: Missing, after: After, c: Circumstances): Explanation {
  return (
    byOverlap(missing, after, c) ??
    byCatchup(missing, after, c) ??
    unclear(missing, c) ?? {
      verdict: 'missed',
      why:
        `no run on any audited cluster, by list and by exact id, and nothing accounts for it` +
        (c.specKnown ? '' : '; the spec was written since, but the times around it ran') +
        '. A pause that was taken back since leaves no trace' +
        (c.jitteredV2 ? `; ${V2_LOSES}` : ''),
    }
  );
}

type Rule = (missing: Missing, after: After, c: Circumstances) => Explanation | undefined;

function byOverlap(missing: Missing, after: After, c: Circumstances): Explanation | undefined {
  return RULES[c.overlap](missing, after, c);
}

/** A run is open, and the scheduler says that something waits for it. */
function mayWait({ running }: Missing, c: Circumstances): boolean {
  return running !== undefined && running.closeMs === undefined && c.tail && c.buffered > 0;
}

function waits({ running, dueMs }: Missing, c: Circumstances): Explanation {
  const why = `${openRun(running, dueMs)}; ${NAMES[c.overlap]} starts it when that one ends, ${c.buffered} wait now`;
  return { verdict: 'buffered', why };
}

function skipped(why: string): Explanation {
  return { verdict: 'skipped-overlap', why };
}

/** Of the times that wait for the run to end, the last is started in place of the others. */
const replacing: Rule = (missing, { nextDueMs, run, runDueMs }, c) => {
  const { running, dueMs } = missing;
  if (mayWait(missing, c) && nextDueMs === undefined) return waits(missing, c);
  if (running && nextDueMs !== undefined && wasOpen(running, nextDueMs)) {
    const next = `it was so at ${iso(nextDueMs)} too: ${NAMES[c.overlap]} starts the last of those that wait`;
    return skipped(`${openRun(running, dueMs)}; ${next}`);
  }
  if (run && runDueMs !== undefined && run.startMs - runDueMs > NEWS_MS) {
    return skipped(`${lateRun(run)}; of those due meanwhile ${NAMES[c.overlap]} starts the last`);
  }
  return undefined;
};

const RULES: Record<Overlap, Rule> = {
  allow: () => undefined,
  skip: ({ running, waiting, dueMs }) => {
    if (running) return skipped(`${openRun(running, dueMs)}; SKIP leaves it out`);
    return waiting && skipped(`${lateRun(waiting)}; SKIP leaves out what fell due meanwhile`);
  },
  'buffer-one': (missing, _after, c) => {
    const { running, waiting, firstUnder, dueMs } = missing;
    if (waiting) return skipped(`${lateRun(waiting)}; BUFFER_ONE lets only one wait`);
    if (running && !firstUnder) {
      return skipped(`${openRun(running, dueMs)} and another time waited; BUFFER_ONE lets only one wait`);
    }
    return mayWait(missing, c) ? waits(missing, c) : undefined;
  },
  'buffer-all': (missing, _after, c) => (mayWait(missing, c) ? waits(missing, c) : undefined),
  cancel: replacing,
  terminate: replacing,
};

export const NAMES: Record<Overlap, string> = {
  allow: 'ALLOW_ALL',
  skip: 'SKIP',
  'buffer-one': 'BUFFER_ONE',
  'buffer-all': 'BUFFER_ALL',
  cancel: 'CANCEL_OTHER',
  terminate: 'TERMINATE_OTHER',
};

function openRun(run: LedgerRun | undefined, dueMs: number): string {
  if (!run) return 'an earlier run was open';
  const { workflowId, cluster, startMs, closeMs } = run;
  const until = closeMs === undefined ? 'still open' : `until ${iso(closeMs)}`;
  const heard =
    closeMs !== undefined && closeMs <= dueMs
      ? `, ${dueMs - closeMs} ms before it was due, which a scheduler hears a moment later`
      : '';
  return `${workflowId} was open on ${cluster} from ${iso(startMs)}, ${until}${heard}`;
}

function lateRun({ workflowId, cluster, startMs }: LedgerRun): string {
  return `${workflowId} was started on ${cluster} only at ${iso(startMs)}`;
}

/**
 * The scheduler was away, and came to this time later than its catchup window allows. It would have run what was within
 * the window when it came back: where such a time is missing too, it was something else, such as a pause.
 */
function byCatchup({ dueMs }: Missing, { run, gapEndMs }: After, c: Circumstances): Explanation | undefined {
  if (c.missedCatchup <= 0 || !run || run.startMs - (gapEndMs ?? dueMs) <= c.catchupMs) return undefined;
  return {
    verdict: 'skipped-catchup',
    why:
      `the scheduler went on at ${iso(run.startMs)}, later than its catchup window of ${formatDuration(c.catchupMs)} ` +
      `allows; it counts ${c.missedCatchup} such times in all`,
  };
}

function inconclusive(why: string): Explanation {
  return { verdict: 'inconclusive', why };
}

function unclear({ dueMs }: Missing, c: Circumstances): Explanation | undefined {
  if (c.ahead) return inconclusive(`the scheduler of ${c.owner} has not come to it yet: is it working?`);
  if (c.nowMs - dueMs < c.lateAfterMs) {
    return inconclusive(`it was due only ${formatDuration(c.nowMs - dueMs)} before this audit: it may still start`);
  }
  if (c.pausedUnknown) {
    return inconclusive(
      `it is paused on ${c.owner}; its last actions were all started by hand, so since when is not known`,
    );
  }
  if (c.bufferDropped > 0 && c.overlap !== 'allow') {
    return inconclusive(
      `${c.owner} counts ${c.bufferDropped} times dropped because too many waited, and does not tell which`,
    );
  }
  if (!c.specKnown && !c.isolated) {
    const when = c.specWrittenMs === undefined ? 'since' : `at ${iso(c.specWrittenMs)}`;
    return inconclusive(`the schedule was written ${when}: whether it had this time before is not known`);
  }
  return undefined;
}
