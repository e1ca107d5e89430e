/**
 * `npm run compare`: the same live tenant moved three ways, and what an independent ledger says of each: by this product,
 * by a loop around the `temporal` command, and by a concurrent script with the SDK.
 */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Side } from '../test/support/ledger.ts';
import { cliMover } from './lib/compare/cli.ts';
import { ferryMover } from './lib/compare/ferry.ts';
import { startJournal } from './lib/compare/journal.ts';
import { measure } from './lib/compare/measure.ts';
import type { Mover, MoverName } from './lib/compare/movers.ts';
import { noMover } from './lib/compare/none.ts';
import { changes, markdown, merged, type Pair, type PairReport, pairs, type Report } from './lib/compare/report.ts';
import { sdkMover } from './lib/compare/sdk.ts';
import { endOnInterrupt } from './lib/interrupt.ts';
import { oneOf, readOptions, whole } from './lib/options.ts';
import { connectProfile } from './lib/profiles.ts';
import { startStack } from './lib/stack.ts';
import { createSchedules, planTenant } from './lib/tenant-load.ts';
import { startUserWorkers } from './lib/user-worker.ts';

/** Whose phases, payloads and task queue all tenants here have. */
const LIKE = 'acme';

const makers: Record<MoverName, (place: { configFile: string; dir: string }) => Promise<Mover>> = {
  ferry: ferryMover,
  cli: cliMover,
  sdk: sdkMover,
  none: noMover,
};
const ways = ['ferry', 'cli', 'sdk', 'none'] as const satisfies MoverName[];

interface Options {
  ways: MoverName[];
  schedules: number;
  repeat: number;
  seed: number;
  busy: number;
}

const { values } = readOptions({
  name: 'compare',
  does: `the same live tenant moved by temporal-ferry, by a loop around the temporal command and by an SDK script,
and what an independent ledger says of each. Prints tables in Markdown; progress goes to stderr.`,
  options: {
    engines: { type: 'string', takes: '<pair>', multiple: true, default: [...pairs], says: 'source and target' },
    schedules: { type: 'string', takes: '<number>', default: '40', says: 'of the tenant' },
    repeat: { type: 'string', takes: '<number>', default: '3', says: 'moves each way' },
    way: { type: 'string', takes: '<way>', multiple: true, default: [...ways], says: 'only these' },
    busy: { type: 'string', takes: '<number>', default: '0', says: 'schedules of a neighbour on each cluster' },
    seed: { type: 'string', takes: '<number>', default: '1', says: 'who is first, and the schedules' },
    json: { type: 'boolean', default: false, says: 'every figure of every move, instead of tables' },
    read: { type: 'string', takes: '<file>', multiple: true, default: [], says: 'the table of what --json printed' },
  },
  lasts: 'about 30 minutes; --engines v1-v1 --repeat 1 about 6',
});

endOnInterrupt();
const report = values.read.length > 0 ? merged(await Promise.all(values.read.map(read))) : await compare();
if (values.json) console.log(JSON.stringify(report));
else {
  console.log(markdown(report));
  for (const pair of report.pairs) console.log(`\nChanged on the way, ${pair.pair}:\n${changes(pair)}`);
}

async function read(file: string): Promise<Report> {
  const made: Report = JSON.parse(await readFile(file, 'utf8'));
  return made;
}

async function compare(): Promise<Report> {
  const options: Options = {
    ways: values.way.map((way) => oneOf('compare', 'way', way, ways)),
    schedules: whole('compare', 'schedules', values.schedules, 1),
    repeat: whole('compare', 'repeat', values.repeat, 1),
    seed: whole('compare', 'seed', values.seed),
    busy: whole('compare', 'busy', values.busy),
  };
  const wanted = values.engines.map((pair) => oneOf('compare', 'engines', pair, pairs));
  const made: Report = {
    date: new Date().toISOString(),
    node: process.versions.node,
    cores: availableParallelism(),
    pairs: [],
  };
  for (const pair of wanted) made.pairs.push(await comparePair(pair, options));
  return made;
}

async function comparePair(pair: Pair, options: Options): Promise<PairReport> {
  const { schedules, repeat, seed, busy } = options;
  say(`${pair}: starting three clusters`);
  const undo: (() => Promise<void>)[] = [];
  try {
    // The gates of the journal stand in for the one before `cloud`.
    const stack = await startStack({ tls: false, selfhosted: pair === 'v1-v2' ? 'v2' : 'dev' });
    undo.push(stack.stop);
    const journal = await startJournal(stack);
    undo.push(journal.stop);
    const side = async (name: 'cloud' | 'selfhosted'): Promise<Side> => {
      const connected = await connectProfile(name, stack.configFile);
      undo.push(() => connected.connection.close());
      return { name, ...connected };
    };
    const bench = { stack, journal, cloud: await side('cloud'), selfhosted: await side('selfhosted') };
    const users = await startUserWorkers({
      configFile: stack.configFile,
      profiles: ['cloud', 'selfhosted'],
      tenants: [LIKE],
    });
    undo.push(users.stop);
    const place = { configFile: journal.configFile, dir: stack.dir };
    const movers: Mover[] = [];
    for (const way of options.ways) {
      const mover = await makers[way](place);
      undo.push(mover.close);
      movers.push(mover);
    }
    for (const { connection, namespace, name } of busy > 0 ? [bench.cloud, bench.selfhosted] : []) {
      await createSchedules(connection, namespace, planTenant({ tenant: `near-${name}`, count: busy, like: LIKE }));
    }
    const { cloud, selfhosted } = stack.servers;
    const servers = { cloud: cloud.serverVersion, selfhosted: selfhosted.serverVersion };
    const result: PairReport = { pair, servers, schedules, busy, moves: [] };
    for (let repetition = 1; repetition <= repeat; repetition++) {
      // Whoever is first meets servers that have done less: each is first in its turn.
      const turn = (seed + repetition) % movers.length;
      for (const mover of [...movers.slice(turn), ...movers.slice(0, turn)]) {
        const tenant = `${mover.name}${repetition}`;
        const move = measure(bench, mover, { tenant, schedules, seed: seed + repetition, like: LIKE });
        const figures = await Promise.race([move, stack.died, users.failed]);
        const { due, missed, duplicates, unexpected, moveMs } = figures;
        say(
          `${pair} ${tenant}: moved in ${(moveMs / 1_000).toFixed(1)} s; ${due} times due, ${missed} never ran, ` +
            `${duplicates} twice, ${unexpected} that should not have`,
        );
        for (const problem of figures.problems) say(`   ${problem}`);
        result.moves.push(figures);
      }
    }
    return result;
  } finally {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  }
}

/** Beside the report, so that the report can be kept. */
function say(text: string): void {
  console.error(text);
}
