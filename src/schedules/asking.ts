/**
 * Asking a scheduler to run what a write dropped, so that its overlap policy knows the runs. The request is not
 * idempotent on V2, and behind an open run its effect shows much later: what was asked is kept in the note of the other
 * side, where a crash leaves it.
 */
import { untilQuietMoment } from './boundary.ts';
import { ChangedMeanwhile, change, reread } from './change.ts';
import { type Asked, readNote, writeNote } from './note.ts';
import { IN_ORDER, type Missing } from './overlap.ts';
import type { BackfillRange, Described, ScheduleCluster, Time } from './ports.ts';
import { isoSeconds, runId } from './times.ts';

/** Longer than a request can be under way after its deadline. */
const EVIDENCE_LIMIT_MS = 25_000;

/** `asked`: the first has started, or they wait behind an open run. `unproven`: asked before, and nothing shows it. */
export type Answer = 'asked' | 'unproven';

export class Asking {
  readonly #cluster: ScheduleCluster;
  readonly #other: ScheduleCluster;
  readonly #time: Time;
  readonly #id: string;
  /** Every decision of this handover, and what an earlier one has left in the note. */
  readonly #asked: (Asked & { taken: boolean })[] = [];
  /** Left out by the policy: decided later, with other runs in sight, it could turn out otherwise. */
  readonly #leftOut = new Set<number>();
  #loaded = false;

  /** `other`: the side whose note remembers. */
  constructor(cluster: ScheduleCluster, other: ScheduleCluster, time: Time, id: string) {
    this.#cluster = cluster;
    this.#other = other;
    this.#time = time;
    this.#id = id;
  }

  /** Whether it was decided earlier what becomes of a time nobody has run, and the scheduler has taken the request. */
  async decided(nominalMs: number, base: string): Promise<boolean> {
    if (this.#leftOut.has(nominalMs)) return true;
    const asked = await this.#covering(nominalMs);
    if (!asked) return false;
    asked.taken ||= (await this.#cluster.describeRun(runId(base, asked.first))) !== undefined;
    return asked.taken;
  }

  leaveOut(missing: Missing[]): void {
    for (const { nominalMs } of missing) this.#leftOut.add(nominalMs);
  }

  /**
   * `run`, ascending, are those of `missing` to be run. Nobody has run any of them. `always` remembered: what follows must
   * not take these times for anybody else's.
   */
  async ask(run: Missing[], missing: Missing[], always: boolean): Promise<Answer> {
    const [first] = run;
    const [from, last] = [missing[0], missing.at(-1)];
    if (!first || !from || !last) return 'asked';
    let before = await reread(this.#cluster, this.#id);
    if (await this.#covering(first.nominalMs)) {
      // Another attempt has asked, or was about to. Behind an open run nothing would show it.
      if (isBusy(before)) return 'unproven';
      if ((await this.#evidence(first, before)) === 'asked') return 'asked';
      before = await reread(this.#cluster, this.#id);
      if (isBusy(before)) return 'unproven';
    }
    const request = { from: from.nominalMs, last: last.nominalMs, first: first.nominalMs };
    // A V1 scheduler takes a request once by its id; that is not remembered for a single time it can start at once.
    const once = !always && before.engine === 'v1' && !isBusy(before) && run.length === 1;
    if (!once) await this.#remember(request);
    const entry = { ...request, taken: false };
    this.#asked.push(entry);
    const loud = untilQuietMoment(before, this.#time.now());
    if (loud > 0) await this.#time.sleep(loud);
    const minute = Math.floor(this.#time.now() / 60_000);
    const requestId = `ferry/${isoSeconds(first.nominalMs)}/${isoSeconds(last.nominalMs)}/${minute}`;
    await this.#cluster.backfill(this.#id, rangesOf(run), IN_ORDER, requestId);
    const answer = await this.#evidence(first, before);
    entry.taken = answer === 'asked';
    return answer;
  }

  /** Until a request that may still be under way has arrived, or never will. */
  async untilArrived(): Promise<void> {
    await this.#load();
    for (const { first: nominalMs, taken } of this.#asked) {
      if (taken) continue;
      const described = await reread(this.#cluster, this.#id);
      await this.#evidence({ nominalMs, due: { dueMs: nominalMs, afterMs: nominalMs } }, described);
    }
  }

  async #evidence(first: Missing, before: Described): Promise<Answer> {
    const firstId = runId(before.schedule.action?.startWorkflow?.workflowId ?? '', first.nominalMs);
    const deadline = this.#time.now() + EVIDENCE_LIMIT_MS;
    for (let wait = 50; this.#time.now() < deadline; wait = Math.min(wait * 2, 1_000)) {
      await this.#time.sleep(wait);
      if (await this.#cluster.describeRun(firstId)) return 'asked';
      if ((await reread(this.#cluster, this.#id)).buffered > before.buffered) return 'asked';
    }
    return 'unproven';
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    const described = await this.#other.describe(this.#id);
    const asked = readNote(described?.schedule.state?.notes).mark?.asked;
    if (asked) this.#asked.push({ ...asked, taken: false });
    this.#loaded = true;
  }

  async #covering(nominalMs: number): Promise<(Asked & { taken: boolean }) | undefined> {
    await this.#load();
    return this.#asked.findLast((asked) => covers(asked, nominalMs));
  }

  /** One note holds all decisions as one range; the last request tells whether the scheduler has taken them. */
  async #remember(request: Asked): Promise<void> {
    const described = await this.#other.describe(this.#id);
    const { mark, user } = readNote(described?.schedule.state?.notes);
    if (!described || !mark) return;
    // Somebody else wrote the same: the request is theirs.
    if (mark.asked && covers(mark.asked, request.first) && !this.#asked.some((known) => covers(known, request.first))) {
      throw new ChangedMeanwhile(this.#other.profile, this.#id, 'another attempt asks for the same run');
    }
    const all = [...this.#asked, request];
    const [from, last] = [Math.min(...all.map((r) => r.from)), Math.max(...all.map((r) => r.last))];
    const notes = writeNote({ ...mark, asked: { from, last, first: request.first } }, user);
    const { schedule } = described;
    await change(this.#other, this.#time, this.#id, described, { ...schedule, state: { ...schedule.state, notes } });
  }
}

function covers({ from, last }: Asked, nominalMs: number): boolean {
  return nominalMs >= from && nominalMs <= last;
}

/** A run of it is open, or waits: what it is asked for now starts later. */
function isBusy({ buffered, running }: Described): boolean {
  return buffered > 0 || running.length > 0;
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
