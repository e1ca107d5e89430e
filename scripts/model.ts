/** `npm run model`: has TLC exhaust the model of the handover, and prints what it took. */
import { LIMITS, MUTANTS, configuration, configurations } from './lib/model.ts';
import { readOptions } from './lib/options.ts';
import { check } from './lib/tlc.ts';

const { values, positionals: args } = readOptions({
  name: 'model',
  does: `has TLC exhaust the model of the handover (spec/), and prints states, depth and time.
Exit code 1 where a property does not hold.`,
  names: '[configuration …] [Constant=value …]',
  options: {
    large: { type: 'boolean', default: false, says: 'the configurations that are not for every day' },
    mutants: { type: 'boolean', default: false, says: 'each step left out, and what breaks then' },
  },
  lasts:
    'about 5 minutes; --large hours, on a machine with nothing else to do; `faults Crashes=1` is one configuration with a constant set otherwise',
});
const set = Object.fromEntries(
  args
    .filter((arg) => arg.includes('='))
    .map((arg) => [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]),
);
const named = args.filter((arg) => !arg.includes('='));

if (values.mutants) {
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
  for (const name of named.length > 0 ? named : await configurations({ large: values.large })) {
    const { violated, distinct, depth, seconds, output } = await check(await configuration(name, set));
    console.log(`| ${name} | ${distinct} | ${depth} | ${seconds.toFixed(0)} s | ${violated ?? 'holds'} |`);
    if (violated === undefined) continue;
    console.log(output.slice(output.indexOf('Error: ')));
    process.exitCode = 1;
  }
}
