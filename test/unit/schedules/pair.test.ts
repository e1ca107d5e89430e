import { describe, expect, test } from 'vitest';
import { type Situation, situation } from '../../../src/schedules/pair.ts';
import { asUserWrote, fenced, opened, standby } from '../../../src/schedules/shapes.ts';
import type { Schedule } from '../../../src/schedules/times.ts';
import { rich, seconds } from './forms.ts';

const B = 1_800_000_000_000;
const user = rich();
const ends = (schedule: Schedule, ms: number): Schedule => ({
  ...schedule,
  spec: { ...schedule.spec, endTime: seconds(ms / 1000) },
});
const noted = (schedule: Schedule, notes: string, paused = schedule.state?.paused): Schedule => ({
  ...schedule,
  state: { ...schedule.state, notes, paused },
});
const copy = (owner: string) => standby(user, { kind: 'standby', owner, migration: 'm' });
const rested = (owner: string, boundary = B, userPaused = false) =>
  standby(user, { kind: 'standby', owner, migration: 'm', boundary, userPaused });
const fence = (to: string, next?: number) => fenced(user, { kind: 'fence', to, migration: 'm', boundary: B, next });
const open = opened(user, B, null);

describe('from a to b', () => {
  test.each<[string, Schedule | undefined, Schedule | undefined, Partial<Situation>]>([
    ['on neither side', undefined, undefined, { kind: 'gone' }],
    ['not copied yet', user, undefined, { kind: 'uncopied' }],
    ['copied', user, copy('a'), { kind: 'ready' }],
    ['handed back before, and now forward again', user, rested('a'), { kind: 'ready' }],
    ['fenced', fence('b', B - 700), copy('a'), { kind: 'fenced', boundary: B, next: B - 700 }],
    ['fenced, note overwritten', noted(fence('b'), 'paused by hand', true), copy('a'), { kind: 'fenced', boundary: B }],
    ['fenced, the user’s own end comes first', ends(fence('b'), B - 9000), copy('a'), { kind: 'fenced', boundary: B }],
    ['fenced, an edit took the bound off', asUserWrote(fence('b'), {}), copy('a'), { kind: 'ready' }],
    ['the note of a fence without its bound', noted(user, fence('b').state?.notes ?? ''), copy('a'), { kind: 'ready' }],
    ['fenced towards somebody else', fence('c'), copy('a'), { kind: 'ready' }],
    ['opened', fence('b', B - 700), open, { kind: 'opened', boundary: B, next: B - 700 }],
    ['opened, note of the fence overwritten', noted(fence('b'), 'x'), open, { kind: 'opened', boundary: B }],
    ['opened and tidied', fence('b'), user, { kind: 'opened', boundary: B }],
    ['opened, bound and note of the fence gone', user, open, { kind: 'opened', boundary: B }],
    ['both rest, the source gave up last', rested('b'), copy('a'), { kind: 'given-up', keeper: 'source', boundary: B }],
    [
      'both rest, the target gave up last',
      rested('b', B - 5000),
      rested('a', B),
      { kind: 'given-up', keeper: 'target', boundary: B },
    ],
    ['both rest, paused by the user', rested('b', B, true), copy('a'), { kind: 'given-up', keeper: 'source' }],
    ['both rest and nobody knows', copy('b'), copy('a'), { kind: 'foreign' }],
    ['handed over', rested('b'), user, { kind: 'handed-over', boundary: B, bounded: false }],
    ['handed over, bound still on', rested('b'), open, { kind: 'handed-over', boundary: B, bounded: true }],
    [
      'handed over, standby unpaused, note kept',
      noted(rested('b'), rested('b').state?.notes ?? '', false),
      user,
      { kind: 'handed-over' },
    ],
    ['handed over, the source deleted', undefined, user, { kind: 'handed-over', bounded: false }],
    ['the schedule deleted, its copy left', undefined, copy('a'), { kind: 'orphan' }],
    ['the new owner deleted, the standby left', rested('b'), undefined, { kind: 'foreign' }],
    ['fenced, its copy deleted', fence('b'), undefined, { kind: 'foreign' }],
    ['on both sides, no mark', user, user, { kind: 'foreign' }],
    [
      'the other way, fenced',
      copy('b'),
      fence('a', B - 700),
      { kind: 'reversed', opened: false, boundary: B, next: B - 700 },
    ],
    ['the other way, opened', open, fence('a'), { kind: 'reversed', opened: true, boundary: B }],
    [
      'the other way, opened and note overwritten',
      open,
      noted(fence('a'), 'x'),
      { kind: 'reversed', opened: true, boundary: B },
    ],
  ])('%s', (_title, source, target, expected) => {
    expect(situation(source, target, { from: 'a', to: 'b' })).toMatchObject(expected);
  });
});

describe('every state of a handover, seen from the way back', () => {
  test.each<[string, Schedule | undefined, Schedule | undefined, Partial<Situation>]>([
    ['copied', user, copy('a'), { kind: 'handed-over', bounded: false }],
    ['fenced', fence('b'), copy('a'), { kind: 'reversed', opened: false, boundary: B }],
    ['opened', fence('b'), open, { kind: 'reversed', opened: true, boundary: B }],
    ['given up', rested('b'), copy('a'), { kind: 'given-up', keeper: 'target', boundary: B }],
    ['handed over', rested('b'), user, { kind: 'ready' }],
    ['handed over, bound still on', rested('b'), open, { kind: 'ready' }],
    ['deleted before the boundary', undefined, copy('a'), { kind: 'foreign' }],
  ])('%s', (_title, a, b, expected) => {
    expect(situation(b, a, { from: 'b', to: 'a' })).toMatchObject(expected);
  });
});
