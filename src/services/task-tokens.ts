/** A task token is of one cluster and does not say of which: the others do not know it. */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../clusters/calls.ts';
import { placesOf } from './locate.ts';
import { type Parts, send } from './parts.ts';

/** What a cluster says to a token of another: it knows neither its workflow nor its namespace. */
const NOT_MINE = new Set([status.NOT_FOUND, status.INVALID_ARGUMENT, status.PERMISSION_DENIED]);

export function byTaskToken(parts: Parts, method: string): (request: object, taskToken: Uint8Array) => Promise<object> {
  return async (request, taskToken) => {
    // Heartbeats come often: the second one knows.
    const key = `\0task ${Buffer.from(taskToken).toString('base64')}`;
    const { all, era } = await placesOf(parts, '');
    const first = parts.memory.get(key)?.profile;
    let refused: unknown;
    for (const profile of first === undefined ? all : [first, ...all.filter((name) => name !== first)]) {
      try {
        const answer = await send(parts, profile, method, request);
        parts.memory.set(key, undefined, { profile, era });
        return answer;
      } catch (error) {
        if (!NOT_MINE.has(codeOf(error) ?? status.OK)) throw error;
        refused ??= error;
      }
    }
    throw refused;
  };
}
