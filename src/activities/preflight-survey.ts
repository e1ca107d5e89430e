/** What the schedules of a tenant need, gathered one by one, and what will be done to each. */
import type { ReasonCode } from '../reasons.ts';
import { isUserAttribute } from '../schedules/canonical.ts';
import { chooseCrossing, mustBeIdle } from '../schedules/boundary.ts';
import { endsOpenRuns } from '../schedules/overlap.ts';
import { noteFits, readNote } from '../schedules/note.ts';
import { situation } from '../schedules/pair.ts';
import type { Described, Engine } from '../schedules/ports.ts';
import type { Schedule } from '../schedules/times.ts';
import { DEFAULT_HANDOVER } from './deps.ts';
import type { ClusterFacts, Crossing, PreflightReport, Reason, ScheduleWrite } from './types.ts';

interface Seen {
  source: Schedule;
  write: ScheduleWrite;
  /** What the crossing may meet. */
  crossing: string[];
  /** It has run on the source: then something stays behind. */
  ran: boolean;
  quiet: boolean;
  /** Owned by the target already. */
  there: boolean;
}

const QUIET_RPCS = 11;
const FENCED_RPCS = 23;
/** Looked at on both sides by copy, verify and cut-over. */
const THERE_RPCS = 6;

export class Survey {
  readonly blockers: Reason[] = [];
  /** Search attribute → one schedule that uses it. */
  readonly attributes = new Map<string, string>();
  /** Task queue → what starts workflows on it, as a sentence. */
  readonly queues = new Map<string, string>();
  readonly counts: PreflightReport['schedules'] = { total: 0, paused: 0, active: 0 };
  readonly #input: Crossing;
  readonly #seen = new Map<string, Seen>();
  readonly #engines = { source: new Set<Engine>(), target: new Set<Engine>() };

  constructor(input: Crossing) {
    this.#input = input;
  }

  has(id: string): boolean {
    return this.#seen.has(id);
  }

  see(id: string, source: Described): void {
    const { from, to, migration } = this.#input;
    const { mark, user } = readNote(source.schedule.state?.notes);
    const there = mark?.kind === 'standby' && mark.owner === to;
    const paused = Boolean(source.schedule.state?.paused) && !there;
    this.counts.total++;
    this.counts[paused ? 'paused' : 'active']++;
    this.#engines.source.add(source.engine);
    const object = `schedule ${id} on ${from}`;
    const action = source.schedule.action?.startWorkflow;
    if (!action)
      this.#block(object, 'action-unknown', 'its action starts no workflow', 'leave it out of the selection');
    if (!there && !noteFits(user, migration, to)) {
      const found = `its note of ${Buffer.byteLength(user)} bytes leaves no room for the handover's mark (1000 bytes in all)`;
      this.#block(object, 'note-too-long', found, 'shorten the note to about 700 bytes');
    }
    for (const name of [
      ...Object.keys(source.searchAttributes?.indexedFields ?? {}),
      ...Object.keys(action?.searchAttributes?.indexedFields ?? {}),
    ]) {
      if (isUserAttribute(name) && !this.attributes.has(name)) this.attributes.set(name, id);
    }
    const queue = action?.taskQueue?.name;
    if (queue) this.needs(queue, `schedule ${id} starts workflows on it`);
    const quiet = chooseCrossing(source, Date.now(), DEFAULT_HANDOVER.leadMs).kind === 'quiet';
    // What cannot be carried across matters before a crossing, not after it.
    const crossing = there ? [] : crossingWarnings(source, from, to);
    const ran = !there && source.recent.length > 0;
    const warnings = [...crossing, ...(ran ? leftBehind(to) : [])];
    const write = { schedule: id, writes: this.#writes(quiet, paused, there), warnings };
    this.#seen.set(id, { write, crossing, ran, quiet, there, source: ownershipOf(source.schedule) });
  }

  /** The target's workers must poll the queue; the first reason is told. */
  needs(queue: string, why: string): void {
    if (!this.queues.has(queue)) this.queues.set(queue, why);
  }

  /** Our own paused copy is there; with a boundary it has run there before, and was taken back. */
  copied(id: string, { boundary }: { boundary?: number }): void {
    const seen = this.#seen.get(id);
    if (!seen || seen.there) return;
    const { from, to } = this.#input;
    seen.write.writes[0] = `${to}: bring the paused copy up to date if it has drifted`;
    if (seen.ran && boundary !== undefined) seen.write.warnings = [...seen.crossing, ...leftFromBefore(from, to)];
  }

  seeTarget(id: string, target: Described): void {
    const seen = this.#seen.get(id);
    this.#engines.target.add(target.engine);
    if (!seen) return;
    const { from, to } = this.#input;
    const at = situation(seen.source, target.schedule, { from, to });
    if (at.kind === 'foreign') {
      this.#block(
        `schedule ${id} on ${to}`,
        'id-taken',
        at.why,
        'delete or rename it there, or leave this one out of the selection',
      );
    } else this.copied(id, readNote(target.schedule.state?.notes).mark ?? {});
  }

