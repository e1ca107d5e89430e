/**
 * The real handover between two fake clusters: cut off at any call, acknowledgements lost, users at work, either way, on
 * every pairing of engines. Whatever happened, every nominal time has run exactly once when it is over.
 */
import * as fc from 'fast-check';
import Long from 'long';
import proto from '@temporalio/proto';
import { expect, test } from 'vitest';
import { differingFields } from '../../../src/schedules/canonical.ts';
import { type Handover, type HandoverResult, handOver } from '../../../src/schedules/handover.ts';
import { readNote } from '../../../src/schedules/note.ts';
import type { Engine } from '../../../src/schedules/ports.ts';
import { type Schedule, toMs } from '../../../src/schedules/times.ts';
import { Crash, FakeCluster, World } from '../../support/fake-clusters.ts';

const { SCHEDULE_OVERLAP_POLICY_ALLOW_ALL } = proto.temporal.api.enums.v1.ScheduleOverlapPolicy;
const NOTE = 'nightly, ask Ada';
const RUNS = Number(process.env['FERRY_FAKE_RUNS'] ?? 1000);
interface Attempt {
  forward: boolean;
  /** Dies at this call, before or after it; undefined: goes through. */
  crash?: { call: number; after: boolean };
  /** This update is never delivered, and says nothing. */
  lost?: number;
  /** What a user does at this call. */
  user?: { call: number; what: 'edit' | 'pause' | 'unpause' | 'delete' };
  thenWaitMs: number;
}

interface Case {
  seed: number;
  engines: [Engine, Engine];
  every: number;
  jitterMs: number;
  applyMs: number;
  attempts: Attempt[];
}

const attempt: fc.Arbitrary<Attempt> = fc.record({
  forward: fc.boolean(),
  crash: fc.option(fc.record({ call: fc.nat(40), after: fc.boolean() }), { nil: undefined }),
  lost: fc.option(fc.nat(4), { nil: undefined, freq: 2 }),
  thenWaitMs: fc.oneof(fc.nat(500), fc.nat(20_000)),
});
const user: fc.Arbitrary<Attempt['user']> = fc.record({
  call: fc.nat(30),
  what: fc.constantFrom('edit', 'edit', 'pause', 'unpause', 'delete'),
});
const engine = fc.constantFrom<Engine>('v1', 'v2');
const anyCase: fc.Arbitrary<Case> = fc
  .record({
    seed: fc.nat(),
    engines: fc.tuple(engine, engine),
    every: fc.integer({ min: 1, max: 20 }),
    jitterShare: fc.constantFrom(0, 0, 0.2, 0.7, 1),
    applyMs: fc.constantFrom(50, 300, 2_000),
    attempts: fc.array(attempt, { minLength: 1, maxLength: 4 }),
  })
  .map(({ jitterShare, ...rest }) => ({
    ...rest,
    jitterMs: Math.floor(rest.every * 1000 * jitterShare),
  }));

function written(every: number, jitterMs: number): Schedule {
  const spec = {
    interval: [{ interval: seconds(every), phase: seconds(every > 2 ? 1 : 0) }],
    jitter: millis(jitterMs),
  };
  const action = { startWorkflow: { workflowId: 's-run', workflowType: { name: 'w' }, taskQueue: { name: 'q' } } };
  const policies = { overlapPolicy: SCHEDULE_OVERLAP_POLICY_ALLOW_ALL, catchupWindow: seconds(365 * 86_400) };
  return { spec, action, policies, state: { notes: NOTE } };
}

class Play {
  readonly world: World;
  readonly a: FakeCluster;
  readonly b: FakeCluster;
  readonly startedAt: number;
  readonly case: Case;
  readonly bothOpen: string[] = [];
  readonly told: string[] = [];
  #at: Attempt | undefined;
  #calls = 0;
  #updates = 0;

