/**
 * One question to a metrics server over plain fetch: a time limit over the whole answer, a bound on its size, and errors
 * that say what happened without the address or the token, since they end up in a workflow's history.
 */

const MAX_BYTES = 4 * 1024 * 1024;
const TIMEOUT_MS = 20_000;

export interface Question {
  /** How people call the server, for errors. */
  server: string;
  url: URL;
  method?: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: URLSearchParams;
  /** Never told, wherever they turn up. */
  secrets: readonly (string | undefined)[];
  signal: AbortSignal;
  timeoutMs?: number;
}

export interface Answer {
  status: number;
  /** Undefined where the answer is no JSON. */
  json: unknown;
}

/** Throws where there is no whole answer; an HTTP status of any kind is one. */
export async function ask(question: Question): Promise<Answer> {
  const { server, url, method = 'GET', headers, body, signal, timeoutMs = TIMEOUT_MS } = question;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body && { body }),
      // Followed, it would give the token to whoever is pointed at, and mostly it is a page to log in at.
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    });
    return { status: response.status, json: parsed(await bounded(response, server)) };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) throw new Error(`${server} did not answer within ${timeoutMs / 1000} s`);
    if (error instanceof TooLong) throw error;
    throw new Error(`${server} could not be asked: ${whyNot(error)}`);
  }
}

class TooLong extends Error {}

async function bounded(response: Response, server: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BYTES)
      throw new TooLong(`${server} answers with more than ${MAX_BYTES / 1024 / 1024} MB: aggregate the query`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** fetch tells the address in some messages; its codes are plain. */
function whyNot(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string')
    return cause.code;
  return cause instanceof Error ? cause.name : 'no connection';
}

/** What a server said in its own words, short, with nothing that is to stay secret. */
export function quoted(said: unknown, { url, secrets }: Pick<Question, 'url' | 'secrets'>): string {
  if (typeof said !== 'string') return '';
  let text = said.replaceAll(/\s+/g, ' ').trim();
  for (const hidden of [...secrets, url.href, url.origin, url.host, url.hostname]) {
    if (hidden) text = text.replaceAll(hidden, '…');
  }
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