  /** Nothing to move is a reason too. `routed`: its workflows start on the target already, or do not move. */
  concludeSelection(blockers: Reason[], { resuming, routed }: { resuming: boolean; routed: boolean }): void {
    const { tenant, from, to, selection } = this.#input;
    if ('none' in selection) return;
    const selected = 'query' in selection ? `query ${selection.query}` : JSON.stringify(selection);
    const object = `tenant ${tenant}`;
    if (this.counts.total === 0) {
      const remedy =
        `check \`schedules\` in the input: a visibility query, {"prefix": "…"} or {"all": true}; ` +
        `"none" where only workflows on demand move`;
      blockers.push({ object, code: 'nothing-selected', found: `no schedule on ${from} matches ${selected}`, remedy });
    } else if (!resuming && routed && [...this.#seen.values()].every(({ there }) => there)) {
      const remedy = `nothing to do; to move it back start MigrateTenant with from "${to}" and to "${from}"`;
      blockers.push({
        object,
        code: 'already-on-target',
        found: `all its ${this.counts.total} schedules run on ${to} already`,
        remedy,
      });
    }
  }

  engineOf(side: 'source' | 'target'): ClusterFacts['engine'] {
    const [first, ...others] = this.#engines[side];
    return others.length > 0 ? 'mixed' : (first ?? 'unknown');
  }

  plan(): ScheduleWrite[] {
    return [...this.#seen.values()].map(({ write }) => write).toSorted((a, b) => (a.schedule < b.schedule ? -1 : 1));
  }

  rpcEstimate(): number {
    return [...this.#seen.values()].reduce((sum, seen) => sum + rpcsFor(seen), 0);
  }

  #writes(quiet: boolean, paused: boolean, there: boolean): string[] {
    const { from, to } = this.#input;
    if (there) return [];
    const create = `${to}: create a paused copy`;
    if (paused)
      return [
        create,
        `${from}: mark as paused copy`,
        `${to}: take over, still paused by its user, with the user's note`,
      ];
    if (quiet) return [create, `${from}: pause, note the new owner`, `${to}: unpause, with the user's note`];
    return [
      create,
      `${from}: set end_time right before the boundary`,
      `${to}: unpause with start_time at the boundary`,
      `${to}: take start_time off again`,
      `${from}: restore end_time, pause, note the new owner`,
    ];
  }

  #block(object: string, code: ReasonCode, found: string, remedy: string): void {
    this.blockers.push({ object, code, found, remedy });
  }
}

function rpcsFor({ there, quiet }: Seen): number {
  if (there) return THERE_RPCS;
  return quiet ? QUIET_RPCS : FENCED_RPCS;
}

/** Just what `situation` looks at: payloads of 30,000 schedules are not kept. */
function ownershipOf({ spec, state }: Schedule): Schedule {
  return {
    spec: { startTime: spec?.startTime, endTime: spec?.endTime },
    state: { paused: state?.paused, notes: state?.notes },
  };
}

/** What the crossing itself may meet, what is done then, and what its owner can do about it. */
function crossingWarnings(source: Described, from: string, to: string): string[] {
  const warnings: string[] = [];
  const { state } = source.schedule;
  if (state?.limitedActions) warnings.push(`${source.remaining} remaining actions move by value at the boundary`);
  if (source.buffered > 0) {
    const starts = `${source.buffered} buffered ${source.buffered === 1 ? 'start' : 'starts'}`;
    warnings.push(
      `${starts} cannot be moved: ${from} runs them before ${to} takes over, within openRunLimit; set that to what they take`,
    );
  }
  if (mustBeIdle(source) && source.running.length > 0) warnings.push(openRunSentence(source, from, to));
  return warnings;
}

/** What the public API cannot carry across. */
function leftBehind(to: string): string[] {
  return [
    `its last completion result and failure cannot be moved: the first run on ${to} sees neither; where it needs them, ` +
      `let it read its state elsewhere`,
    `its counters (actions, skipped, missed, buffer) start anew on ${to}; note them before, if they are looked at`,
  ];
}

/** The same, where it comes back to a copy that has runs of its own from before a rollback. */
function leftFromBefore(from: string, to: string): string[] {
  return [
    `its last completion result and failure cannot be moved: the first run on ${to} sees those of its earlier runs there, if any, ` +
      `not those of ${from}; where it needs them, let it read its state elsewhere`,
    `its counters (actions, skipped, missed, buffer) go on where its earlier runs on ${to} left them`,
  ];
}

function openRunSentence(source: Described, from: string, to: string): string {
  const how = endsOpenRuns(source);
  const until = `${to} takes over when it has ended, within openRunLimit`;
  if (how === 'cancel') return `a run is open: it is asked to cancel when the first time of ${to} is due; ${until}`;
  if (how === 'terminate') return `a run is open: it is terminated when the first time of ${to} is due; ${until}`;
  return `a run is open on ${from}: ${until}; else the schedule stays where it is and can be tried again`;
}
