/** Attempts whose outcome nobody waits for any more: the migration turns back, is paused, or was terminated. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Handover, type HandoverResult, handOver } from '../../../src/schedules/handover.ts';
import { type Case, HOLDS, cases } from '../../simulator/case.ts';
import { judge } from '../../simulator/judge.ts';
import { ID, Play, isStandby } from '../../simulator/play.ts';
import { plain } from './forms.ts';

/** One of its runs is nearly always open. */
const busy: Case = {
  ...plain,
  seed: 11,
  engines: ['v1', 'v1'],
  spec: { intervals: [{ every: 10, phase: 1 }], jitterMs: 0 },
  policy: 'SKIP',
  runMs: 50_000,
};

async function started(it: Case): Promise<Play> {
  const play = new Play(it);
  await play.a.create(ID, { schedule: play.user });
  play.world.advance(15_000);
  return play;
}

test('one that waits for an open run behind its fence goes back whole at once', async () => {
  const play = await started(busy);
  const from = play.world.now();
  const result = await play.attempt({ forward: true, faults: [], hurriedMs: 12_000, thenWaitMs: 0 });
  expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'interrupted' } });
  expect(play.world.now() - from).toBeLessThan(20_000);
  expect(play.a.schedule(ID)).toEqual(play.user);
  expect(isStandby(play.b.schedule(ID) ?? {})).toBe(true);
});

test('one that waits for an open run before anything is written leaves it so', async () => {
  const play = await started({ ...busy, spec: { intervals: [{ every: 60, phase: 5 }], jitterMs: 0 } });
  while (!play.a.busy(ID)) play.world.advance(1000);
  const from = play.world.now();
  const result = await play.attempt({ forward: true, faults: [], hurriedMs: 3_000, thenWaitMs: 0 });
  expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'interrupted' } });
  expect(play.world.now() - from).toBeLessThan(6_000);
  expect(play.a.schedule(ID)).toEqual(play.user);
});

test('one that finds the schedule untouched leaves it so', async () => {
  const play = await started({ ...busy, policy: 'ALLOW_ALL' });
  const result = await play.attempt({ forward: true, faults: [], hurriedMs: 0, thenWaitMs: 0 });
  expect(result).toMatchObject({ outcome: 'failed', reason: { code: 'interrupted' } });
  expect(play.a.schedule(ID)).toEqual(play.user);
});

async function calledOff(it: Case): Promise<void> {
  const attempts = it.attempts.map((at, i) => ({ ...at, hurriedMs: (it.seed >>> i) % 20_000 }));
  expect((await judge({ ...it, attempts })).wrong).toEqual([]);
}

test('called off at any moment, every nominal time still runs once', { timeout: 600_000 }, async () => {
  const any = cases({ ...HOLDS, users: false });
  await fc.assert(fc.asyncProperty(any, calledOff), { numRuns: RUNS, seed: 20_261_124 });
});

const RUNS = Number(process.env['FERRY_FAKE_RUNS'] ?? 2_000);

test('one whose migration was terminated does not take on again what the next has taken back', async () => {
  const play = await started(busy);
  const { a, b, world } = play;
  const settings = { time: world, leadMs: 4_000, idleLimitMs: 60_000 };
  let runs = true;
  const stillWanted = async (): Promise<boolean> => runs;
  const first: Handover = { ...settings, source: a, target: b, migration: 'first', stillWanted };
  let zombie: HandoverResult | undefined;
  await world.together([
    async () => (zombie = await handOver(first, ID)),
    async () => {
      while (!a.schedule(ID)?.state?.notes?.startsWith('[ferry fence')) await world.sleep(100);
      runs = false;
      expect(await handOver({ ...settings, source: b, target: a, migration: 'next' }, ID)).toMatchObject({
        outcome: 'handed-over',
      });
    },
  ]);
  expect(zombie).toMatchObject({ outcome: 'failed', reason: { code: 'taken-back' } });
  expect(a.schedule(ID)).toEqual(play.user);
  expect(isStandby(b.schedule(ID) ?? {})).toBe(true);
});
