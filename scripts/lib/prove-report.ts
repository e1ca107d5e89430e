/** The figures of a proof as the table in docs/proof.md. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Tally } from '../../test/simulator/tally.ts';

const BEGIN = '<!-- figures: written by `npm run prove` -->';
const END = '<!-- end of figures -->';

export interface Proof {
  tally: Tally;
  interleavings: number;
  seed: number;
  seconds: number;
  workers: number;
}

export async function writeFigures(file: string, proof: Proof): Promise<void> {
  const text = await readFile(file, 'utf8');
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${file} has no place for figures: ${BEGIN} … ${END}`);
  await writeFile(file, `${before}${BEGIN}\n\n${table(proof)}\n${END}${after}`);
}

export function table({ tally: t, interleavings, seed, seconds, workers }: Proof): string {
  const rows: [string, string][] = [
    ['handovers', number(t.handovers)],
    ['attempts they took', number(t.attempts)],
    ['calls', number(t.calls)],
    ['distinct interleavings', number(interleavings)],
    ['nominal times judged', number(t.judged)],
    ['duplicates', number(t.duplicates)],
    ['misses', number(t.misses)],
    ['handovers with anything wrong: those, or not left as promised', number(t.broken)],
    ['upper bound at 95 % of the chance of a duplicate, a nominal time', upperBound(t.duplicates, t.judged)],
    ['left out as the schedule itself says', list(t.explained)],
    ['dropped by a write, run by the scheduler when asked', number(t.backfilled)],
    ['dropped by a write, started by id', number(t.filled)],
    ['of these open beside another run against the policy', number(t.overlapsById)],
    ['faults injected', list(t.faults)],
    ['engines', list(t.pairings)],
    ['overlap policies', list(t.policies)],
    ['seed', `${seed}`],
    ['wall time', `${Math.round(seconds)} s, ${workers} processes, ${Math.round(t.handovers / seconds)} handovers/s`],
  ];
  return ['| what | figure |', '| --- | --- |', ...rows.map(([what, figure]) => `| ${what} | ${figure} |`), ''].join(
    '\n',
  );
}

function upperBound(wrong: number, judged: number): string {
  return judged > 0 ? (poissonBound(wrong) / judged).toExponential(1) : '-';
}

/**
 * The mean of a Poisson distribution that gives at most so many events with a chance of 5 %: the upper bound at 95 % of how
 * many there are on average, seen that many. For none it is 3, the rule of three.
 */
export function poissonBound(seen: number): number {
  const atMost = (mean: number): number => {
    let term = Math.exp(-mean);
    let sum = term;
    for (let k = 1; k <= seen; k++) sum += term *= mean / k;
    return sum;
  };
  let [low, high] = [seen, seen * 2 + 10];
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (atMost(middle) > 0.05) low = middle;
    else high = middle;
  }
  return high;
}

function list(figures: Record<string, number>): string {
  const entries = Object.entries(figures).toSorted(([, a], [, b]) => b - a);
  return entries.map(([name, n]) => `${name} ${number(n)}`).join(', ') || 'none';
}

function number(n: number): string {
  return n.toLocaleString('en-US');
}
