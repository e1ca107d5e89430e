/**
 * One schedule over a range: brings its due times and its runs together, asks for what the lists do not say, and has its
 * book make verdicts of it. Keeps a page of due times and the runs whose due time has not come up yet.
 */
import { durationMs, runId } from '../schedules/times.ts';
import { type Due, isAhead } from '../schedules/verdicts.ts';
import { Book, type Time, type TimeFacts } from './book.ts';
import { fold } from './chains.ts';
import { DueCursor, DueLookup, type NominalRange, nominalOf } from './dues.ts';
import type { Explanation } from './explain.ts';
import { DEFAULT_CATCHUP_MS, jitterOf, lastScheduledRun, overlapOf } from './evidence.ts';
import { type Candidate, match } from './match.ts';
import { type Ownership, type Tenure, ownership, specKnown, tenureAt } from './ownership.ts';
import type { AuditedCluster, Evidence, LedgerRun } from './ports.ts';
import { type Line, iso } from './verdict.ts';

export interface AuditOptions extends NominalRange {
  lateAfterMs: number;
  /** Read once, so that all schedules are judged at one moment. */
  nowMs: number;
  /** Runs in memory at a time. @default 10,000 */
  windowRuns?: number;
  /** Looked at between windows. */
  signal?: AbortSignal;
}

/** One tenure's due times, and what is known of them. */
interface Stretch {
  tenure: Tenure;
  cursor: DueCursor;
  /** Nominal times from here on are the next stretch's, whatever is due when, ms. */
  untilMs: number;
  facts: (dueMs: number, nominalMs: number | undefined) => TimeFacts;
}

export class ScheduleAudit {
  readonly id: string;
  readonly #clusters: Map<string, AuditedCluster>;
  readonly #evidence: Map<string, Evidence>;
  readonly #options: AuditOptions;
  readonly #ownership: Ownership;
  readonly #book: Book;
  readonly #stretches: Stretch[];
  readonly #lookups = new Map<string, DueLookup>();
  readonly #keepsMs: Map<string, number>;
  /** Times before are not judged: the schedule was not there. */
  readonly #createdMs: number;
  /** The last time its clusters know to have run; undefined where nobody needs to know. */
  readonly #lastRanMs: number | undefined;
  /** Runs whose due time has not come up yet. */
  #runs: LedgerRun[] = [];
  #askedBefore = false;
  #foundById = 0;

