/** A page token that says which cluster it is of, and which are still to come. */
import { status } from '@grpc/grpc-js';
import * as v from 'valibot';
import { callError } from './scope.ts';

export interface PageToken {
  profile: string;
  /** Of the cluster; empty: from its beginning. */
  token: Uint8Array;
  /** Profiles after this one. */
  left?: string[];
}

const schema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ profile: v.string(), token: v.string(), left: v.optional(v.array(v.string())) }),
);

export function writePageToken({ profile, token, left }: PageToken): Uint8Array {
  return Buffer.from(JSON.stringify({ profile, token: Buffer.from(token).toString('base64'), left }));
}

export function readPageToken(token: Uint8Array): PageToken {
  const read = v.safeParse(schema, Buffer.from(token).toString());
  if (!read.success) {
    throw callError(status.INVALID_ARGUMENT, 'the page token is not one that this client gave: begin without a token');
  }
  const { profile, left, token: own } = read.output;
  return { profile, token: Buffer.from(own, 'base64'), ...(left && { left }) };
}
