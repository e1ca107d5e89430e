import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker } from '@temporalio/worker';
import Long from 'long';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { temporalCliPath } from '../../scripts/lib/binaries.ts';
import { withoutTemporal } from '../../scripts/lib/dev-server.ts';
import { connectProfile, connectWorker } from '../../scripts/lib/profiles.ts';
import { run } from '../../scripts/lib/run.ts';
import { registerFerrySearchAttributes } from '../../scripts/lib/search-attributes.ts';
import { profileNames, startStack, type Stack } from '../../scripts/lib/stack.ts';
import type { Treatment } from '../../scripts/lib/tls-gate.ts';
import { waitFor } from '../../scripts/lib/wait.ts';

const workflowsPath = fileURLToPath(new URL('../../scripts/lib/user-workflows.ts', import.meta.url));
const unauthenticated = 16;

let stack: Stack;
let treat: (method: string) => Treatment = () => 'forward';

beforeAll(async () => {
  // The servers end connections after seconds instead of minutes, so the gate has to live through it here.
  const dynamicConfig = {
    'frontend.keepAliveMaxConnectionAge': '2s',
    'frontend.keepAliveMaxConnectionAgeGrace': '70s',
  };
  stack = await startStack({ selfhosted: 'v2', treat: (method) => treat(method), dynamicConfig });
});

afterAll(() => stack?.stop());

test('the three servers are different clusters', () => {
  const ids = Object.values(stack.servers).map((server) => server.clusterId);
  expect(new Set(ids).size).toBe(3);
});

test.each(profileNames)('the temporal command reaches %s with the generated file', async (profile) => {
  // Neither this machine's own configuration nor its environment may decide which cluster that is.
  const env = { ...withoutTemporal(process.env), HOME: stack.dir };
  const where = ['--config-file', stack.configFile, '--profile', profile];
  const said = await run(await temporalCliPath(), ['operator', 'cluster', 'health', ...where], { env });
  expect(said.trim()).toBe('SERVING');
});

function tls() {
  const { connectionOptions } = loadClientConnectConfig({
    profile: 'cloud',
    configSource: { path: stack.configFile },
    disableEnv: true,
  });
  return { address: connectionOptions.address ?? '', tls: connectionOptions.tls };
}

describe('the gate before cloud', () => {
  test.each([
    ['no API key', undefined],
    ['a wrong API key', 'wrong'],
  ])('refuses %s', async (_title, apiKey) => {
    const options = { ...tls(), apiKey };
    await expect(Connection.connect(options)).rejects.toMatchObject({ cause: { code: unauthenticated } });
    await expect(NativeConnection.connect(options)).rejects.toThrow(/unauthorized|Unauthenticated/i);
  });

  test('refuses callers without TLS, and callers refuse a certificate they do not know', async () => {
    const { address } = tls();
    await expect(Connection.connect({ address, connectTimeout: 2_000 })).rejects.toThrow();
    await expect(Connection.connect({ address, tls: true, connectTimeout: 2_000 })).rejects.toThrow();
  });

  test('a worker long-polls and a client works through it while the server keeps ending connections', async () => {
    const { connection, namespace } = await connectProfile('cloud', stack.configFile);
    const worker = await connectWorker('cloud', stack.configFile);
    const taskQueue = `gate-${randomUUID()}`;
    const runner = await Worker.create({ connection: worker.connection, namespace, taskQueue, workflowsPath });
    const client = new Client({ connection, namespace });
    const until = Date.now() + 12_000;
    let done = 0;
    await runner.runUntil(async () => {
      while (Date.now() < until) {
        await client.workflow.execute('quick', {
          workflowId: `${taskQueue}-${done}`,
          taskQueue,
          workflowTaskTimeout: '2s',
        });
        done += 1;
      }
    });
    await connection.close();
    await worker.connection.close();
    expect(done).toBeGreaterThan(20);
  });

  test('deadlines pass through: a poll nobody answers ends on time', async () => {
    const { connection, namespace } = await connectProfile('cloud', stack.configFile);
    const started = Date.now();
    // The server answers an idle poll shortly before the caller's deadline, which it learns through the gate.
    const answer = await connection.withDeadline(started + 4_000, () =>
      connection.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: `idle-${randomUUID()}` } }),
    );
    expect(answer.taskToken).toHaveLength(0);
    expect(Date.now() - started).toBeLessThan(4_500);
    await connection.close();
  });

  test('an answer can be lost after the call was done', async () => {
    const { connection, namespace } = await connectProfile('cloud', stack.configFile);
    let lost = 0;
    treat = (method) => (method === 'SignalWithStartWorkflowExecution' && ++lost === 1 ? 'lose-answer' : 'forward');
    const workflowId = `lost-${randomUUID()}`;
    const client = new Client({ connection, namespace });
    await client.workflow.signalWithStart('quick', { workflowId, taskQueue: workflowId, signal: 'twice' });
    treat = () => 'forward';
    expect(lost).toBe(2);
    const { history } = await connection.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId },
    });
    expect(history?.events?.length).toBeGreaterThanOrEqual(3);
    await connection.close();
  });
});

/** The conflict token is a number in 8 bytes: the scheduler workflow writes it big-endian, CHASM little-endian. */
test.each([
  ['cloud', 0],
  ['selfhosted', 1],
] as const)('%s runs the expected scheduler engine, and a schedule fires', async (profile, firstByte) => {
  const { connection, namespace } = await connectProfile(profile, stack.configFile);
  const scheduleId = `engine-${randomUUID()}`;
  await connection.workflowService.createSchedule({
    namespace,
    scheduleId,
    requestId: randomUUID(),
    schedule: {
      spec: { interval: [{ interval: { seconds: Long.fromNumber(1) } }] },
      action: {
        startWorkflow: { workflowId: scheduleId, workflowType: { name: 'quick' }, taskQueue: { name: 'nobody' } },
      },
    },
  });
  const described = await waitFor({ what: `${scheduleId} to fire on ${profile}` }, async () => {
    const answer = await connection.workflowService.describeSchedule({ namespace, scheduleId });
    return answer.info?.recentActions?.length ? answer : undefined;
  });
  expect(described.conflictToken).toHaveLength(8);
  expect(described.conflictToken?.[0] === 0 ? 0 : 1).toBe(firstByte);
  await connection.workflowService.deleteSchedule({ namespace, scheduleId });
  await connection.close();
});

test('search attributes are registered once and are usable at once', async () => {
  const { connection, namespace } = await connectProfile('control', stack.configFile);
  expect(await registerFerrySearchAttributes(connection, namespace)).toHaveLength(4);
  expect(await registerFerrySearchAttributes(connection, namespace)).toEqual([]);
  await connection.close();
});

test('servers do not outlive the program that started them, even when it is killed', async () => {
  const program = `
    import { startStack } from './scripts/lib/stack.ts';
    const stack = await startStack();
    console.log([stack.dir, ...Object.values(stack.servers).map((server) => server.address)].join(' '));
    setInterval(() => undefined, 1_000);`;
  const child = execFile(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]);
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (data) => resolve(String(data).trim()));
    child.once('exit', () => reject(new Error('ended early')));
  });
  child.kill('SIGKILL');
  const [dir = '', ...addresses] = line.split(' ');
  await waitFor({ what: 'the servers to be gone', timeoutMs: 10_000 }, async () => {
    const answers = await Promise.allSettled(
      addresses.map(async (address) => {
        const connection = await Connection.connect({ address, connectTimeout: 500 });
        await connection.close();
      }),
    );
    return answers.every(({ status }) => status === 'rejected');
  });
  await rm(dir, { recursive: true, force: true });
});