  private constructor(
    clusters: AuditedCluster[],
    id: string,
    evidence: Evidence[],
    lastRanMs: number | undefined,
    options: AuditOptions,
    keepsMs: Map<string, number>,
    emit: (line: Line) => void,
  ) {
    this.id = id;
    this.#clusters = new Map(clusters.map((cluster) => [cluster.profile, cluster]));
    this.#evidence = new Map(evidence.map((side) => [side.cluster, side]));
    this.#options = options;
    this.#keepsMs = keepsMs;
    this.#ownership = ownership(evidence);
    this.#lastRanMs = lastRanMs;
    this.#createdMs = Math.min(...evidence.map(({ createdMs }) => createdMs ?? -Infinity));
    const tracksOpen = evidence.some((side) => overlapOf(side) !== 'allow');
    this.#book = new Book(id, this.#ownership, tracksOpen, emit);
    const known = specKnown(this.#ownership);
    this.#stretches = this.#ownership.tenures.map((tenure, i) => {
      const isLast = i === this.#ownership.tenures.length - 1;
      const fromMs = Math.max(options.fromMs, tenure.fromMs, Math.ceil(this.#createdMs / 1000) * 1000);
      const range = { fromMs, untilMs: Math.min(options.untilMs, tenure.untilMs) };
      const source = this.#clusters.get(tenure.side.cluster);
      if (!source) throw new Error(`${tenure.side.cluster} is not audited`);
      return {
        tenure,
        cursor: new DueCursor(source, id, range, jitterOf(tenure.side)),
        untilMs: range.untilMs,
        facts: (dueMs, nominalMs) => this.#facts(tenure.side, isLast, known, dueMs, nominalMs),
      };
    });
  }

  /** Undefined where no cluster has it any more. */
  static async open(
    clusters: AuditedCluster[],
    id: string,
    options: AuditOptions,
    keepsMs: Map<string, number>,
    emit: (line: Line) => void,
  ): Promise<ScheduleAudit | undefined> {
    const evidence = (await Promise.all(clusters.map((cluster) => cluster.describe(id)))).filter(
      (side) => side !== undefined,
    );
    if (evidence.length === 0) return undefined;
    const last = await lastScheduledRun(clusters, id, evidence);
    return new ScheduleAudit(clusters, id, evidence, last, options, keepsMs, emit);
  }

  /** `runs`: all for nominal times before `untilMs` that have not been given yet, ascending. */
  async window(untilMs: number, runs: LedgerRun[]): Promise<void> {
    for (const run of runs) this.#runs.push(run);
    for (const stretch of this.#stretches) {
      const { cursor } = stretch;
      for (;;) {
        if (cursor.hungry) await cursor.load();
        const due = cursor.take(untilMs);
        if (!due) break;
        await this.#time(stretch, due);
      }
      if (!cursor.done) break;
    }
  }

  /** Due times may lie after the range by their jitter. */
  async end(): Promise<void> {
    await this.window(Infinity, []);
    for (const run of this.#runs) this.#stray(run);
    this.#runs = [];
    this.#book.end();
  }

  /** Sentences, and how often. */
  notes(): [string, number][] {
    const notes = this.#ownership.notes.map((note): [string, number] => [`schedule ${this.id}: ${note}`, 1]);
    for (const [cluster, runs] of this.#book.earlier) {
      notes.push([
        `runs on ${cluster} from before the hand-over their schedule records: taken for an earlier move's`,
        runs,
      ]);
    }
    if (this.#foundById > 0)
      notes.push(['runs that lists did not show were found by id: visibility lags', this.#foundById]);
    return notes;
  }

  async #time(stretch: Stretch, due: Due): Promise<void> {
    const side = stretch.tenure.side;
    const jitterMs = jitterOf(side);
    while (this.#runs[0] && this.#runs[0].nominalMs <= due.afterMs) this.#stray(this.#runs.shift());
    const here: LedgerRun[] = [];
    const last = Math.min(due.dueMs, stretch.untilMs - 1);
    for (let run = this.#runs[0]; run && run.nominalMs <= last; run = this.#runs[0]) {
      here.push(run);
      this.#runs.shift();
    }
    const candidates: Candidate[] = [];
    for (const run of here) candidates.push({ run, dueMs: await this.#dueOf(run, side, due) });
    let nominalMs = jitterMs === 0 ? due.dueMs : undefined;
    let found = match(due, jitterMs, candidates, nominalMs);
    if (found === 'ask') {
      nominalMs = await nominalOf(this.#source(side), this.id, due, jitterMs);
      found = match(due, jitterMs, candidates, nominalMs);
    }
    if (found === 'ask') throw new Error('a nominal time that is known was asked for again');
    for (const run of found.manual) this.#book.manual(run);
    await this.#judge(stretch, due, found.matched, nominalMs);
  }

  async #judge({ tenure, facts }: Stretch, due: Due, matched: Candidate[], known: number | undefined): Promise<void> {
    const { side } = tenure;
    let nominalMs = known ?? matched[0]?.run.nominalMs;
    const time = (): Time => ({ dueMs: due.dueMs, nominalMs, facts: facts(due.dueMs, nominalMs) });
    const late = matched.some(({ run, dueMs }) => run.startMs - dueMs > this.#options.lateAfterMs);
    if (matched.length > 0) {
      if (late) await this.#askBefore(due.dueMs);
      return this.#book.ran(time(), matched);
    }
    const excuse = this.#excuse(side, due.dueMs);
    if (excuse) return this.#book.excused(time(), excuse);
    nominalMs ??= await nominalOf(this.#source(side), this.id, due, jitterOf(side));
    const byId = await this.#findById(nominalMs, side, due);
    if (byId.length > 0) return this.#book.ran(time(), byId);
    await this.#askBefore(due.dueMs);
    this.#book.missing(time());
  }

  /** What accounts for a time without a run whatever the runs around it, and without asking for it by id. */
  #excuse(side: Evidence, dueMs: number): Explanation | undefined {
    const { nowMs } = this.#options;
    const keeps = this.#keepsMs.get(side.cluster) ?? Infinity;
    if (dueMs < nowMs - keeps) {
      return {
        verdict: 'inconclusive',
        why: `it is older than the retention of ${side.cluster}: a run that has closed is gone from there`,
      };
    }
    const last = this.#lastRanMs;
    if (last === undefined || dueMs <= last) return undefined;
    const owner = this.#ownership.tenures.at(-1)?.side ?? side;
    const since =
      last === -Infinity ? 'it has no scheduled run on record' : `its last scheduled run was due ${iso(last)}`;
    if (this.#ownership.userPaused) {
      const why = `paused on ${owner.cluster}; since when is not recorded, and ${since}: the whole time since is consistent with it`;
      return { verdict: 'user-paused', why };
    }
    return { verdict: 'limit-reached', why: `no action is left to it on ${owner.cluster}, and ${since}` };
  }

  #facts(
    side: Evidence,
    isLast: boolean,
    known: (nominalMs: number) => boolean,
    dueMs: number,
    nominalMs: number | undefined,
  ): TimeFacts {
    const { nowMs, lateAfterMs } = this.#options;
    return {
      overlap: overlapOf(side),
      catchupMs: durationMs(side.schedule.policies?.catchupWindow) || DEFAULT_CATCHUP_MS,
      missedCatchup: side.counters.missedCatchup,
      bufferDropped: side.counters.bufferDropped,
      buffered: side.buffered,
      tail: isLast && !side.recent.some((action) => action.dueMs > dueMs),
      ahead: isLast && dueMs <= nowMs && isAhead({ dueMs, afterMs: 0 }, side.futureMs),
      specKnown: known(nominalMs ?? dueMs),
      specWrittenMs: side.updatedMs ?? side.createdMs,
      owner: side.cluster,
      nowMs,
      lateAfterMs,
      jitteredV2: side.engine === 'v2' && jitterOf(side) > 0,
      pausedUnknown: this.#ownership.userPaused && this.#lastRanMs === undefined,
    };
  }

  /** A run outside of every time that is judged. */
  #stray(run: LedgerRun | undefined): void {
    if (!run) return;
    if (run.nominalMs < this.#createdMs - 1000) {
      this.#book.unjudged(run, 'it ran before this schedule was created: for an earlier one with this id');
    } else if (!tenureAt(this.#ownership, run.nominalMs)) {
      this.#book.unjudged(run, 'which cluster owned the schedule then, and with which times, is not known');
    } else {
      this.#book.manual(run);
    }
  }

  /** Strongly consistent, on every cluster: what is not found is not there. */
  async #findById(nominalMs: number, side: Evidence, due: Due): Promise<Candidate[]> {
    const base = side.schedule.action?.startWorkflow?.workflowId;
    if (!base) return [];
    const workflowId = runId(base, nominalMs);
    const found: Candidate[] = [];
    for (const [name, cluster] of this.#clusters) {
      const run = await cluster.findRun(workflowId);
      if (!run) continue;
      const whole = { ...run, cluster: name, schedule: this.id, workflowId, nominalMs };
      found.push({ run: whole, dueMs: await this.#dueOf(whole, side, due) });
    }
    this.#foundById += found.length;
    return found;
  }

  /** Once a schedule, and only when something is missing or late: which runs from before the range were open. */
  async #askBefore(dueMs: number): Promise<void> {
    const { fromMs } = this.#options;
    if (this.#askedBefore || dueMs - fromMs < 0) return;
    this.#askedBefore = true;
    const evidence = [...this.#evidence.values()];
    if (evidence.every((side) => overlapOf(side) === 'allow')) return;
    const clusters = [...this.#clusters.values()];
    const open = await Promise.all(clusters.map((cluster) => cluster.openAt(this.id, fromMs)));
    this.#book.openBefore((await fold(clusters, open.flat())).get(this.id) ?? []);
  }

  async #dueOf(run: LedgerRun, side: Evidence, due: Due): Promise<number> {
    if (run.cluster === side.cluster) return due.dueMs;
    const own = this.#evidence.get(run.cluster);
    const jitterMs = own ? jitterOf(own) : 0;
    if (jitterMs === 0) return run.nominalMs;
    let lookup = this.#lookups.get(run.cluster);
    if (!lookup && own) {
      lookup = new DueLookup(this.#source(own), this.id, this.#options.untilMs, jitterMs);
      this.#lookups.set(run.cluster, lookup);
    }
    // A bound of ours may hide the time there: then it was due by then at the latest.
    return (await lookup?.of(run.nominalMs)) ?? run.nominalMs + jitterMs;
  }

  #source({ cluster }: Evidence): AuditedCluster {
    const source = this.#clusters.get(cluster);
    if (!source) throw new Error(`${cluster} is not audited`);
    return source;
  }
}
