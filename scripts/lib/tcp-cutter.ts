/**
 * A TCP proxy whose connections can be broken in the ways networks break them. It knows nothing of what passes, so TLS
 * and HTTP/2 are as they are without it. Our own and not toxiproxy: it is one short file, needs no second program on the
 * machine, and can hold back answers alone, which is how a write is applied and nobody hears of it.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { portOf } from './process.ts';

export interface Cutter {
  address: string;
  /** How many connections there are. */
  connections: () => number;
  /** Resets every connection; new ones are let through. */
  cut: () => void;
  /** Cuts, and resets new connections as well for a while. */
  refuse: (ms: number) => Promise<void>;
  /** Nothing passes for a while; then everything that was held does, late. */
  stall: (ms: number) => Promise<void>;
  /** Requests pass and answers do not, for a while; then all connections are cut, and the answers are gone. */
  deafen: (ms: number) => Promise<void>;
  close: () => Promise<void>;
}

export async function startCutter(upstream: string): Promise<Cutter> {
  const [host, port] = upstream.split(':');
  const sockets = new Set<Socket>();
  const requests = new Valve();
  const answers = new Valve();
  let refusing = false;

  const listener = createServer((caller) => {
    if (refusing) {
      caller.resetAndDestroy();
      return;
    }
    const server = connect({ host, port: Number(port) });
    for (const [one, other] of [
      [caller, server],
      [server, caller],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true);
      // Whatever ends one end is passed on to the other as a broken connection.
      one.on('error', () => undefined);
      one.once('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    caller.pipe(requests.stage()).pipe(server);
    server.pipe(answers.stage()).pipe(caller);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    address: `127.0.0.1:${portOf(listener)}`,
    connections: () => sockets.size / 2,
    cut,
    refuse: async (ms) => {
      refusing = true;
      cut();
      await delay(ms);
      refusing = false;
    },
    stall: async (ms) => {
      const release = [requests.shut(), answers.shut()];
      await delay(ms);
      for (const open of release) open();
    },
    deafen: async (ms) => {
      const open = answers.shut();
      await delay(ms);
      cut();
      open();
    },
    close: async () => {
      const closed = once(listener, 'close');
      listener.close();
      cut();
      await closed;
    },
  };
}

/** Lets bytes through, or holds them until it is opened again. */
class Valve {
  #open: Promise<unknown> = Promise.resolve();

  shut(): () => void {
    const opened = new AbortController();
    this.#open = once(opened.signal, 'abort');
    return () => opened.abort();
  }

  stage(): Transform {
    return new Transform({ transform: (chunk, _encoding, done) => void this.#pass(chunk, done) });
  }

  async #pass(chunk: Buffer, done: TransformCallback): Promise<void> {
    await this.#open;
    done(null, chunk);
  }
}
