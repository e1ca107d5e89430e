/**
 * Asking a scheduler to run what a write dropped, so that its overlap policy knows the runs. The request is not
 * idempotent on V2, and behind an open run its effect shows much later: what was asked is kept in the note of the other
 * side, where a crash leaves it.
 */
import { ChangedMeanwhile, change, reread } from './change.ts';
import { type Asked, type Mark, readNote, standbyMark, writeNote } from './note.ts';
import { IN_ORDER, type Missing, endsOpenRuns, policyOf } from './overlap.ts';
import type { BackfillRange, Described, ScheduleCluster, Time } from './ports.ts';
import { untilQuiet } from './quiet.ts';
import { standby } from './shapes.ts';
import { isoSeconds, runId } from './times.ts';

/** Longer than a request can be under way after its deadline. */
const UNDER_WAY_MS = 25_000;
/** A buffer that stays full for this long behind an open run tells nothing of what is in it. */
const BUFFER_LIMIT_MS = 60_000;
const MAX_REQUESTS = 3;

/** `asked`: its scheduler has taken the request. `unproven`: asked, and nothing shows yet whether it has. */
export type Answer = 'asked' | 'unproven';

interface Request extends Asked {
  /** Its scheduler has it. */
  taken: boolean;
}

export class Asking {
  readonly #cluster: ScheduleCluster;
  readonly #other: ScheduleCluster;
  readonly #time: Time;
  readonly #id: string;
  readonly #by: string;
  /** Every decision of this handover, and those earlier ones have left in the note. */
  #requests: Request[] = [];
  /** Left out by the policy: decided later, with other runs in sight, it could turn out otherwise. */
  readonly #leftOut = new Set<number>();
  /** The same, with those that never arrived: what else the note says is somebody else's. */
  readonly #known = new Set<string>();
  #loaded = false;
  /** Whether the other side's note says that this one is to be proven. */
  #owed = false;

  /** `other`: the side whose note remembers. */
  constructor(cluster: ScheduleCluster, other: ScheduleCluster, time: Time, id: string, by: string) {
    this.#cluster = cluster;
    this.#other = other;
    this.#time = time;
    this.#id = id;
    this.#by = by;
  }

