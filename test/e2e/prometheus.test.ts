/**
 * Gates' queries against a real Prometheus that scrapes real servers: every preset names metrics that a server of each
 * supported version really exposes, and what Prometheus says about bad queries and empty answers is understood.
 */
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Worker, bundleWorkflowCode } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, startDevServer } from '../../scripts/lib/dev-server.ts';
import { temporaryDir } from '../../scripts/lib/process.ts';
import { type RunningPrometheus, startPrometheus } from '../../scripts/lib/prometheus.ts';
import { quietRuntime } from '../../scripts/lib/user-worker.ts';
import { startV2Server } from '../../scripts/lib/v2-server.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import type { Cluster } from '../../src/clusters/cluster.ts';
import type { SettingsOf } from '../../src/gates/measure-input.ts';
import { type Measurement, judge } from '../../src/gates/measurement.ts';
import type { Preset } from '../../src/gates/measures.ts';
import { Prometheus } from '../../src/measures/prometheus.ts';
import { context } from '../unit/measures/context.ts';

const NAMESPACE = 'gates';
const TASK_QUEUE = 'gates';

const servers = [
  { name: 'dev server 1.29.1', start: (dir: string) => startDevServer({ dir, title: 'dev', namespace: NAMESPACE }) },
  { name: 'temporal-server 1.32.1', start: (dir: string) => startV2Server({ dir, title: 'v2', namespace: NAMESPACE }) },
] as const;

describe.each(servers)('$name', ({ start }) => {
  const undo: (() => Promise<unknown>)[] = [];
  let server: RunningServer;
  let running: RunningPrometheus;

  beforeAll(async () => {
    quietRuntime();
    const dir = await temporaryDir();
    undo.push(dir.remove);
    server = await start(dir.path);
    undo.push(server.stop);
    running = await startPrometheus(dir.path, [server.metricsAddress]);
    undo.push(running.stop);
    undo.push(await load(server.address));
  });

  afterAll(async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  });

  function measure(settings: Omit<SettingsOf<'prometheus'>, 'kind' | 'step'>): Promise<Measurement> {
    const { address: profile } = server;
    const clusters = { get: () => ({ profile, namespace: NAMESPACE }) as unknown as Cluster };
    const asked = { kind: 'prometheus', step: 1000, ...settings } as const;
    return new Prometheus({ url: running.url }).measure(asked, context({ clusters }));
  }

  const numbers = ({ values }: Measurement): number[] => values.map(({ value }) => value);

  /** Of a server under light load. */
  const presets: [Preset, (value: number) => boolean][] = [
    ['state-transitions', (value) => value > 0],
    ['shard-lock-latency', (value) => value > 0 && value < 10],
    ['persistence-latency', (value) => value > 0 && value < 10],
    ['service-errors', (value) => value >= 0 && value < 0.5],
    ['schedule-buffer', (value) => value === 0],
    ['schedule-rate-limited', (value) => value >= 0],
    ['workflow-task-latency', (value) => value > 0 && value < 10],
  ];

  test.each(presets)('the preset %s tells a number of it', async (preset, plausible) => {
    const found = await waitFor({ what: preset, timeoutMs: 60_000, everyMs: 500 }, async () => {
      const seen = numbers(await measure({ preset }));
      return seen.length > 0 && seen.every(plausible) && seen;
    });
    expect(found.length).toBeGreaterThan(0);
  });

  test('what its schedules count is told by namespace, where a preset looks for it', async () => {
    const query = 'sum(schedule_action_success{namespace="$namespace"})';
    const [started = 0] = await waitFor({ what: 'an action', timeoutMs: 60_000 }, async () => {
      const seen = numbers(await measure({ query }));
      return seen.length > 0 && seen;
    });
    expect(started).toBeGreaterThan(0);
  });

  test('a range query tells every point', async () => {
    const points = await waitFor({ what: 'some scrapes', timeoutMs: 30_000 }, async () => {
      const measured = await measure({ query: 'up', range: 10_000 });
      return measured.values.length >= 5 && measured;
    });
    expect(new Set(numbers(points).slice(-5))).toEqual(new Set([1]));
    expect(points.values[0]?.labels).toMatchObject({ job: 'temporal', instance: server.metricsAddress });
  });

  test('nothing and no number are inconclusive, an infinite one is a value', async () => {
    const phase = async (query: string) => judge(await measure({ query }), { success: { op: '<', limit: 1 } });
    expect(await phase('nothing_of_this_name')).toMatchObject({
      phase: 'inconclusive',
      message: 'no value: the answer is empty',
    });
    expect(await phase('0 * up / 0')).toMatchObject({ phase: 'inconclusive', value: null });
    expect(await phase('vector(1) / 0')).toMatchObject({ phase: 'failed', message: 'Inf >= 1' });
    expect(await phase('scalar(vector(0.5))')).toMatchObject({ phase: 'successful', value: 0.5 });
  });

  test('a query that is wrong could not be measured', async () => {
    await expect(measure({ query: 'sum(' })).rejects.toThrow(/^Prometheus answered 400 \(bad_data\): .*parse error/);
    await expect(measure({ query: '"text"' })).rejects.toThrow('a string, which has no numbers');
  });
});

/** A schedule that starts a workflow every second, and its worker. */
async function load(address: string): Promise<() => Promise<void>> {
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const workflowsPath = fileURLToPath(new URL('../conformance/workflows.ts', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const worker = await Worker.create({
    connection: native,
    namespace: NAMESPACE,
    taskQueue: TASK_QUEUE,
    workflowBundle,
  });
  const working = worker.run();
  await new Client({ connection, namespace: NAMESPACE }).schedule.create({
    scheduleId: 'every-second',
    spec: { intervals: [{ every: '1 second' }] },
    action: { type: 'startWorkflow', workflowType: 'behave', args: [0, false], taskQueue: TASK_QUEUE },
  });
  return async () => {
    worker.shutdown();
    await working;
    await native.close();
    await connection.close();
  };
}
