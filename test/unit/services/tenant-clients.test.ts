import { createServer, type Server } from 'node:net';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { Client, Connection, WorkflowClient } from '@temporalio/client';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { portOf } from '../../../scripts/lib/process.ts';
import { UnknownProfile } from '../../../src/clusters/profiles.ts';
import { RouteUnavailable } from '../../../src/services/errors.ts';
import { methodNames } from '../../../src/services/methods.ts';
import { TenantClients } from '../../../src/services/tenant-clients.ts';

let dir: string;
/** Accepts connections, counts them, and answers nothing. */
let listener: Server;
let connections: number;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ferry-clients-'));
  connections = 0;
  listener = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => void listener.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  listener.close();
  await rm(dir, { recursive: true });
});

async function fileWith(...profiles: string[]): Promise<string> {
  const path = join(dir, 'temporal.toml');
  const address = `127.0.0.1:${portOf(listener)}`;
  await writeFile(
    path,
    profiles.map((name) => `[profile.${name}]\naddress = "${address}"\nnamespace = "ns-${name}"\n`).join('\n'),
  );
  return path;
}

test('a tenant has a client of the SDK, always the same; nothing is connected by it', async () => {
  const clients = new TenantClients({
    configFile: await fileWith('cloud', 'selfhosted', 'control'),
    client: { identity: 'me' },
  });
  const client = clients.tenant('acme');
  expect(client).toBeInstanceOf(Client);
  expect(client.workflow).toBeInstanceOf(WorkflowClient);
  expect(client.options).toMatchObject({ identity: 'me', namespace: 'ns-cloud' });
  expect(clients.tenant('acme')).toBe(client);
  expect(clients.tenant('globex')).not.toBe(client);
  expect(clients.present).toEqual(['cloud', 'selfhosted']);
  const real = Connection.lazy({ address: '127.0.0.1:1' });
  expect(Object.keys(client.workflowService).toSorted()).toEqual(
    Object.keys(real.workflowService)
      .filter((name) => name !== 'rpcImpl')
      .toSorted(),
  );
  expect(methodNames.length).toBeGreaterThan(100);
  await real.close();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(connections).toBe(0);
  for (const name of ['', 'x'.repeat(201)]) expect(() => clients.tenant(name)).toThrow(/1 to 200 characters/);
  expect(() => client.connection.operatorService).toThrow(/TenantClients.connection/);
  await clients.close();
});

