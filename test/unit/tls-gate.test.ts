import { once } from 'node:events';
import { connect, createServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { portOf } from '../../scripts/lib/process.ts';
import { startGate } from '../../scripts/lib/tls-gate.ts';

test.each<[how: string, end: (session: ServerHttp2Session, socket: Socket) => void]>([
  ['in order', (session) => session.destroy()],
  ['by a kill', (_session, socket) => socket.resetAndDestroy()],
])('a call that waits at a server is answered when that server ends %s', async (_how, end) => {
  const server = createServer();
  const connected = once(server, 'connection');
  const opened = once(server, 'session');
  // Like a long poll: its answer never comes.
  const asked = once(server, 'stream');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const gate = await startGate({ upstream: `127.0.0.1:${portOf(server)}`, apiKey: 'key' });
  const client = connect(`https://${gate.address}`, { ca: gate.authority, servername: 'localhost' });
  onTestFinished(async () => {
    client.destroy();
    await gate.close();
    server.close();
  });

  const call = client.request({ ':path': '/service/Poll', ':method': 'POST', authorization: 'Bearer key' });
  const answered = once(call, 'response');
  await asked;
  const [[session], [socket]] = [await opened, await connected];
  end(session, socket);
  const [headers] = await answered;
  expect(headers['grpc-status']).toBe('14');
});
