import { expect, test } from 'vitest';
import { ranByHand } from '../../../src/schedules/opened-by-hand.ts';
import { readNote } from '../../../src/schedules/note.ts';
import type { Engine } from '../../../src/schedules/ports.ts';
import { nominalOf } from '../../../src/schedules/times.ts';
import type { SimCluster } from '../../simulator/cluster.ts';
import { ID, Play } from '../../simulator/play.ts';
import { plain } from './forms.ts';

const since = Date.UTC(2026, 0, 1);

function counted(shown: number, countRuns: () => Promise<number>): Promise<number> {
  const recent = Array.from({ length: 10 }, (_, i) => ({
    workflowId: 'w',
    dueMs: 0,
    startedMs: since - (10 - shown - i) * 1000 + 500,
  }));
  return ranByHand({ countRuns }, 'one', { recent, updatedMs: since });
}

test('what it shows is all of it, as long as it shows one from before', async () => {
  expect(await counted(9, async () => 12)).toBe(9);
});

test('of more than the ten it shows, the list tells how many', async () => {
  expect(await counted(10, async () => 37)).toBe(37);
  expect(await counted(10, async () => 8)).toBe(10);
});

test('where the list cannot be read, those it shows still count', async () => {
  expect(await counted(10, () => Promise.reject(new Error('UNAVAILABLE')))).toBe(10);
});

test.each<[Engine, Engine]>([
  ['v1', 'v1'],
  ['v1', 'v2'],
  ['v2', 'v1'],
])(
  'a copy unpaused before the cut-over is shut, and all it ran is on the wrong side (%s to %s)',
  async (...engines) => {
    const play = new Play({ ...plain, engines });
    const { a, b, world } = play;
    await a.create(ID, { schedule: play.user });
    world.advance(10_000);
    await play.attempt({ forward: true, faults: [], hurriedMs: 0, thenWaitMs: 0 });
    b.edit(ID, (copy) => ({ ...copy, state: { ...copy.state, paused: false } }));
    world.advance(60_000);
    const early = b.runs.byId.size;
    expect(early).toBeGreaterThan(10);
    const result = await play.attempt({ forward: true, faults: [], thenWaitMs: 20_000 });
    expect(result).toMatchObject({ outcome: 'handed-over', audit: { wrongSide: early, missed: 0 } });
    // From the boundary on each time runs once.
    const boundary = readNote(a.schedule(ID)?.state?.notes).mark?.boundary ?? 0;
    const late = (side: SimCluster) => [...side.runs.byId.keys()].filter((id) => (nominalOf(id) ?? 0) >= boundary);
    expect(late(a)).toEqual([]);
    expect(late(b).length).toBeGreaterThan(3);
    expect(b.runs.byId.size - late(b).length).toBe(early);
  },
);