test('a control profile beside a single cluster may be a slip: it is told that no route is followed', async () => {
  const warned: string[] = [];
  const listen = ({ name, message }: Error): void => {
    if (name === 'TemporalFerryWarning') warned.push(message);
  };
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  const made = async (clusters: string[], ...profiles: string[]): Promise<void> => {
    await new TenantClients({ configFile: await fileWith(...profiles), clusters }).close();
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await made(['cloud', 'selfhosted'], 'cloud');
  await made(['cloud'], 'cloud', 'control');
  await made(['cloud', 'selfhosted'], 'cloud', 'selfhosted', 'control');
  expect(warned).toEqual([]);
  await made(['cloud', 'nope'], 'cloud', 'control');
  expect(warned).toEqual([
    expect.stringMatching(/no profile "nope" in .*temporal.toml, so every tenant runs on "cloud"/),
  ]);
});

test('clients are kept for the tenants used last; one that is not kept works on', async () => {
  const clients = new TenantClients({ configFile: await fileWith('cloud') });
  const [first, used] = ['first', 'used'].map((name) => clients.tenant(name));
  for (let i = 0; i < 5_000; i++) {
    clients.tenant(`tenant-${i}`);
    if (i % 1_000 === 0) expect(clients.tenant('used')).toBe(used);
  }
  expect(clients.tenant('used')).toBe(used);
  expect(clients.tenant('first')).not.toBe(first);
  const call = first?.withDeadline(Date.now() + 300, () => first.workflow.getHandle('w').describe());
  await expect(call).rejects.toThrow();
  expect(connections).toBeGreaterThan(0);
  await clients.close();
});

test('a record that cannot be read is told as what it is, not as an unexpected error of the SDK', async () => {
  const clients = new TenantClients({ configFile: await fileWith('cloud', 'selfhosted', 'control'), patienceMs: 0 });
  const { workflow, schedule } = clients.tenant('acme');
  await expect(workflow.start('w', { workflowId: 'a', taskQueue: 'q' })).rejects.toThrow(RouteUnavailable);
  await expect(schedule.getHandle('s').describe()).rejects.toThrow(/tenant "acme".*cannot be read/);
  expect(connections).toBeGreaterThan(0);
  expect(await clients.health(500)).toMatchObject([
    { profile: 'cloud', problem: expect.any(String) },
    { profile: 'selfhosted', problem: expect.any(String) },
    { profile: 'control', problem: expect.any(String) },
  ]);
  await clients.close();
}, 20_000);

test('while the record cannot be read a schedule call ends with the deadline and the abort signal of its caller', async () => {
  const clients = new TenantClients({ configFile: await fileWith('cloud', 'selfhosted', 'control') });
  const acme = clients.tenant('acme');
  const handle = acme.schedule.getHandle('s');
  const began = Date.now();
  await expect(acme.withDeadline(began + 300, () => handle.describe())).rejects.toMatchObject({
    cause: { code: status.DEADLINE_EXCEEDED, details: expect.stringContaining('the route') },
  });
  await expect(acme.withAbortSignal(AbortSignal.timeout(300), () => handle.pause())).rejects.toMatchObject({
    cause: { code: status.CANCELLED, details: expect.stringContaining('the route') },
  });
  expect(Date.now() - began).toBeLessThan(3_000);
  await clients.close();
}, 30_000);

test('a key that no header can have is refused before it is sent, and never shown', async () => {
  const configFile = await fileWith('cloud', 'selfhosted', 'control');
  const toml = await readFile(configFile, 'utf8');
  const refused = /^profile "\w+": .* has a character that no header can have/;
  for (const profile of ['cloud', 'selfhosted', 'control']) {
    await writeFile(configFile, toml.replace(`[profile.${profile}]`, `$&\napi_key = "SECRET\\n"`));
    const make = () => new TenantClients({ configFile });
    expect(make).toThrow(UnknownProfile);
    expect(make).toThrow(refused);
    expect(make).not.toThrow(/SECRET/);
  }
  await writeFile(configFile, toml);
  // Such as a key that was read from a file with a line break at its end.
  const connectionOptions = () => ({ metadata: { authorization: 'Bearer SECRET\n' } });
  const clients = new TenantClients({ configFile, assume: 'cloud', connectionOptions });
  expect(() => clients.connection('cloud')).toThrow(refused);
  expect(() => clients.connection('cloud')).not.toThrow(/SECRET/);
  await clients.close();
});

test.each([
  ['none of the clusters', ['control'], {}, /no profile "cloud".*it has "control"/],
  [
    'two clusters and nobody who says which',
    ['cloud', 'selfhosted'],
    {},
    /no profile "control".*"cloud", "selfhosted".*assume/,
  ],
  [
    'an assumed one that is not there',
    ['cloud', 'control'],
    { assume: 'selfhosted' },
    /`assume` is "selfhosted".*it has "cloud"/,
  ],
  [
    'others than were asked for',
    ['cloud', 'control'],
    { clusters: ['east', 'west'] },
    /no profile "east".*"cloud", "control"/,
  ],
])('%s: refused at once', async (_title, profiles, options, message) => {
  const configFile = await fileWith(...profiles);
  const make = () => new TenantClients({ configFile, ...options });
  expect(make).toThrow(UnknownProfile);
  expect(make).toThrow(message);
});

test('a file that is not there is refused at once', () => {
  expect(() => new TenantClients({ configFile: join(dir, 'none.toml') })).toThrow(/there is no file/);
});
