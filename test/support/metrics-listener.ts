/** A metrics server on this machine that says what a test wants, and keeps what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  path: string;
  method: string;
  headers: IncomingMessage['headers'];
  parameters: URLSearchParams;
}

export interface MetricsListener {
  url: string;
  asked: Asked[];
  /** How the next questions are answered. */
  answer: (response: ServerResponse) => void;
  close: () => Promise<void>;
}

export async function metricsListener(): Promise<MetricsListener> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://listener');
      asked.push({
        path: pathname,
        method: request.method ?? '',
        headers: request.headers,
        parameters: request.method === 'POST' ? new URLSearchParams(body) : searchParams,
      });
      listener.answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const listener: MetricsListener = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (response) => response.end(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return listener;
}

async function read(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request) body += String(chunk);
  return body;
}

export function json(body: unknown, status = 200): MetricsListener['answer'] {
  return (response) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

export function plain(body: string, status = 200, headers: Record<string, string> = {}): MetricsListener['answer'] {
  return (response) => response.writeHead(status, headers).end(body);
}
