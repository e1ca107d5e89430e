/** What `npm run compare` prints: one table for each pair of engines, every figure of every repetition behind it. */
import { percentile, spread } from './figures.ts';
import type { MoveFigures } from './measure.ts';
import type { MoverName } from './movers.ts';

export const pairs = ['v1-v1', 'v1-v2'] as const;
export type Pair = (typeof pairs)[number];

export interface PairReport {
  pair: Pair;
  /** Server versions of source and target. */
  servers: { cloud: string; selfhosted: string };
  schedules: number;
  /** Schedules of a neighbour that run on both clusters meanwhile. */
  busy: number;
  moves: MoveFigures[];
}

export interface Report {
  date: string;
  node: string;
  cores: number;
  pairs: PairReport[];
}

const titles: Record<MoverName, string> = {
  ferry: 'temporal-ferry',
  cli: '`temporal` in a loop',
  sdk: 'SDK, 8 at a time',
  none: 'not moved, on the target',
};
const order: readonly MoverName[] = ['ferry', 'cli', 'sdk', 'none'];

/** Runs that were made one after the other, as if they had been one. */
export function merged(reports: readonly Report[]): Report {
  const [first] = reports;
  if (!first) throw new Error('there is no report to read');
  const all = new Map<string, PairReport>();
  for (const pair of reports.flatMap((report) => report.pairs)) {
    const key = JSON.stringify({ ...pair, moves: undefined });
    const known = all.get(key);
    if (known) known.moves.push(...pair.moves);
    else all.set(key, { ...pair, moves: [...pair.moves] });
  }
  return { ...first, pairs: [...all.values()] };
}

export function markdown({ date, node, cores, pairs: found }: Report): string {
  const made = `${date.slice(0, 10)}, ${cores} cores, Node ${node}`;
  return [made, ...found.map(table)].join('\n\n');
}

export function table({ pair, servers, schedules, busy, moves }: PairReport): string {
  const of = (name: MoverName): MoveFigures[] => moves.filter(({ mover }) => mover === name);
  const shown = order.filter((name) => of(name).length > 0);
  const repeats = Math.max(...shown.map((name) => of(name).length));
  const [source = '', target = ''] = pair.toUpperCase().split('-');
  const title =
    `${source} → ${target} (servers ${servers.cloud} and ${servers.selfhosted}), ${schedules} schedules` +
    `${busy > 0 ? `, ${busy} of a neighbour on each cluster` : ''}, ${repeats} ${repeats === 1 ? 'move' : 'moves'} each`;
  return [
    `**${title}**`,
    '',
    line(['', ...shown.map((name) => titles[name])]),
    line(['---', ...shown.map(() => '---')]),
    ...rows.map(([name, cell]) => line([name, ...shown.map((mover) => cell(of(mover)))])),
  ].join('\n');
}

function line(cells: string[]): string {
  return `| ${cells.join(' | ')} |`;
}

type Cell = (moves: MoveFigures[]) => string;

const rows: readonly [string, Cell][] = [
  ['times due', (moves) => total(moves, ({ due }) => due)],
  ['ran once', (moves) => total(moves, ({ once }) => once)],
  ['never ran, in each move', each(({ missed }) => missed)],
  ['of those, after its first run on the target', each(({ missedLater }) => missedLater)],
  ['ran twice, in each move', each(({ duplicates }) => duplicates)],
  ['ran where it should not, in each move', each(({ wrongSide }) => wrongSide)],
  ['ran past its limit or at an excluded time, in each move', each(({ unexpected }) => unexpected)],
  ['left out by their own overlap policy', (moves) => total(moves, ({ skipped }) => skipped)],
  ['schedules that lost at least one run', (moves) => `${each(({ losers }) => losers)(moves)} of ${active(moves)}`],
  ['first run on the target late by, p50 / p99', pooled(({ firstMs }) => firstMs)],
  ['steady state on the target, p50 / p99', pooled(({ targetMs }) => targetMs)],
  ['steady state on the source before, p50 / p99', pooled(({ sourceMs }) => sourceMs)],
  ['nobody ran a schedule for, p50 / max', gaps],
  [
    'schedules changed on the way',
    (moves) => `${each((move) => move.changedSchedules)(moves)} of ${moves[0]?.schedules}`,
  ],
  [
    'the move took',
    (moves) =>
      ranged(
        moves.map(({ moveMs }) => moveMs / 1_000),
        1,
        ' s',
      ),
  ],
  ['calls to the two clusters', each(({ calls }) => calls.clusters)],
  [
    'a schedule',
    (moves) =>
      ranged(
        moves.map(({ calls, schedules }) => calls.clusters / schedules),
        1,
      ),
  ],
  ['calls to the control cluster, polls included', each(({ calls }) => calls.control)],
  [
    'load average of the machine when it began',
    (moves) =>
      ranged(
        moves.map((move) => move.loadAverage),
        1,
      ),
  ],
  ['programs started for it', each(({ processes }) => processes)],
];

function total(moves: MoveFigures[], figure: (move: MoveFigures) => number): string {
  return `${moves.reduce((sum, move) => sum + figure(move), 0)}`;
}

function each(figure: (move: MoveFigures) => number): Cell {
  return (moves) => ranged(moves.map(figure), 0);
}

/** The median, and least and most where they differ. */
function ranged(values: number[], digits: number, unit = ''): string {
  const { median, min, max } = spread(values);
  const text = (value: number): string => value.toFixed(digits);
  const middle = Number.isInteger(median) || digits > 0 ? text(median) : median.toFixed(1);
  return min === max ? `${middle}${unit}` : `${middle}${unit} (${text(min)}–${text(max)})`;
}

/** Of all moves together: one move has too few for a 99th percentile. */
function pooled(figure: (move: MoveFigures) => number[]): Cell {
  return (moves) => {
    const values = moves.flatMap(figure);
    const [p50, p99] = [percentile(values, 50), percentile(values, 99)];
    return p50 === undefined || p99 === undefined
      ? 'none'
      : `${p50.toFixed(0)} / ${p99.toFixed(0)} ms (${values.length} runs)`;
  };
}

function gaps(moves: MoveFigures[]): string {
  const all = moves.flatMap(({ gapsMs }) => Object.values(gapsMs));
  const values = all.filter((gap) => gap !== null);
  const unknown = all.length - values.length;
  const [p50, max] = [percentile(values, 50), percentile(values, 100)];
  const text = p50 === undefined || max === undefined ? 'none' : `${p50.toFixed(0)} / ${max.toFixed(0)} ms`;
  return unknown > 0 ? `${text}, ${unknown} not known` : text;
}

function active(moves: MoveFigures[]): string {
  return ranged(
    moves.map((move) => move.active),
    0,
  );
}

/** Which parts of how many schedules, over all moves of a pair. */
export function changes({ moves }: PairReport): string {
  return order
    .flatMap((name) => {
      const parts = new Map<string, number>();
      const own = moves.filter(({ mover }) => mover === name);
      for (const { changed } of own)
        for (const [part, count] of Object.entries(changed)) parts.set(part, (parts.get(part) ?? 0) + count);
      if (own.length === 0) return [];
      const text = [...parts].toSorted((a, b) => b[1] - a[1]).map(([part, count]) => `${part} ${count}`);
      return [`- ${titles[name]}: ${text.join(', ') || 'nothing'}`];
    })
    .join('\n');
}
