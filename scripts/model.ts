/**
 * Has TLC exhaust the model of the handover, and prints what it took.
 *
 *     npm run model                   every configuration of the tests
 *     npm run model -- --large        the large ones
 *     npm run model -- faults         these; `faults Crashes=1` with a constant set otherwise
 *     npm run model -- --mutants      each step left out, and what breaks then
 */
import { LIMITS, MUTANTS, configuration, configurations } from './lib/model.ts';
import { check } from './lib/tlc.ts';

const args = process.argv.slice(2);
const set = Object.fromEntries(
  args
    .filter((arg) => arg.includes('='))
    .map((arg) => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]),
);
const named = args.filter((arg) => !arg.startsWith('--') && !arg.includes('='));

if (args.includes('--mutants')) {
  for (const { without, step, config, constants } of MUTANTS) {
    const { violated, distinct, depth } = await check(
      await configuration(config, { ...constants, Without: `{"${without}"}` }),
    );
    console.log(`| ${without} | ${step} | ${violated ?? 'nothing'} | ${distinct} | ${depth} |`);
  }
  for (const { limit, config, constants } of LIMITS) {
    const { violated, distinct, depth } = await check(await configuration(config, constants));
    console.log(`| | ${limit} | ${violated ?? 'nothing'} | ${distinct} | ${depth} |`);
  }
} else {
  for (const name of named.length > 0 ? named : await configurations({ large: args.includes('--large') })) {
    const { violated, distinct, depth, seconds, output } = await check(await configuration(name, set));
    console.log(`| ${name} | ${distinct} | ${depth} | ${seconds.toFixed(0)} s | ${violated ?? 'holds'} |`);
    if (violated === undefined) continue;
    console.log(output.slice(output.indexOf('Error: ')));
    process.exitCode = 1;
  }
}
