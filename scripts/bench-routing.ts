/**
 * What routing costs a start, against the SDK's plain client in the same run, one after the other in turn: in this process
 * alone, where every call is answered at once, and on a real server.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { InterceptingCall, type Interceptor, Metadata, status } from '@grpc/grpc-js';
import { Client, Connection } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import type { Route } from '../src/routes/route.ts';
import { TenantClients } from '../src/services/tenant-clients.ts';
import { readOptions, whole } from './lib/options.ts';
import { connectProfile } from './lib/profiles.ts';
import { startStack } from './lib/stack.ts';

const NAME = 'bench:routing';
const MOST_ADDED_MICROSECONDS = 50;
const LEAST_SHARE = 0.98;

const { values } = readOptions({
  name: NAME,
  does:
    `measures what routing adds to a start, and exits with 1 if that is more than ${MOST_ADDED_MICROSECONDS} µs ` +
    `(p50) or leaves less than ${LEAST_SHARE * 100} % of the plain client's throughput`,
  lasts: 'about two minutes with the servers built',
  options: {
    starts: {
      type: 'string',
      takes: '<number>',
      default: '20000',
      says: 'starts of each client in this process alone',
    },
    seconds: { type: 'string', takes: '<number>', default: '30', says: 'of each client on a real server' },
    'in-flight': { type: 'string', takes: '<number>', default: '16', says: 'starts at a time on a real server' },
    'no-server': { type: 'boolean', default: false, says: 'only in this process: no server is started' },
    json: { type: 'boolean', default: false, says: 'figures as JSON' },
  },
});

const starts = whole(NAME, 'starts', values.starts, 1_000);
const seconds = whole(NAME, 'seconds', values.seconds, 2);
const inFlight = whole(NAME, 'in-flight', values['in-flight'], 1);

const TENANT = 'acme';
const route: Route = { to: { cluster: 'selfhosted', split: null }, from: null, at: null, undrained: [] };
let count = 0;

async function startOne(client: Client): Promise<void> {
  await client.workflow.start('bench', {
    workflowId: `bench-${++count}`,
    taskQueue: 'nobody',
    args: ['one', 2, { three: 3 }],
  });
}

/** Answers at once, in place of a server: what is left is what happens in this process. */
const answering: Interceptor = (options, nextCall) => {
  const answers: Record<string, () => Uint8Array> = {
    StartWorkflowExecution: () =>
      proto.temporal.api.workflowservice.v1.StartWorkflowExecutionResponse.encode({
        runId: 'a run',
        started: true,
      }).finish(),
    DescribeWorkflowExecution: () =>
      proto.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse.encode({
        workflowExecutionInfo: {
          status: proto.temporal.api.enums.v1.WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING,
          memo: { fields: { route: defaultPayloadConverter.toPayload(route) } },
        },
      }).finish(),
  };
  const answer = answers[options.method_definition.path.split('/').at(-1) ?? ''];
  if (!answer) throw new Error(`no answer to ${options.method_definition.path}`);
  return new InterceptingCall(nextCall(options), {
    start: (_metadata, listener) => {
      setImmediate(() => {
        listener.onReceiveMetadata(new Metadata());
        listener.onReceiveMessage(Buffer.from(answer()));
        listener.onReceiveStatus({ code: status.OK, details: '', metadata: new Metadata() });
      });
    },
    sendMessage: () => undefined,
    halfClose: () => undefined,
  });
};

interface InProcess {
  plainMicroseconds: number;
  routedMicroseconds: number;
  addedMicroseconds: number;
}

