/**
 * `npm run bench:routing`: what routing costs a start while the lease is warm. Both measurements interleave the plain
 * client and the routed one in the same run, and compare neighbours: what the machine does meanwhile hits both.
 */
import { Client, type WorkflowService } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Route } from '../src/routes/route.ts';
import { Memory } from '../src/services/memory.ts';
import { methodNames, serviceOf } from '../src/services/methods.ts';
import { RoutedConnection, routedClient } from '../src/services/routed-client.ts';
import { RouteReader } from '../src/services/route-reader.ts';
import { CallScope } from '../src/services/scope.ts';
import { TenantClients } from '../src/services/tenant-clients.ts';
import { REAL_SERVICE_TIME } from '../src/services/time.ts';
import { routedService } from '../src/services/workflow-service.ts';
import { readOptions, whole } from './lib/options.ts';
import { connectProfile } from './lib/profiles.ts';
import { startStack } from './lib/stack.ts';

const MOST_ADDED_US = 50;
const LEAST_RATIO = 0.98;

const { values } = readOptions({
  name: 'bench:routing',
  does: `what routing costs a start while the route's lease is warm, beside the SDK's plain client.
1. Time added to a start, against a service in memory that answers at once: nothing else is in the figure.
2. Throughput against a real dev server, in blocks of either kind in turn.
Exit code 1 where more than ${MOST_ADDED_US} µs (p50) are added, or less than ${LEAST_RATIO * 100} % of the throughput is left (median of the pairs).`,
  options: {
    starts: { type: 'string', takes: '<number>', default: '20000', says: 'starts of each kind in memory' },
    pairs: { type: 'string', takes: '<number>', default: '40', says: 'pairs of blocks against the server' },
    block: { type: 'string', takes: '<number>', default: '300', says: 'starts a block' },
    concurrency: { type: 'string', takes: '<number>', default: '32', says: 'starts under way at a time' },
  },
  lasts: 'about a minute',
});
const number = (name: keyof typeof values): number => whole('bench:routing', name, values[name], 1);

const route: Route = { to: { cluster: 'cloud', split: null }, from: null, at: null, undrained: [] };
const added = await addedInMemory(number('starts'));
const ratio = await throughput({ pairs: number('pairs'), block: number('block'), concurrency: number('concurrency') });
process.exit(added <= MOST_ADDED_US && ratio >= LEAST_RATIO ? 0 : 1);

/** Microseconds, p50. */
async function addedInMemory(starts: number): Promise<number> {
  const answer = proto.temporal.api.workflowservice.v1.StartWorkflowExecutionResponse.create({
    runId: 'r',
    started: true,
  });
  const service: WorkflowService = serviceOf(methodNames.map((name) => [name, async () => answer]));
  const scope = new CallScope(REAL_SERVICE_TIME);
  const time = REAL_SERVICE_TIME;
  const ask = async () => ({ route });
  const present = ['cloud', 'selfhosted'];
  const routes = new RouteReader({ tenant: 'bench', ask, time, controlProfile: 'control', present });
  const side = (profile: string) => ({ profile, namespace: 'bench', service });
  const namespaces = new Set(['bench']);
  const routed = routedClient(
    new RoutedConnection(
      routedService({ routes, side, present, namespaces, memory: new Memory(), scope, time }),
      scope,
    ),
    { namespace: 'bench' },
  );
  const plain = new Client({ connection: new RoutedConnection(service, scope), namespace: 'bench' });

  const took = { plain: [] as number[], routed: [] as number[] };
  for (let n = 0; n < starts; n++) {
    // In turn, and every other time the other way round.
    const order = n % 2 === 0 ? (['plain', 'routed'] as const) : (['routed', 'plain'] as const);
    for (const kind of order) took[kind].push(await timed(kind === 'plain' ? plain : routed, `${kind}-${n}`));
  }
  // The first tenth warms the just-in-time compiler up.
  const [without, within] = [took.plain, took.routed].map((all) => percentiles(all.slice(all.length / 10)));
  if (!without || !within) throw new Error('nothing was measured');
  const p50 = within.p50 - without.p50;
  console.log(
    `in memory, ${starts} starts of each: plain ${without.p50.toFixed(1)} µs (p50), ${without.p99.toFixed(1)} µs (p99); ` +
      `routed ${within.p50.toFixed(1)} µs, ${within.p99.toFixed(1)} µs; added ${p50.toFixed(1)} µs (p50)`,
  );
  return p50;
}

async function timed(client: Client, workflowId: string): Promise<number> {
  const since = process.hrtime.bigint();
  await client.workflow.start('bench', { workflowId, taskQueue: 'bench' });
  return Number(process.hrtime.bigint() - since) / 1000;
}

async function throughput(of: { pairs: number; block: number; concurrency: number }): Promise<number> {
  const stack = await startStack({ tls: false });
  const { connection, namespace } = await connectProfile('cloud', stack.configFile);
  const control = await connectProfile('control', stack.configFile);
  const clients = new TenantClients({ configFile: stack.configFile });
  try {
    // A record is a workflow with a memo: nobody has to run it for its reader.
    const records = new Client({ connection: control.connection, namespace: control.namespace });
    await records.workflow.start('Tenant', { workflowId: 'tenant/bench', taskQueue: 'nobody', memo: { route } });
    const plain = new Client({ connection, namespace });
    const routed = clients.tenant('bench');
    await block(plain, 'warm-plain', of);
    await block(routed, 'warm-routed', of);
    const ratios: number[] = [];
    const rates = { plain: [] as number[], routed: [] as number[] };
    for (let pair = 0; pair < of.pairs; pair++) {
      const order = pair % 2 === 0 ? (['plain', 'routed'] as const) : (['routed', 'plain'] as const);
      const rate = { plain: 0, routed: 0 };
      for (const kind of order) {
        rate[kind] = await block(kind === 'plain' ? plain : routed, `${kind}-${pair}`, of);
        rates[kind].push(rate[kind]);
      }
      ratios.push(rate.routed / rate.plain);
    }
    const [all, without, within] = [ratios, rates.plain, rates.routed].map(percentiles);
    if (!all || !without || !within) throw new Error('nothing was measured');
    console.log(
      `real server, ${of.pairs} pairs of blocks of ${of.block}, ${of.concurrency} at a time: plain ${without.p50.toFixed(0)} starts a second, ` +
        `routed ${within.p50.toFixed(0)}; of a pair routed is ${(all.p50 * 100).toFixed(1)} % of plain (median; ` +
        `quartiles ${(all.p25 * 100).toFixed(1)} and ${(all.p75 * 100).toFixed(1)} %)`,
    );
    return all.p50;
  } finally {
    await clients.close();
    await Promise.all([connection.close(), control.connection.close()]);
    await stack.stop();
  }
}

/** Starts a second. */
async function block(client: Client, name: string, of: { block: number; concurrency: number }): Promise<number> {
  let next = 0;
  const since = performance.now();
  const lane = async (): Promise<void> => {
    for (let n = next++; n < of.block; n = next++) {
      await client.workflow.start('bench', { workflowId: `${name}-${n}`, taskQueue: 'bench' });
    }
  };
  await Promise.all(Array.from({ length: of.concurrency }, lane));
  return of.block / ((performance.now() - since) / 1000);
}

function percentiles(values: number[]): { p25: number; p50: number; p75: number; p99: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (fraction: number): number => sorted[Math.floor((sorted.length - 1) * fraction)] ?? 0;
  return { p25: at(0.25), p50: at(0.5), p75: at(0.75), p99: at(0.99) };
}