  /** Whether it was decided earlier what becomes of a time nobody has run, and the scheduler has taken the request. */
  async decided(nominalMs: number, base: string): Promise<boolean> {
    if (this.#leftOut.has(nominalMs)) return true;
    const request = await this.#covering(nominalMs);
    if (!request) return false;
    request.taken ||= (await this.#cluster.describeRun(runId(base, request.first))) !== undefined;
    return request.taken;
  }

  /** Of those nobody has run, the ones that nobody has asked for either; undefined while that cannot be told. */
  async notAskedFor(missing: Missing[]): Promise<Missing[] | undefined> {
    if (!(await this.untilArrived())) return undefined;
    return missing.filter(({ nominalMs }) => !this.#requests.some((request) => covers(request, nominalMs)));
  }

  leaveOut(missing: Missing[]): void {
    for (const { nominalMs } of missing) this.#leftOut.add(nominalMs);
  }

  /**
   * `run`, ascending, are those of `missing` to be run. Nobody has run any of them, nor asked for them. `shutUntil`: only
   * if it still is a paused copy, and the other side's fence stands at this boundary. Both are written, the fence first: who
   * moves or takes it down writes the copy first, so only one of the two gets through.
   */
  async ask(run: Missing[], missing: Missing[], shutUntil: number | undefined): Promise<Answer> {
    const [first] = run;
    const [from, last] = [missing[0], missing.at(-1)];
    if (!first || !from || !last) return 'asked';
    let before = await reread(this.#cluster, this.#id);
    // One alone makes room for itself, as it would have; of several at once that would leave the last.
    const policy = run.length === 1 && endsOpenRuns(before) ? policyOf(before.schedule) : IN_ORDER;
    const request = { from: from.nominalMs, last: last.nominalMs, first: first.nominalMs, taken: false };
    before = await this.#note(before, request, shutUntil);
    await untilQuiet(this.#cluster, this.#time, before);
    for (let tried = 0; tried < MAX_REQUESTS; tried++) {
      const requestId = `ferry/${isoSeconds(first.nominalMs)}/${isoSeconds(last.nominalMs)}/${this.#time.now()}`;
      const answer = await this.#cluster.backfill(this.#id, rangesOf(run), policy, requestId);
      // That it shows is waited for: the next write must not meet it. A V1 scheduler has it only then, for another request
      // that comes right behind takes its place.
      const fate = await this.#fate(first.nominalMs, answer === 'accepted' ? before : undefined);
      request.taken = fate === 'taken' || fate === 'waits' || (answer === 'accepted' && before.engine === 'v2');
      if (request.taken) return 'asked';
      if (fate !== 'lost') return 'unproven';
    }
    return 'unproven';
  }

  /**
   * The same for times that are started by id on a paused copy, each by itself, `lastMs` the last of them: nothing is
   * remembered of these but that the fence must not move any more.
   */
  async claim(boundary: number, lastMs: number): Promise<void> {
    const before = await reread(this.#cluster, this.#id);
    await this.#note(before, { from: boundary, last: boundary - 1000, first: lastMs, taken: true }, boundary);
  }

  async #note(before: Described, request: Request, shutUntil: number | undefined): Promise<Described> {
    const requests = [...this.#requests, request];
    await this.#remember(requests, shutUntil);
    const after = shutUntil === undefined ? before : await this.#rememberHere(before, requests);
    this.#requests.push(request);
    this.#known.add(nameOf(request));
    return after;
  }

  /** Last nominal time that was asked for, ms; 0: none. */
  async lastMs(): Promise<number> {
    await this.#load();
    return Math.max(0, ...this.#requests.flatMap(({ last, first }) => [last, first]));
  }

  /** Until every request that may still be under way has arrived, or never will. False while that cannot be told. */
  async untilArrived(): Promise<boolean> {
    await this.#load();
    for (const request of this.#requests) {
      if (request.taken) continue;
      const fate = await this.#fate(request.first);
      if (fate === 'unclear') return false;
      if (fate !== 'lost') request.taken = true;
      else this.#requests = this.#requests.filter((one) => one !== request);
    }
    return true;
  }

  /**
   * What became of a request, by the run it begins with: that begins at once, unless another is open. `lost`: it does not
   * wait in the buffer either. `waits`: the buffer has grown since `acknowledged`, and not by a start of the scheduler's own.
   */
  async #fate(firstMs: number, acknowledged?: Described): Promise<'taken' | 'waits' | 'lost' | 'unclear'> {
    const from = this.#time.now();
    let seen = acknowledged;
    for (let wait = 50; ; wait = Math.min(wait * 2, 1_000)) {
      await this.#time.sleep(wait);
      const described = await reread(this.#cluster, this.#id);
      const base = described.schedule.action?.startWorkflow?.workflowId ?? '';
      // The buffer was read first: what has left it since is found.
      if (await this.#cluster.describeRun(runId(base, firstMs))) return 'taken';
      if (seen && described.buffered > seen.buffered && described.futureMs[0] === seen.futureMs[0]) return 'waits';
      seen &&= described;
      const waited = this.#time.now() - from;
      if (waited > UNDER_WAY_MS && described.buffered === 0) return 'lost';
      if (waited > (acknowledged?.engine === 'v2' ? UNDER_WAY_MS : BUFFER_LIMIT_MS)) return 'unclear';
    }
  }

  /** Reads the note: whether another attempt has asked for runs since it was read last. */
  async news(read?: { there: Described; here: Described }): Promise<boolean> {
    const there = read?.there ?? (await this.#other.describe(this.#id));
    const here = read?.here ?? (await this.#cluster.describe(this.#id));
    const { mark } = readNote(there?.schedule.state?.notes);
    this.#stillOwed(mark);
    let news = false;
    for (const one of [...(standbyMark(here)?.askedHere ?? []), ...(mark?.asked ?? [])]) {
      if (this.#known.has(nameOf(one))) continue;
      this.#requests.push({ ...one, taken: one.last < one.from });
      this.#known.add(nameOf(one));
      news = true;
    }
    this.#loaded = true;
    return news;
  }

  /** This attempt has: its note tells nothing of the requests any more. */
  proven(): void {
    this.#owed = false;
  }

  /** Once another attempt has proven the side that runs, what it has asked for is not in the note any more. */
  #stillOwed(mark: Mark | undefined): void {
    const owed = mark?.kind === 'standby' && mark.settle !== undefined;
    const proven = this.#owed && !owed;
    this.#owed = owed;
    if (proven) throw new ChangedMeanwhile(this.#other.profile, this.#id, 'another attempt has proven it');
  }

  async #load(): Promise<void> {
    if (!this.#loaded) await this.news();
  }

  async #covering(nominalMs: number): Promise<Request | undefined> {
    await this.#load();
    return this.#requests.findLast((request) => covers(request, nominalMs));
  }

  /** A paused copy may be asked only if it still is one; written once more, it makes an opening that is under way fail. */
  async #rememberHere(before: Described, askedHere: Asked[]): Promise<Described> {
    const mark = standbyMark(before);
    if (!mark) {
      throw new ChangedMeanwhile(this.#cluster.profile, this.#id, 'it is no paused copy any more');
    }
    const shut = standby(before.schedule, { ...mark, askedHere, by: this.#by });
    return this.#knows(await change(this.#cluster, this.#time, this.#id, before, shut, { always: true }));
  }

  /** `boundary`: of the fence that has to stand there still. */
  async #remember(requests: Asked[], boundary: number | undefined): Promise<void> {
    const described = await reread(this.#other, this.#id);
    const { mark, user } = readNote(described.schedule.state?.notes);
    if (boundary !== undefined && (mark?.kind !== 'fence' || mark.boundary !== boundary)) {
      throw new ChangedMeanwhile(this.#other.profile, this.#id, 'its fence does not stand as it did');
    }
    this.#stillOwed(mark);
    // Somebody else wrote it: the request is theirs.
    if (!mark || mark.asked?.some((one) => !this.#known.has(nameOf(one)))) {
      throw new ChangedMeanwhile(this.#other.profile, this.#id, 'another attempt asks for its runs');
    }
    const notes = writeNote({ ...mark, asked: requests, by: this.#by }, user);
    const { schedule } = described;
    const noted = { ...schedule, state: { ...schedule.state, notes } };
    this.#knows(await change(this.#other, this.#time, this.#id, described, noted));
  }

  /** A note tells the oldest as one. */
  #knows(written: Described): Described {
    const { mark } = readNote(written.schedule.state?.notes);
    for (const one of [...(standbyMark(written)?.askedHere ?? []), ...(mark?.asked ?? [])])
      this.#known.add(nameOf(one));
    return written;
  }
}

function nameOf({ from, last, first }: Asked): string {
  return [from, last, first].join('~');
}

function covers({ from, last }: Asked, nominalMs: number): boolean {
  return nominalMs >= from && nominalMs <= last;
}

/**
 * A backfill looks at nominal times from its start and at due times up to its end. Neighbours share one: a V2 scheduler
 * takes a hundred at a time.
 */
function rangesOf(missing: Missing[]): BackfillRange[] {
  const ranges: BackfillRange[] = [];
  for (const { due, nominalMs } of missing) {
    const last = ranges.at(-1);
    if (last?.toMs === due.afterMs) last.toMs = due.dueMs;
    else ranges.push({ fromMs: nominalMs, toMs: due.dueMs });
  }
  return ranges;
}
