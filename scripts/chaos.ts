/**
 * `npm run chaos`: a tenant migrates there and back while its workers are killed at every activity boundary, its servers
 * restart, connections break and answers get lost; then an independent ledger says what ran.
 *
 *     npm run chaos -- --seed 7 --faults 300
 *     npm run chaos -- --cloud v2 --selfhosted v1     engines: dev, v1 or v2
 *     npm run chaos -- --any-boundary                 ends with the faults, whichever boundaries were reached
 *     npm run chaos -- --keep DIR                     executions, histories, databases and logs go there, for the inquiry
 *     npm run chaos -- --patient                      no kill is told to the server: its time-outs take a minute each
 *
 * The seed decides which faults come in which order; when each meets the clusters is theirs to say.
 */
import { parseArgs } from 'node:util';
import { problemsOf, textOf } from './chaos/report.ts';
import { runChaos } from './chaos/run.ts';
import { messageOf } from './lib/errors.ts';
import { onInterrupt } from './lib/interrupt.ts';
import type { Engine } from './lib/stack.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '100' },
    cloud: { type: 'string', default: 'dev' },
    selfhosted: { type: 'string', default: 'v2' },
    'any-boundary': { type: 'boolean', default: false },
    patient: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
});
const started = Date.now();

function whole(name: 'seed' | 'faults'): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is "${values[name]}"; it takes a whole number, such as 100`);
}

function engine(name: 'cloud' | 'selfhosted'): Engine {
  const value = values[name];
  if (value === 'dev' || value === 'v1' || value === 'v2') return value;
  throw new Error(`--${name} is "${value}"; it takes dev, v1 or v2`);
}

try {
  const report = await runChaos({
    seed: whole('seed'),
    faults: whole('faults'),
    everyBoundary: !values['any-boundary'],
    cloud: engine('cloud'),
    selfhosted: engine('selfhosted'),
    patient: values.patient,
    keep: values.keep,
    // The SDK takes SIGTERM for a wish of its own workers'; the run has to end as well.
    signal: onInterrupt().signal,
    say: (text) => console.log(`[${((Date.now() - started) / 1000).toFixed(1).padStart(6)}] ${text}`),
  });
  const problems = problemsOf(report);
  console.log(`\n${textOf(report)}`);
  for (const problem of problems) console.error(`not as promised: ${problem}`);
  if (problems.length === 0) {
    console.log(
      'Nothing ran twice, nothing is missing that its server would have run, and everything rests as it should.',
    );
  }
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : '';
  console.error(`the run broke off: ${messageOf(error)}${cause}`);
  process.exitCode = 2;
}
// Whatever still waits for something that is gone now.
process.exit();
