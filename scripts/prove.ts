/**
 * `npm run prove`: a million simulated handovers, judged by an oracle that knows nothing of the handover; the figures go
 * into docs/proof.md. Ends with 1 at the first broken promise, with the case in its shortest form and how to play it again.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readOptions, refuse, whole } from './lib/options.ts';
import { type Chunk, type ChunkResult, type Failure, prove } from './lib/prove-chunk.ts';
import { writeFigures, table } from './lib/prove-report.ts';
import { addTally, emptyTally } from '../test/simulator/tally.ts';

const CHUNK = 1000;
const MAX_TOLD = 120;
const DOCS = fileURLToPath(new URL('../docs/proof.md', import.meta.url));

if (process.send) await work();
else await lead();

/** A process of its own: plays the chunks it is sent. */
async function work(): Promise<void> {
  process.on('message', (chunk: Chunk) => {
    prove(chunk).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit());
}

async function lead(): Promise<void> {
  const { values } = readOptions({
    name: 'prove',
    does: `simulated handovers, judged by an oracle that knows nothing of the handover; a whole run writes its
figures into docs/proof.md. Exit code 1 at the first broken promise, with the case in its shortest form.`,
    options: {
      handovers: { type: 'string', takes: '<number>', default: '1000000', says: 'how many' },
      seed: { type: 'string', takes: '<number>', default: '1', says: 'where randomness begins' },
      workers: { type: 'string', takes: '<number>', default: '2', says: 'processes' },
      'go-on': { type: 'boolean', default: false, says: 'counts what is wrong to the end; 1 if there was any' },
      replay: {
        type: 'string',
        takes: '<case>',
        says: 'plays one again: SEED/calm|users/PATH, as a failure prints it',
      },
    },
    lasts: 'about 35 minutes a million on two cores',
  });
  if (values.replay !== undefined) return replay(values.replay);
  const handovers = whole('prove', 'handovers', values.handovers, 1);
  const seed = whole('prove', 'seed', values.seed);
  const workers = whole('prove', 'workers', values.workers, 1);

  const started = Date.now();
  const tally = emptyTally();
  const interleavings = new Set<number>();
  let failure: Failure | undefined;
  let next = 0;
  let told = 0;
  const children: ChildProcess[] = [];
  const player = async (): Promise<void> => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: ['--import', 'tsx'] });
    children.push(child);
    while (next < handovers && !failure) {
      const index = Math.floor(next / CHUNK);
      const users = index % 2 === 1;
      const size = Math.min(CHUNK, handovers - next);
      const chunk: Chunk = { seed: seed + index, users, handovers: size, goOn: values['go-on'] };
      next += chunk.handovers;
      // One chunk after the other is the point.
      // eslint-disable-next-line no-await-in-loop
      const result = await ask(child, chunk);
      addTally(tally, result.tally);
      for (const one of result.tally.interleavings) interleavings.add(one);
      failure ??= result.failure;
      if (Date.now() - told < 10_000) continue;
      told = Date.now();
      const rate = Math.round(tally.handovers / ((told - started) / 1000));
      console.log(
        `${tally.handovers} handovers, ${tally.judged} nominal times, ` +
          `${tally.duplicates} duplicates, ${tally.misses} misses, ${rate} handovers/s`,
      );
    }
    child.disconnect();
  };
  await Promise.all(Array.from({ length: workers }, player));
  if (failure) return broken(failure);
  const proof = { tally, interleavings: interleavings.size, seed, seconds: (Date.now() - started) / 1000, workers };
  console.log(`\n${table(proof)}`);
  await writeFigures(DOCS, proof);
  if (tally.broken > 0) process.exitCode = 1;
}

async function replay(text: string): Promise<void> {
  const [seed, who, path] = text.split('/');
  if (seed === undefined || (who !== 'calm' && who !== 'users')) {
    return refuse('prove', `--replay is "${text}"; it takes SEED/calm/PATH or SEED/users/PATH, as a failure prints it`);
  }
  const { failure } = await prove({
    seed: whole('prove', 'replay', seed),
    users: who === 'users',
    handovers: CHUNK,
    goOn: false,
    path,
  });
  if (failure) broken(failure);
  else console.log('holds');
}

function broken({ chunk, case: it, wrong, told }: Failure): void {
  console.log(`\nBroken:\n${wrong.map((line) => `  ${line}`).join('\n')}`);
  console.log(
    `\n${JSON.stringify(it)}\n\n${shortened(told)
      .map((line) => `  ${line}`)
      .join('\n')}`,
  );
  const who = chunk.users ? 'users' : 'calm';
  console.log(`\nTo play it again: npm run prove -- --replay=${chunk.seed}/${who}/${chunk.path ?? ''}`);
  process.exitCode = 1;
}

/** The steady state after everything is over tells nothing. */
function shortened(told: string[]): string[] {
  return told.length <= MAX_TOLD ? told : [...told.slice(0, MAX_TOLD), `… ${told.length - MAX_TOLD} more lines`];
}

function ask(child: ChildProcess, chunk: Chunk): Promise<ChunkResult> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`a process ended with ${code}`));
    child.once('exit', gone);
    child.once('message', (result: ChunkResult) => {
      child.off('exit', gone);
      resolve(result);
    });
    child.send(chunk);
  });
}
