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

/** The rule of three, which is for figures of nought. */
function upperBound(wrong: number, judged: number): string {
  return wrong === 0 && judged > 0 ? (3 / judged).toExponential(1) : '-';
}

function list(figures: Record<string, number>): string {
  const entries = Object.entries(figures).toSorted(([, a], [, b]) => b - a);
  return entries.map(([name, n]) => `${name} ${number(n)}`).join(', ') || 'none';
}

function number(n: number): string {
  return n.toLocaleString('en-US');
}
