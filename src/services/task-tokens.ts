/** A task token is of one cluster and does not say of which: the others do not know it. */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../clusters/calls.ts';
import { placesOf } from './locate.ts';
import { type Parts, send } from './parts.ts';

/** What a cluster says to a token of another: it knows neither its workflow nor its namespace. */
const NOT_MINE = new Set([status.NOT_FOUND, status.INVALID_ARGUMENT, status.PERMISSION_DENIED]);
const UNREACHABLE = new Set([status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED]);
/** For one cluster of several to answer: the token may be of the next one. */
const ANSWER_MS = 5_000;

export function byTaskToken(parts: Parts, method: string): (request: object, taskToken: Uint8Array) => Promise<object> {
  return async (request, taskToken) => {
    const { memory, scope, time } = parts;
    // Heartbeats come often: the second one knows.
    const key = `\0task ${Buffer.from(taskToken).toString('base64')}`;
    const { all, era } = await placesOf(parts, '');
    const known = memory.get(key)?.profile;
    let refused: unknown;
    let unreachable: unknown;
    for (const profile of known === undefined ? all : [known, ...all.filter((name) => name !== known)]) {
      const alone = profile === known || all.length === 1;
      try {
        const answer = await scope.by(alone ? Infinity : time.now() + ANSWER_MS, () =>
          send(parts, profile, method, request),
        );
        memory.set(key, undefined, { profile, era });
        return answer;
      } catch (error) {
        const code = codeOf(error) ?? status.OK;
        if (NOT_MINE.has(code)) refused ??= error;
        else if (alone || scope.isOver || !UNREACHABLE.has(code)) throw error;
        else unreachable ??= error;
      }
    }
    // Nobody else's: it may be of the one that could not be asked.
    throw unreachable ?? refused;
  };
}