  constructor(it: Case) {
    this.case = it;
    this.world = new World(it.seed);
    const [a, b] = it.engines;
    this.a = new FakeCluster(this.world, 'a', { engine: a, applyMs: it.applyMs });
    this.b = new FakeCluster(this.world, 'b', { engine: b, applyMs: it.applyMs });
    this.startedAt = this.world.time;
    this.world.before = ({ cluster, method }) => {
      const call = this.#calls++;
      if (this.#at?.user?.call === call) this.#user(this.#at.user.what);
      if (this.#at?.crash?.call === call && !this.#at.crash.after) throw new Crash(`before ${method}`);
      if (method !== 'update') return undefined;
      this.told.push(`${this.#seconds()} update ${cluster.profile}`);
      return this.#at?.lost === this.#updates++ ? 'lost' : undefined;
    };
    this.world.after = ({ method }) => {
      if (this.#at?.crash?.call === this.#calls - 1 && this.#at.crash.after) throw new Crash(`after ${method}`);
    };
    this.world.watch = () => {
      if (this.#bothOpen()) this.bothOpen.push(this.#seconds());
    };
  }

  #seconds(): string {
    return ((this.world.time - this.startedAt) / 1000).toFixed(2);
  }

  #bothOpen(): boolean {
    const [a, b] = [this.a, this.b].map((side) => side.kept.get('s')?.content.schedule);
    if (!a || !b || a.state?.paused || b.state?.paused) return false;
    const apart = (x: Schedule, y: Schedule): boolean =>
      (toMs(x.spec?.endTime) ?? Infinity) < Math.max(toMs(y.spec?.startTime) ?? 0, this.world.time);
    return !apart(a, b) && !apart(b, a);
  }

  #user(what: NonNullable<Attempt['user']>['what']): void {
    this.told.push(`${this.#seconds()} user: ${what}`);
    // Whoever is not our paused copy; while both rest, a user waits.
    const owner = [this.a, this.b].find((side) => {
      const kept = side.kept.get('s');
      return kept && readNote(kept.content.schedule.state?.notes).mark?.kind !== 'standby';
    });
    if (!owner) return;
    if (what === 'delete') owner.kept.delete('s');
    else if (what === 'edit') {
      owner.edit('s', (s) => ({ ...s, action: { startWorkflow: { ...s.action?.startWorkflow, cronSchedule: 'x' } } }));
    } else owner.pause('s', what === 'pause', `${what} by hand`);
  }

  async attempt(at: Attempt): Promise<HandoverResult | undefined> {
    this.#at = at;
    this.#calls = 0;
    this.#updates = 0;
    const [source, target] = at.forward ? [this.a, this.b] : [this.b, this.a];
    const handover: Handover = { source, target, time: this.world, migration: 'm', leadMs: 4_000, idleLimitMs: 60_000 };
    this.told.push(`${this.#seconds()} ${at.forward ? 'a to b' : 'b to a'}`);
    try {
      const result = await handOver(handover, 's');
      this.told.push(`${this.#seconds()} ${result.outcome} ${result.reason?.code ?? ''}`);
      return result;
    } catch (error) {
      // Anything but a dying worker fails the step, which is tried again: the same thing from here.
      this.told.push(`${this.#seconds()} ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    } finally {
      this.#at = undefined;
      this.world.advance(at.thenWaitMs);
    }
  }

  async run(): Promise<'a' | 'b'> {
    await this.a.create('s', { schedule: written(this.case.every, this.case.jitterMs) });
    this.world.advance(this.case.every * 1000 + 500);
    for (const at of this.case.attempts) await this.attempt(at);
    const forward = this.case.attempts.at(-1)?.forward ?? true;
    for (let i = 0; i < 10; i++) {
      const result = await this.attempt({ forward, thenWaitMs: 5_000 });
      if (result && result.outcome !== 'failed') break;
    }
    // The watch takes off a bound that had to stay.
    this.world.advance(45_000);
    await this.attempt({ forward, thenWaitMs: 0 });
    this.world.advance(this.case.every * 2_000 + 1_000);
    return forward ? 'b' : 'a';
  }

  verdicts(): string[] {
    const { every } = this.case;
    const wrong: string[] = [];
    const phase = every > 2 ? 1 : 0;
    const [from, to] = [this.startedAt / 1000, this.world.time / 1000 - 2 * every];
    for (let n = (Math.floor(from / every) + 1) * every + phase; n < to; n += every) {
      const ran = [this.a, this.b].filter((side) =>
        side.runs.has(`s-run-${new Date(n * 1000).toISOString().replace('.000', '')}`),
      );
      if (ran.length !== 1)
        wrong.push(`${n - from}: ran on ${ran.map((side) => side.profile).join(' and ') || 'neither'}`);
    }
    return wrong;
  }

  /** What is not as its user wrote it. */
  state(owner: 'a' | 'b'): string[] {
    const [own, other] = owner === 'a' ? [this.a, this.b] : [this.b, this.a];
    const is = own.kept.get('s')?.content.schedule;
    if (!is) return ['the owner does not have it'];
    const wrong = differingFields({ schedule: is }, { schedule: written(this.case.every, this.case.jitterMs) });
    if (is.state?.notes !== NOTE) wrong.push(`note ${is.state?.notes}`);
    if (is.state?.paused) wrong.push('owner paused');
    if (other.kept.get('s')?.content.schedule.state?.paused !== true && other.kept.has('s'))
      wrong.push('standby not paused');
    return wrong;
  }
}

function seconds(n: number) {
  return { seconds: Long.fromNumber(n), nanos: 0 };
}

function millis(ms: number) {
  return { seconds: Long.fromNumber(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

test('every nominal time runs once, whatever is cut off or lost, either way', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(anyCase, async (it) => {
      const play = new Play(it);
      const owner = await play.run();
      const found = { wrong: play.verdicts(), state: play.state(owner), bothOpen: play.bothOpen, told: play.told };
      expect(found).toEqual({ wrong: [], state: [], bothOpen: [], told: play.told });
    }),
    { numRuns: RUNS },
  );
});

test('users who edit, pause or delete meanwhile never get a run twice', { timeout: 60_000 }, async () => {
  const withUser = fc.tuple(anyCase, user).map(([it, does]) => {
    const [first, ...rest] = it.attempts;
    return { ...it, attempts: first ? [{ ...first, user: does }, ...rest] : rest };
  });
  await fc.assert(
    fc.asyncProperty(withUser, async (it) => {
      const play = new Play(it);
      await play.run();
      const found = { wrong: play.verdicts().filter((v) => !v.endsWith('neither')), told: play.told };
      expect(found).toEqual({ wrong: [], told: play.told });
    }),
    { numRuns: RUNS },
  );
});
