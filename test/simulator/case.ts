/** What a simulated handover is made of: drawn by fast-check, printed when it fails, played again from its seed. */
import * as fc from 'fast-check';
import type { Engine } from '../../src/schedules/ports.ts';

export const POLICIES = ['ALLOW_ALL', 'SKIP', 'BUFFER_ONE', 'BUFFER_ALL', 'CANCEL_OTHER', 'TERMINATE_OTHER'] as const;
export type PolicyName = (typeof POLICIES)[number];

export interface SpecCase {
  /** Seconds. */
  intervals: { every: number; phase: number }[];
  /** Seconds of every minute, instead of the intervals. */
  calendar?: number[];
  /** Seconds of every minute that are left out, [from, to]. */
  exclude?: [number, number];
  jitterMs: number;
  /** The user's own end, ms after the world's start. */
  endsInMs?: number;
  /** The user's own start, ms after the world's start. */
  startsInMs?: number;
}

export type FaultKind = 'undelivered' | 'lost' | 'late' | 'twice' | 'storm' | 'crash-before' | 'crash-after';

/** At the n-th call of an attempt. Reads are never late or sent twice: that would be the same as slow. */
export interface Fault {
  call: number;
  kind: FaultKind;
  /** How late, how long; what it means depends on the kind, ms. */
  ms: number;
}

export type UserDoes = 'edit' | 'pause' | 'unpause' | 'delete' | 'trigger' | 'backfill';

export interface UserAct {
  call: number;
  does: UserDoes;
  /** On the side that runs it, as a user who looks first would; or on either, whatever it shows. */
  on: 'owner' | 'a' | 'b';
}

export interface Attempt {
  forward: boolean;
  faults: Fault[];
  user?: UserAct;
  /** A second worker makes the same attempt at the same time, this much later, ms: the first one was given up too early. */
  zombieMs?: number;
  /** Nobody waits for its outcome any more, this much later, ms. */
  hurriedMs?: number;
  thenWaitMs: number;
}

export interface Case {
  seed: number;
  engines: [Engine, Engine];
  spec: SpecCase;
  policy: PolicyName;
  /** Runs take up to this, ms. */
  runMs: number;
  /** One run of this many fails; 0: none does. */
  failsOneIn: number;
  pauseOnFailure: boolean;
  cancelMs: number;
  /** Actions left when it is created. */
  limit?: number;
  skewMs: [number, number];
  /** V1: how long an update is queued at most, ms. */
  applyMs: number;
  /** V2: how long a start is under way at most, ms. */
  startMs: number;
  consistentReads: boolean;
  attempts: Attempt[];
}

