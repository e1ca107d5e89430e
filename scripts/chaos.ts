/**
 * `npm run chaos`: a tenant migrates there and back while its workers are killed at every activity boundary, its servers
 * restart, connections break and answers get lost; then an independent ledger says what ran.
 */
import { problemsOf, textOf } from './chaos/report.ts';
import { runChaos } from './chaos/run.ts';
import { messageOf } from './lib/errors.ts';
import { onInterrupt } from './lib/interrupt.ts';
import { oneOf, readOptions, whole } from './lib/options.ts';
import { engines } from './lib/stack.ts';

const engine = 'scheduler: dev (temporal server start-dev), v1 or v2 (temporal-server)';
const { values } = readOptions({
  name: 'chaos',
  does: `a tenant migrates there and back while everything breaks; then an independent ledger says what ran.
Exit code 0: nothing doubled, nothing missed, all rests as it should. 1: something did not hold. 2: the run broke off.`,
  options: {
    seed: { type: 'string', takes: '<number>', default: '1', says: 'which faults come, in which order' },
    faults: { type: 'string', takes: '<number>', default: '100', says: 'at least so many' },
    cloud: { type: 'string', takes: '<engine>', default: 'dev', says: engine },
    selfhosted: { type: 'string', takes: '<engine>', default: 'v2', says: engine },
    'any-boundary': {
      type: 'boolean',
      default: false,
      says: 'ends with the faults, whichever boundaries were reached',
    },
    patient: {
      type: 'boolean',
      default: false,
      says: 'no kill is told to the server: its time-outs take a minute each',
    },
    keep: { type: 'string', takes: '<dir>', says: 'executions, histories, databases and logs go there' },
  },
  lasts: '10 to 15 minutes for 100 faults',
});
const options = {
  seed: whole('chaos', 'seed', values.seed),
  faults: whole('chaos', 'faults', values.faults),
  cloud: oneOf('chaos', 'cloud', values.cloud, engines),
  selfhosted: oneOf('chaos', 'selfhosted', values.selfhosted, engines),
};
const started = Date.now();

try {
  const report = await runChaos({
    ...options,
    everyBoundary: !values['any-boundary'],
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