async function inProcess(): Promise<InProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'ferry-bench-'));
  const configFile = join(dir, 'temporal.toml');
  const profiles = ['cloud', 'selfhosted', 'control'];
  await writeFile(
    configFile,
    profiles.map((name) => `[profile.${name}]\naddress = "127.0.0.1:1"\nnamespace = "default"\n`).join('\n'),
  );
  const clients = new TenantClients({ configFile, connectionOptions: () => ({ interceptors: [answering] }) });
  const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: [answering] });
  const plain = new Client({ connection, namespace: 'default' });
  const routed = clients.tenant(TENANT);
  const took: Record<'plain' | 'routed', number[]> = { plain: [], routed: [] };
  for (let i = 0; i < starts + 2_000; i++) {
    // Which one is first changes in turn: the second finds warm caches.
    for (const kind of i % 2 === 0 ? (['plain', 'routed'] as const) : (['routed', 'plain'] as const)) {
      const began = process.hrtime.bigint();
      await startOne(kind === 'plain' ? plain : routed);
      if (i >= 2_000) took[kind].push(Number(process.hrtime.bigint() - began) / 1_000);
    }
  }
  await clients.close();
  await connection.close();
  await rm(dir, { recursive: true });
  const [plainMicroseconds, routedMicroseconds] = [median(took.plain), median(took.routed)];
  return { plainMicroseconds, routedMicroseconds, addedMicroseconds: routedMicroseconds - plainMicroseconds };
}

interface OnServer {
  plain: number;
  routed: number;
  share: number;
  plainP50Ms: number;
  routedP50Ms: number;
}

/** Slices of a second in turn, so that whatever else the machine does falls on both. */
async function onServer(): Promise<OnServer> {
  const stack = await startStack({ tls: false });
  const clients = new TenantClients({ configFile: stack.configFile });
  const { connection, namespace } = await connectProfile('selfhosted', stack.configFile);
  const control = await connectProfile('control', stack.configFile);
  try {
    await new Client(control).workflow.start('Record', {
      workflowId: `tenant/${TENANT}`,
      taskQueue: 'nobody',
      memo: { route },
    });
    const plain = new Client({ connection, namespace });
    const routed = clients.tenant(TENANT);
    const took: Record<'plain' | 'routed', number[]> = { plain: [], routed: [] };
    const slice = async (kind: 'plain' | 'routed', counted: boolean): Promise<void> => {
      const until = Date.now() + 1_000;
      const one = async (): Promise<void> => {
        while (Date.now() < until) {
          const began = performance.now();
          await startOne(kind === 'plain' ? plain : routed);
          if (counted) took[kind].push(performance.now() - began);
        }
      };
      await Promise.all(Array.from({ length: inFlight }, one));
    };
    for (let i = -2; i < seconds; i++) {
      for (const kind of i % 2 === 0 ? (['plain', 'routed'] as const) : (['routed', 'plain'] as const))
        await slice(kind, i >= 0);
    }
    return {
      plain: took.plain.length / seconds,
      routed: took.routed.length / seconds,
      share: took.routed.length / took.plain.length,
      plainP50Ms: median(took.plain),
      routedP50Ms: median(took.routed),
    };
  } finally {
    await Promise.all([clients.close(), connection.close(), control.connection.close()]);
    await stack.stop();
  }
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

const alone = await inProcess();
const server = values['no-server'] ? undefined : await onServer();
if (values.json) {
  console.log(
    JSON.stringify({
      cpus: cpus().length,
      node: process.version,
      starts,
      seconds,
      inFlight,
      inProcess: alone,
      onServer: server,
    }),
  );
} else {
  console.log(
    `In this process, ${starts} starts each (p50): plain ${alone.plainMicroseconds.toFixed(1)} µs, ` +
      `routed ${alone.routedMicroseconds.toFixed(1)} µs, added ${alone.addedMicroseconds.toFixed(1)} µs.`,
  );
  if (server)
    console.log(
      `On a real server, ${seconds} s each, ${inFlight} at a time: plain ${server.plain.toFixed(0)}/s (p50 ${server.plainP50Ms.toFixed(2)} ms), ` +
        `routed ${server.routed.toFixed(0)}/s (p50 ${server.routedP50Ms.toFixed(2)} ms), ${(server.share * 100).toFixed(1)} %.`,
    );
}
const good =
  alone.addedMicroseconds <= MOST_ADDED_MICROSECONDS && (server === undefined || server.share >= LEAST_SHARE);
process.exitCode = good ? 0 : 1;
