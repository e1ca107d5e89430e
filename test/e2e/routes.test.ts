/**
 * A service under load while its tenant is moved there and back: several processes start workflows, the same ids among
 * them at once, signal, query and await them; a service, a worker of theirs and the ferry worker are killed, and one
 * cluster's connection is cut. Longer and heavier: FERRY_FLIPS=5 FERRY_RATE=100, per service of three and second.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { clientConfigToToml, loadClientConfig } from '@temporalio/envconfig';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { controlClient } from '../../src/compose.ts';
import type { MigrateTenant } from '../../src/workflows/index.ts';
import { connectProfile } from '../../scripts/lib/profiles.ts';
import { type Stack, startStack } from '../../scripts/lib/stack.ts';
import { startCutter, type Cutter } from '../../scripts/lib/tcp-cutter.ts';
import { quietRuntime } from '../../scripts/lib/user-worker.ts';
import type { Side } from '../support/ledger.ts';
import { executionsOf } from '../support/routes/executions.ts';
import { type Entry, Journal } from '../support/routes/journal.ts';
import { type Program, startProgram } from '../support/routes/programs.ts';
import type { ServiceSettings } from '../support/routes/service.ts';

const FLIPS = Number(process.env.FERRY_FLIPS ?? 2);
const RATE = Number(process.env.FERRY_RATE ?? 20);
const SERVICES = 3;
const TENANT = 'shop';
const TASK_QUEUE = 'shop-orders';

let stack: Stack;
let cutter: Cutter;
/** Where `selfhosted` is reached through the cutter. */
let configFile: string;
let control: ReturnType<typeof controlClient>;
const sides: Side[] = [];
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  quietRuntime();
  // Polls, queries and waits for results count together, 1,200 at a time by default: a backlog of those who ask would keep
  // the workers from polling, with or without a migration.
  stack = await startStack({ tls: false, dynamicConfig: { 'frontend.namespaceCount': 20_000 } });
  undo.push(stack.stop);
  cutter = await startCutter(stack.servers.selfhosted.address);
  undo.push(cutter.close);
  const { profiles } = loadClientConfig({ configSource: { path: stack.configFile } });
  configFile = join(stack.dir, 'service.toml');
  const selfhosted = { ...profiles.selfhosted, address: cutter.address };
  await writeFile(configFile, clientConfigToToml({ profiles: { ...profiles, selfhosted } }), { mode: 0o600 });
  control = controlClient({ configFile });
  undo.push(control.close);
  for (const name of ['cloud', 'selfhosted']) {
    const connected = await connectProfile(name, stack.configFile);
    undo.push(() => connected.connection.close());
    sides.push({ name, ...connected });
  }
});

afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

async function program(file: string, env: NodeJS.ProcessEnv, ready: string): Promise<Program> {
  const started = await startProgram(new URL(file, import.meta.url), env, ready);
  undo.push(started.kill);
  return started;
}

function journalOf(name: string): string {
  return join(stack.dir, `${name}.jsonl`);
}

async function move(n: number): Promise<void> {
  const [from, to] = n % 2 === 0 ? ['cloud', 'selfhosted'] : ['selfhosted', 'cloud'];
  const handle = await control.client.workflow.start<typeof MigrateTenant>('MigrateTenant', {
    workflowId: `migrate/${TENANT}`,
    taskQueue: 'ferry',
    args: [
      { tenant: TENANT, from, to, schedules: 'none', workflows: `TaskQueue = '${TASK_QUEUE}'`, bake: '0' } as never,
    ],
  });
  const result = await handle.result();
  expect(result).toMatchObject({ outcome: 'completed', workflows: { wrongSide: { count: 0 } } });
}

