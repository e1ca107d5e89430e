/**
 * Which cluster ran a schedule when, read from what the clusters hold: the marks temporal-ferry leaves tell the last
 * hand-over, and a fence one that is under way. Schedules nobody marked have an owner only where one cluster has them.
 */
import { differingFields } from '../schedules/canonical.ts';
import { type Mark, readNote } from '../schedules/note.ts';
import { fencedBoundary, isBoundedBefore, openedBoundary } from '../schedules/shapes.ts';
import type { Schedule } from '../schedules/times.ts';
import type { Evidence } from './ports.ts';
import { iso } from './verdict.ts';

/** Nominal times in [fromMs, untilMs) were `side`'s. */
export interface Tenure {
  side: Evidence;
  fromMs: number;
  untilMs: number;
}

export interface Ownership {
  /** Ascending, without overlap; times in none of them are not judged. */
  tenures: Tenure[];
  /** From here on marks prove who owned it, ms: a run anywhere else is on the wrong side. Infinity without marks. */
  provenFromMs: number;
  userPaused: boolean;
  /** What people should know about how it was judged; empty for most. */
  notes: string[];
}

interface Side {
  is: Evidence;
  mark?: Mark;
}

/** `evidence`: the schedule as every audited cluster that has it describes it, one or two. */
export function ownership(evidence: Evidence[]): Ownership {
  const sides = evidence.map((is): Side => ({ is, mark: readNote(is.schedule.state?.notes).mark }));
  const [a, b] = sides;
  if (!a) return nobody('no audited cluster has it');
  if (!b) return alone(a);
  const resting = sides.filter(({ mark }) => mark?.kind === 'standby');
  const open = sides.filter(({ mark }) => mark?.kind !== 'standby');
  if (open.length === 0) return bothRest(a, b);
  const [rest, owner] = [resting[0], open[0]];
  if (rest && owner) return ownedBy(owner, rest);
  return bothOpen(a, b);
}

function nobody(note: string): Ownership {
  return { tenures: [], provenFromMs: Infinity, userPaused: false, notes: [note] };
}

function always(side: Evidence, notes: string[] = []): Ownership {
  const tenures = [{ side, fromMs: -Infinity, untilMs: Infinity }];
  return { tenures, provenFromMs: Infinity, userPaused: Boolean(side.schedule.state?.paused), notes };
}

function alone({ is, mark }: Side): Ownership {
  const opened = openedBoundary(is.schedule);
  if (mark?.kind === 'standby') {
    const where = `${is.cluster} holds a paused copy, ${mark.owner} runs it`;
    if (mark.boundary === undefined) {
      return { ...nobody(`${where}: audit both to judge its times`), provenFromMs: writtenMs(is) };
    }
    return {
      tenures: [{ side: is, fromMs: -Infinity, untilMs: mark.boundary }],
      provenFromMs: mark.boundary,
      userPaused: Boolean(mark.userPaused),
      notes: [`${where} from ${iso(mark.boundary)} on: times from then on are not judged without it`],
    };
  }
  const fence = fenceOf(is.schedule, mark);
  if (fence !== undefined) {
    const note = `it is being handed over at ${iso(fence)}: times from then on are not judged without the other cluster`;
    return { ...always(is, [note]), tenures: [{ side: is, fromMs: -Infinity, untilMs: fence }] };
  }
  if (opened !== undefined) {
    const note = `${is.cluster} took it over at ${iso(opened)}: times before are not judged without the other cluster`;
    return { ...always(is, [note]), tenures: [{ side: is, fromMs: opened, untilMs: Infinity }] };
  }
  return always(is);
}

/** One rests as standby, the other runs, or is fenced towards the one that rests. */
function ownedBy(owner: Side, rest: Side): Ownership {
  const mark = rest.mark?.kind === 'standby' ? rest.mark : undefined;
  const since = mark?.boundary;
  const fence = fenceOf(owner.is.schedule, owner.mark);
  const untilMs = fence ?? Infinity;
  const tenures: Tenure[] = [
    ...(since === undefined ? [] : [{ side: rest.is, fromMs: -Infinity, untilMs: since }]),
    { side: owner.is, fromMs: since ?? -Infinity, untilMs },
    // Nobody runs from the fence on until the other side is opened: what falls due meanwhile is owed all the same.
    ...(fence === undefined ? [] : [{ side: rest.is, fromMs: fence, untilMs: Infinity }]),
  ];
  return {
    tenures: tenures.filter((tenure) => tenure.fromMs < tenure.untilMs),
    // A copy that never ran says no moment; that it rests is proven since it was last written.
    provenFromMs: since ?? writtenMs(rest.is),
    userPaused: Boolean(owner.is.schedule.state?.paused),
    notes: fence === undefined ? [] : [`its hand-over at ${iso(fence)} is not complete: start the migration again`],
  };
}

