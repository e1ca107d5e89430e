/**
 * What stands before Temporal Cloud, in small: TLS, and no call without the API key. Behind it is a plain dev server.
 * It forwards gRPC stream by stream, so deadlines, cancellation and long polls behave as without it.
 */
import {
  connect,
  constants,
  createSecureServer,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { once } from 'node:events';
import { makeCertificates } from './certificates.ts';
import { portOf } from './process.ts';

/**
 * `lose-answer`: the call is done, but its caller hears that the connection was lost and cannot know. The SDK's own
 * retries are to cope with that, and so is everything that writes.
 */
export type Treatment = 'forward' | 'lose-answer';

/** A call that went through, as its caller saw it. Times are epoch milliseconds. */
export interface SeenCall {
  /** Such as `UpdateSchedule`. */
  method: string;
  sentMs: number;
  answeredMs: number;
  /** gRPC's number as text; `0` is success, empty where the call was cancelled or broke off. */
  status: string;
  /** The request's protobuf bytes, as sent. */
  request: Uint8Array;
}

export interface GateOptions {
  /** `host:port` of the plain server. */
  upstream: string;
  apiKey: string;
  /** Asked for every admitted call, with the method's name such as `UpdateSchedule`. @default everything is forwarded */
  treat?: (method: string) => Treatment;
  /** Told of every admitted call once it has ended. */
  observe?: (call: SeenCall) => void;
}

export interface Gate {
  address: string;
  /** PEM of the authority clients must trust. */
  authority: string;
  close: () => Promise<void>;
}

const status = { unauthenticated: '16', unavailable: '14' };

export async function startGate(options: GateOptions): Promise<Gate> {
  const { upstream, apiKey, treat = () => 'forward', observe } = options;
  const certificates = await makeCertificates();
  const gate = createSecureServer({ key: certificates.key, cert: certificates.certificate });
  const callers = new Set<ServerHttp2Session>();

  gate.on('session', (caller: ServerHttp2Session) => {
    callers.add(caller);
    const server = upstreamSession(`http://${upstream}`);
    // A caller that resets its connection has gone; what it asked for is cancelled by `close`.
    caller.on('error', () => undefined);
    caller.once('close', () => {
      callers.delete(caller);
      server.close();
    });
    caller.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => undefined);
      if (headers.authorization === `Bearer ${apiKey}`) {
        const call = forward(stream, headers, server.current, treat);
        if (observe) report(stream, call, methodOf(headers), observe);
      } else refuse(stream, status.unauthenticated, 'Request unauthorized: the API key is missing or wrong.');
    });
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');

  return {
    address: `127.0.0.1:${portOf(gate)}`,
    authority: certificates.authority,
    close: async () => {
      const closed = once(gate, 'close');
      gate.close();
      for (const caller of callers) caller.destroy();
      await closed;
    },
  };
}

/**
 * One connection to the server per connection of a caller. The server ends a connection every few minutes (GOAWAY):
 * calls under way finish on the old one, new ones go to the next, and the caller's own connection lives on.
 */
function upstreamSession(url: string): { current: () => ClientHttp2Session; close: () => void } {
  const open = new Set<ClientHttp2Session>();
  let session: ClientHttp2Session | undefined;
  return {
    current: () => {
      if (session && !session.closed && !session.destroyed) return session;
      const next = connect(url);
      // Its streams fail with it and are answered one by one.
      next.on('error', () => undefined);
      next.once('close', () => open.delete(next));
      open.add(next);
      session = next;
      return next;
    },
    close: () => {
      for (const each of open) each.destroy();
    },
  };
}

function forward(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  session: () => ClientHttp2Session,
  treat: (method: string) => Treatment,
): ClientHttp2Stream {
  const treatment = treat(methodOf(headers));
  const { authorization: _secret, ...rest } = headers;
  const call = session().request({ ...rest, ':scheme': 'http' });
  let trailers: OutgoingHttpHeaders = {};

  call.on('error', () => undefined);
  call.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  call.on('response', (answer, flags) => {
    if (stream.destroyed || treatment === 'lose-answer') return;
    // An error has no body: its status comes in the first and only block of headers.
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    stream.respond(answer, { endStream, waitForTrailers: !endStream });
  });
  if (treatment === 'forward') call.pipe(stream);
  else {
    call.resume();
    call.once('end', () => refuse(stream, status.unavailable, 'the connection was lost before the answer came'));
  }

  stream.pipe(call);
  stream.once('close', () => {
    if (!call.closed)
      call.close(stream.rstCode === constants.NGHTTP2_NO_ERROR ? constants.NGHTTP2_CANCEL : stream.rstCode);
  });
  // A server that ends in order closes its calls without an error: unanswered, a long poll would wait for its deadline.
  call.once('close', () => {
    if (!stream.headersSent) refuse(stream, status.unavailable, 'the server behind the gate cannot be reached');
    else if (!stream.closed && call.rstCode !== constants.NGHTTP2_NO_ERROR) stream.close(call.rstCode);
  });
  return call;
}

function methodOf(headers: IncomingHttpHeaders): string {
  return headers[':path']?.split('/').at(-1) ?? '';
}

/** Listens beside the forwarding and changes nothing of it. */
function report(
  stream: ServerHttp2Stream,
  call: ClientHttp2Stream,
  method: string,
  observe: (call: SeenCall) => void,
): void {
  const sentMs = Date.now();
  const chunks: Buffer[] = [];
  let answeredMs: number | undefined;
  let grpcStatus = '';
  const take = (headers: IncomingHttpHeaders): void => {
    const found = headers['grpc-status'];
    if (found === undefined) return;
    grpcStatus = String(found);
    answeredMs = Date.now();
  };
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  call.on('response', take);
  call.on('trailers', take);
  call.once('close', () => {
    // A byte for compression and four for the length come before a gRPC message.
    const request = new Uint8Array(Buffer.concat(chunks).subarray(5));
    observe({ method, sentMs, answeredMs: answeredMs ?? Date.now(), status: grpcStatus, request });
  });
}

function refuse(stream: ServerHttp2Stream, code: string, message: string): void {
  if (stream.destroyed || stream.headersSent) return;
  const answer = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': code, 'grpc-message': message };
  stream.respond(answer, { endStream: true });
}
