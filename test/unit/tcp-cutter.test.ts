import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { portOf } from '../../scripts/lib/process.ts';
import { type Cutter, startCutter } from '../../scripts/lib/tcp-cutter.ts';
import { waitFor } from '../../scripts/lib/wait.ts';

let server: Server;
let cutter: Cutter;
/** What reached the server. */
let asked: string;

/** Answers everything with the same in capitals. */
beforeEach(async () => {
  asked = '';
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      asked += chunk.toString();
      socket.write(chunk.toString().toUpperCase());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cutter = await startCutter(`127.0.0.1:${portOf(server)}`);
});

afterEach(async () => {
  await cutter.close();
  server.close();
});

interface Caller {
  socket: Socket;
  heard: () => string;
  /** Error code, or `closed`. */
  ended: Promise<string>;
}

function call(text: string): Caller {
  const [host, port] = cutter.address.split(':');
  const socket = connect({ host, port: Number(port) });
  let heard = '';
  let code = 'closed';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code ?? ''));
  const ended = new Promise<string>((resolve) => {
    socket.once('close', () => resolve(code));
  });
  socket.write(text);
  return { socket, heard: () => heard, ended };
}

const hears = (caller: Caller, text: string) =>
  waitFor({ what: `the answer ${text}`, timeoutMs: 2_000, everyMs: 5 }, async () => caller.heard() === text);

test('passes on what it is given, and closes when one side does', async () => {
  const caller = call('one');
  await hears(caller, 'ONE');
  expect(cutter.connections()).toBe(1);
  caller.socket.end();
  expect(await caller.ended).toBe('closed');
});

test('a cut resets what is open and lets the next one through', async () => {
  const caller = call('one');
  await hears(caller, 'ONE');
  cutter.cut();
  expect(await caller.ended).toBe('ECONNRESET');
  await hears(call('two'), 'TWO');
});

test('refuses for a while', async () => {
  const over = cutter.refuse(100);
  expect(await call('one').ended).toBe('ECONNRESET');
  await over;
  expect(asked).toBe('');
  await hears(call('two'), 'TWO');
});

test('a stall holds everything back and loses nothing', async () => {
  const caller = call('one');
  await hears(caller, 'ONE');
  const over = cutter.stall(100);
  caller.socket.write('two');
  await delay(50);
  expect(asked).toBe('one');
  await over;
  await hears(caller, 'ONETWO');
});

test('deaf, what is asked is done and the answer is gone with the connection', async () => {
  const caller = call('one');
  await hears(caller, 'ONE');
  const over = cutter.deafen(100);
  caller.socket.write('two');
  await over;
  expect(await caller.ended).toBe('ECONNRESET');
  expect(asked).toBe('onetwo');
  expect(caller.heard()).toBe('ONE');
  await hears(call('three'), 'THREE');
});