/** Both gave up: a hand-over was cut off between its last two writes. Whoever gave up last still owes the times. */
function bothRest(a: Side, b: Side): Ownership {
  const boundary = (side: Side) => (side.mark?.kind === 'standby' ? (side.mark.boundary ?? 0) : 0);
  const [giver, taker] = boundary(a) >= boundary(b) ? [a, b] : [b, a];
  const since = boundary(giver);
  if (since === 0 || giver.mark?.kind !== 'standby') {
    return nobody('both clusters hold paused copies, and neither tells who ran it');
  }
  const tenures = [
    { side: giver.is, fromMs: -Infinity, untilMs: since },
    { side: taker.is, fromMs: since, untilMs: Infinity },
  ];
  const note = `both clusters hold it paused since ${iso(since)}, nobody runs it: start the migration again`;
  return { tenures, provenFromMs: since, userPaused: Boolean(giver.mark.userPaused), notes: [note] };
}

/** In the middle of a hand-over the bounds tell; else the two are strangers that happen to have one id. */
function bothOpen(a: Side, b: Side): Ownership {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const boundary = fenceOf(from.is.schedule, from.mark) ?? openedBoundary(to.is.schedule);
    if (boundary === undefined) continue;
    const tenures = [
      { side: from.is, fromMs: -Infinity, untilMs: boundary },
      { side: to.is, fromMs: boundary, untilMs: Infinity },
    ];
    return { tenures, provenFromMs: boundary, userPaused: Boolean(to.is.schedule.state?.paused), notes: [] };
  }
  const runs = [a, b].find(({ is }) => !is.schedule.state?.paused) ?? a;
  const note =
    `both clusters have it and neither is marked as the other's copy: expected times are ${runs.is.cluster}'s, ` +
    `and no run is called wrong-side`;
  return always(runs.is, [note]);
}

/** A fence whose bound a user's edit took off is none any more, whatever the note says; a user's earlier end stands for it. */
function fenceOf(schedule: Schedule, mark: Mark | undefined): number | undefined {
  const stands = mark?.kind === 'fence' && isBoundedBefore(schedule, mark.boundary);
  return fencedBoundary(schedule) ?? (stands ? mark.boundary : undefined);
}

function writtenMs({ updatedMs, createdMs }: Evidence): number {
  return updatedMs ?? createdMs ?? Infinity;
}

export function tenureAt({ tenures }: Ownership, nominalMs: number): Tenure | undefined {
  return tenures.find(({ fromMs, untilMs }) => nominalMs >= fromMs && nominalMs < untilMs);
}

/** Why a run of this nominal time should not have been on this cluster; undefined where nothing proves that. */
export function wrongSide(o: Ownership, nominalMs: number, cluster: string): string | undefined {
  if (nominalMs < o.provenFromMs) return undefined;
  const tenure = tenureAt(o, nominalMs);
  if (tenure?.side.cluster === cluster) return undefined;
  if (!tenure) return `it ran on ${cluster}, which holds a paused copy`;
  return `it ran on ${cluster}; ${tenure.side.cluster} has owned it since ${iso(Math.max(tenure.fromMs, o.provenFromMs))}`;
}

/** A hand-over takes its fence this long before its boundary at most; from then on the other side's copy tells the spec. */
const FENCE_MS = 60_000;

/** Since when the spec that is asked for due times is known to be the one in force, per tenure. */
export function specKnown({ tenures }: Ownership): (nominalMs: number) => boolean {
  const known = tenures.map(({ side, fromMs, untilMs }, i) => {
    const written = side.updatedMs ?? side.createdMs ?? -Infinity;
    // Its own last write was the hand-over's: it has told the spec since the fence.
    if (untilMs !== Infinity) return { fromMs: Math.max(fromMs, Math.min(written, untilMs - FENCE_MS)), untilMs };
    const before = tenures[i - 1];
    const unchanged = before !== undefined && sameSpec(before.side.schedule, side.schedule);
    return { fromMs: unchanged ? fromMs : Math.max(fromMs, written), untilMs };
  });
  return (nominalMs) => known.some(({ fromMs, untilMs }) => nominalMs >= fromMs && nominalMs < untilMs);
}

function sameSpec(a: Schedule, b: Schedule): boolean {
  return differingFields(unbounded(a), unbounded(b)).length === 0;
}

function unbounded({ spec }: Schedule) {
  return { schedule: { spec: { ...spec, startTime: null, endTime: null } } };
}
