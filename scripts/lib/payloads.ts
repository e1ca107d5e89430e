/** Protobuf values by hand, and randomness that can be had again. */
import { createHash } from 'node:crypto';
import type proto from '@temporalio/proto';
import Long from 'long';

type Payload = proto.temporal.api.common.v1.IPayload;

const utf8 = (text: string) => new TextEncoder().encode(text);

export interface Random {
  bytes: (count: number) => Uint8Array;
  below: (limit: number) => number;
}

/** A stream of hashes of seed and counter. */
export function randomFrom(seed: string): Random {
  let counter = 0;
  const next = () => createHash('sha256').update(`${seed}/${counter++}`).digest();
  return {
    bytes: (count) =>
      new Uint8Array(Buffer.concat(Array.from({ length: Math.ceil(count / 32) }, next)).subarray(0, count)),
    below: (limit) => next().readUInt32BE() % limit,
  };
}

/** What a codec of the tenant's made: nobody else can read it, and nobody may change a byte. */
export function encrypted(random: Random): Payload {
  return {
    metadata: {
      encoding: utf8('binary/encrypted'),
      'encryption-key-id': utf8('tenant-key-7'),
      nonce: random.bytes(12),
    },
    data: random.bytes(24 + random.below(64)),
  };
}

export function plain(value: unknown): Payload {
  return { metadata: { encoding: utf8('json/plain') }, data: utf8(JSON.stringify(value)) };
}

export function keyword(value: string): Payload {
  return { metadata: { encoding: utf8('json/plain'), type: utf8('Keyword') }, data: utf8(JSON.stringify(value)) };
}

export function duration(seconds: number): { seconds: Long } {
  return { seconds: Long.fromNumber(seconds) };
}

export const timestamp = duration;