function oneIn<T>(n: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: n - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

const engine = fc.constantFrom<Engine>('v1', 'v2');
const fault: fc.Arbitrary<Fault> = fc.record({
  call: fc.oneof(fc.nat(12), fc.nat(60)),
  kind: fc.constantFrom<FaultKind>(
    'undelivered',
    'lost',
    'late',
    'twice',
    'storm',
    'crash-before',
    'crash-before',
    'crash-after',
    'crash-after',
  ),
  ms: fc.oneof(fc.nat(1_000), fc.nat(20_000)),
});
const attempt: fc.Arbitrary<Attempt> = fc.record({
  forward: fc.boolean(),
  faults: fc.array(fault, { maxLength: 3 }),
  zombieMs: oneIn(12, fc.nat(3_000)),
  thenWaitMs: fc.oneof(fc.nat(500), fc.nat(20_000)),
});
export const userAct: fc.Arbitrary<UserAct> = fc.record({
  call: fc.nat(40),
  does: fc.constantFrom<UserDoes>('edit', 'edit', 'pause', 'unpause', 'delete', 'trigger', 'backfill'),
  on: fc.constantFrom('owner', 'owner', 'owner', 'a', 'b'),
});

const every = fc.integer({ min: 1, max: 20 });
const spec: fc.Arbitrary<SpecCase> = fc
  .record({
    intervals: fc.oneof(
      { weight: 4, arbitrary: fc.tuple(every) },
      { weight: 1, arbitrary: fc.tuple(every, every) },
      { weight: 1, arbitrary: fc.tuple(fc.integer({ min: 30, max: 120 })) },
    ),
    calendar: oneIn(6, fc.uniqueArray(fc.nat(59), { minLength: 1, maxLength: 8 })),
    exclude: oneIn(8, fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 15 }))),
    jitterShare: fc.constantFrom(0, 0, 0.2, 0.7, 1),
    endsInMs: oneIn(10, fc.integer({ min: 20_000, max: 120_000 })),
    startsInMs: oneIn(12, fc.integer({ min: 1_000, max: 60_000 })),
  })
  .map(({ intervals, calendar, exclude, jitterShare, endsInMs, startsInMs }) => ({
    intervals: calendar ? [] : intervals.map((seconds) => ({ every: seconds, phase: seconds > 2 ? 1 : 0 })),
    calendar: calendar?.toSorted((a, b) => a - b),
    exclude: exclude && ([exclude[0], exclude[0] + exclude[1]] as [number, number]),
    jitterMs: Math.floor((calendar ? 5 : Math.min(...intervals)) * 1000 * jitterShare),
    endsInMs,
    startsInMs,
  }));

export interface Choice {
  policies: readonly PolicyName[];
  users: boolean;
  /** Limited actions. */
  limits: boolean;
  /** Clusters whose clocks differ. */
  skew: boolean;
  /** Two workers at the same schedule at once. */
  zombies: boolean;
}

export const ALL: Choice = { policies: POLICIES, users: true, limits: true, skew: true, zombies: true };
/** What the handover does not hold yet is left out unless asked for. */
export const HOLDS: Choice = process.env['FERRY_SIM_ALL'] ? ALL : { ...ALL, limits: false, zombies: false };

export function cases({ policies, users, limits, skew, zombies }: Choice): fc.Arbitrary<Case> {
  return fc
    .record({
      seed: fc.nat(),
      engines: fc.tuple(engine, engine),
      spec,
      policy: fc.constantFrom(...policies),
      runMs: fc.constantFrom(0, 0, 500, 3_000, 15_000, 45_000),
      failsOneIn: fc.constantFrom(0, 0, 0, 2, 5),
      pauseOnFailure: fc.boolean(),
      cancelMs: fc.constantFrom(50, 1_000, 6_000),
      limit: oneIn(6, fc.integer({ min: 1, max: 30 })),
      skewMs: fc.oneof(
        { weight: 3, arbitrary: fc.constant<[number, number]>([0, 0]) },
        {
          weight: 1,
          arbitrary: fc.tuple(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: -2_000, max: 2_000 })),
        },
      ),
      applyMs: fc.constantFrom(50, 300, 2_000),
      startMs: fc.constantFrom(30, 100, 1_000),
      consistentReads: fc.constantFrom(true, true, true, false),
      attempts: fc.array(attempt, { minLength: 1, maxLength: 4 }),
      user: fc.tuple(fc.nat(3), userAct),
    })
    .map(({ user, ...it }) => ({
      ...it,
      // More than a scheduler can work off would only be a backlog that grows.
      runMs:
        it.policy === 'BUFFER_ALL'
          ? Math.min(it.runMs, 1_200 * Math.min(10, 1 / it.spec.intervals.reduce((rate, i) => rate + 1 / i.every, 0)))
          : it.runMs,
      limit: limits ? it.limit : undefined,
      skewMs: skew ? it.skewMs : ([0, 0] as [number, number]),
      attempts: it.attempts
        .map((at) => (zombies ? at : { ...at, zombieMs: undefined }))
        .map((at, i) => (users && i === user[0] % it.attempts.length ? { ...at, user: user[1] } : at)),
    }));
}