test(
  `${SERVICES} services, ${FLIPS} flips, kills and a cut: every id ran exactly once`,
  { timeout: 1_500_000 },
  async () => {
    const ferry = await program(
      '../../src/worker.ts',
      { TEMPORAL_CONFIG_FILE: stack.configFile },
      'ferry worker ready',
    );
    const workerSettings = { WORKER_SETTINGS: JSON.stringify({ configFile, taskQueue: TASK_QUEUE }) };
    const workers = [
      await program('../support/routes/worker.ts', workerSettings, 'worker ready'),
      await program('../support/routes/worker.ts', workerSettings, 'worker ready'),
    ];
    // Registers the tenant: services of a tenant without a route are refused.
    await register();

    const names = Array.from({ length: SERVICES }, (_, index) => `service${index}`);
    const services = await Promise.all(
      names.map((name) => {
        const settings: ServiceSettings = {
          name,
          configFile,
          tenant: TENANT,
          taskQueue: TASK_QUEUE,
          rate: RATE,
          sharedEveryMs: 250,
          journal: journalOf(name),
        };
        return program('../support/routes/service.ts', { SERVICE_SETTINGS: JSON.stringify(settings) }, 'service ready');
      }),
    );
    await delay(5_000);
    const disturbances = [
      () => services[0]?.killAndStart(),
      () => workers[0]?.killAndStart(),
      () => cutter.refuse(5_000),
      () => ferry.killAndStart(),
      () => services[1]?.killAndStart(),
    ];
    for (let flip = 0; flip < FLIPS; flip++) {
      const moving = move(flip);
      // Around the announcement, or around T, in turn.
      await delay(flip % 2 === 0 ? 4_000 : 14_000);
      await disturbances[flip % disturbances.length]?.();
      await disturbances[(flip + 2) % disturbances.length]?.();
      await moving;
      await delay(5_000);
    }
    expect(await Promise.all(services.map((service) => service.end()))).toEqual(names.map(() => 0));

    const entries = names.flatMap((name) => Journal.read(journalOf(name)));
    const wanted = new Set(entries.flatMap((entry) => ('want' in entry ? [entry.want] : [])));
    const runs = await executionsOf(sides, wanted);
    const wrong = [...wanted]
      .filter((id) => runs.get(id)?.length !== 1)
      .map((id) => `${id}: ${runs.get(id)?.join(' ') ?? 'no run'}`);
    const unwanted = [...runs.keys()].filter((id) => !wanted.has(id));
    const failed = entries.filter((entry) => 'failed' in entry);
    console.log(summary(entries, wanted, runs));
    expect({ wrong: wrong.slice(0, 20), unwanted: unwanted.slice(0, 20), failed: failed.slice(0, 10) }).toEqual({
      wrong: [],
      unwanted: [],
      failed: [],
    });
    expect(unanswered(entries)).toEqual([]);
    // The test is about a tenant that really moved.
    for (const { name } of sides)
      expect([...runs.values()].flat().filter((side) => side === name).length).toBeGreaterThan(100);
  },
);

async function register(): Promise<void> {
  const { main } = await import('../../src/cli/main.ts');
  const said: string[] = [];
  const io = { out: (text: string) => void said.push(text), err: (text: string) => void said.push(text) };
  const env = { ...process.env, TEMPORAL_CONFIG_FILE: stack.configFile };
  const code = await main(['route', TENANT, '--to', 'cloud'], env, io);
  expect(code, said.join('\n')).toBe(0);
}

/** Held orders without their query, or without a result that names a service. */
function unanswered(entries: Entry[]): string[] {
  const answers = new Map(entries.flatMap((entry) => ('asked' in entry ? [[entry.asked, entry.answer] as const] : [])));
  return entries.flatMap((entry) => {
    if (!('want' in entry) || !entry.held) return [];
    const [state, result] = [answers.get(`${entry.want} state`), answers.get(`${entry.want} result`)];
    const fine = state !== undefined && result?.startsWith('from service');
    return fine ? [] : [`${entry.want}: state ${state}, result ${result}`];
  });
}

function summary(entries: Entry[], wanted: Set<string>, runs: Map<string, string[]>): string {
  const times = entries.map(({ at }) => at);
  const seconds = (Math.max(...times) - Math.min(...times)) / 1000;
  const retried = entries.filter((entry) => 'retried' in entry).length;
  const waits = waitsOf(entries);
  const at = (fraction: number): number => waits[Math.min(waits.length - 1, Math.floor(waits.length * fraction))] ?? 0;
  const where = sides.map(
    ({ name }) => `${[...runs.values()].flat().filter((side) => side === name).length} on ${name}`,
  );
  return (
    `${wanted.size} ids in ${seconds.toFixed(0)} s (${(wanted.size / seconds).toFixed(0)} a second), ${where.join(', ')}; ` +
    `a start took ${at(0.5)} ms (p50), ${at(0.99)} ms (p99), ${at(1)} ms at most; ${retried} calls tried again while a cluster was away`
  );
}

function waitsOf(entries: Entry[]): number[] {
  const since = new Map(entries.flatMap((entry) => ('want' in entry ? [[entry.want, entry.at] as const] : [])));
  return entries
    .flatMap((entry) => ('got' in entry ? [entry.at - (since.get(entry.got) ?? entry.at)] : []))
    .toSorted((a, b) => a - b);
}
