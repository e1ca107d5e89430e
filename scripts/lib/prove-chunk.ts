/** Some simulated handovers from one seed: counted, and the first that breaks a promise shrunk to its shortest form. */
import * as fc from 'fast-check';
import { type Case, HOLDS, cases } from '../../test/simulator/case.ts';
import { judge } from '../../test/simulator/judge.ts';
import { type Tally, count, emptyTally } from '../../test/simulator/tally.ts';

export interface Chunk {
  seed: number;
  /** Whether users act meanwhile. */
  users: boolean;
  handovers: number;
  /** Counts what is wrong and goes on, instead of shrinking the first. */
  goOn: boolean;
  /** Of the shrunk case, to play it again. */
  path?: string;
}

export interface Failure {
  chunk: Chunk;
  case: Case;
  wrong: string[];
  /** Who did what when. */
  told: string[];
}

export interface ChunkResult {
  tally: Tally;
  failure?: Failure;
}

class Broken extends Error {
  override name = 'Broken';
}

export async function prove(chunk: Chunk): Promise<ChunkResult> {
  return chunk.goOn ? countAll(chunk) : firstBroken(chunk);
}

async function countAll({ seed, users, handovers }: Chunk): Promise<ChunkResult> {
  const tally = emptyTally();
  for (const it of fc.sample(cases({ ...HOLDS, users }), { seed, numRuns: handovers })) {
    // One after the other: they are all computation.
    // eslint-disable-next-line no-await-in-loop
    count(tally, it, await judge(it));
  }
  return { tally };
}

async function firstBroken(chunk: Chunk): Promise<ChunkResult> {
  const tally = emptyTally();
  let broken = false;
  const property = fc.asyncProperty(cases({ ...HOLDS, users: chunk.users }), async (it) => {
    const judged = await judge(it);
    // What shrinking tries out is not counted.
    if (!broken) count(tally, it, judged);
    broken ||= judged.wrong.length > 0;
    if (judged.wrong.length > 0) throw new Broken(judged.wrong[0]);
  });
  const { seed, path, handovers } = chunk;
  const outcome = await fc.check(property, { seed, path, numRuns: handovers });
  if (!outcome.failed) return { tally };
  const [it] = outcome.counterexample ?? [];
  if (!it) throw new Error(`seed ${seed}: the handovers were interrupted`);
  const { wrong, told } = await judge(it, { recording: true });
  const replay = { ...chunk, path: outcome.counterexamplePath ?? undefined };
  return { tally, failure: { chunk: replay, case: it, wrong, told } };
}
