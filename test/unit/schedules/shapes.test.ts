import Long from 'long';
import { describe, expect, test } from 'vitest';
import { readNote } from '../../../src/schedules/note.ts';
import * as shapes from '../../../src/schedules/shapes.ts';
import { type Schedule, toMs } from '../../../src/schedules/times.ts';
import { rich, seconds } from './forms.ts';

const B = 1_800_000_000_000;
const at = (ms: number) => seconds(ms / 1000);
const fence = { kind: 'fence', to: 'b', migration: 'm', boundary: B } as const;
const standby = { kind: 'standby', owner: 'b', migration: 'm', boundary: B, userPaused: true } as const;
const withBounds = (start?: number, end?: number): Schedule => {
  const user = rich();
  return {
    ...user,
    spec: {
      ...user.spec,
      startTime: start === undefined ? undefined : at(start),
      endTime: end === undefined ? undefined : at(end),
    },
  };
};
const unbounded = ({ spec, state, ...rest }: Schedule) => ({
  ...rest,
  spec: { ...spec, startTime: undefined, endTime: undefined },
  state: { ...state, notes: undefined, paused: undefined },
});

test('whatever a shape does not name is carried untouched, not even copied', () => {
  const user = withBounds();
  for (const shape of [
    shapes.standby(user, standby),
    shapes.fenced(user, fence),
    shapes.opened(user, B, null),
    shapes.asUserWrote(user, {}),
    shapes.beforeGivingUp(shapes.standby(user, standby)),
  ]) {
    expect(unbounded(shape)).toEqual(unbounded(user));
    expect(shape.action).toBe(user.action);
    expect(shape.policies).toBe(user.policies);
    expect(shape.spec?.timezoneData).toBe(user.spec?.timezoneData);
  }
});

describe('the fence', () => {
  test.each<[string, number | undefined, number, boolean]>([
    ['without an end of the user’s', undefined, B - 1000, true],
    ['the user ends later', B + 60_000, B - 1000, true],
    ['the user ends exactly at the boundary', B, B - 1000, true],
    ['the user ends right before it', B - 1000, B - 1000, false],
    ['the user ended long ago', B - 3_600_000, B - 3_600_000, false],
  ])('%s', (_title, end, seen, ours) => {
    const shape = shapes.fenced(withBounds(undefined, end), fence);
    expect(Math.floor((toMs(shape.spec?.endTime) ?? 0) / 1000) * 1000).toBe(seen);
    expect(shapes.isOurBound(shape.spec?.endTime)).toBe(ours);
    expect(shapes.fencedBoundary(shape)).toBe(ours ? B : undefined);
    expect(readNote(shape.state?.notes)).toEqual({ mark: { ...fence, next: undefined }, user: 'ask Ada\nbefore noon' });
  });

  test.each([
    ['from right before it', 10, B - 10],
    ['from some seconds before it', 7_777, B - 7_780],
    ['from longer before it than the bound can tell', 8_000_000, undefined],
  ])('its bound tells where the proof starts: %s', (_title, before, told) => {
    const shape = shapes.fenced(withBounds(), { ...fence, next: B - before });
    expect(shapes.fencedSince({ ...shape, state: { notes: 'paused by hand' } })).toBe(told);
    expect(shapes.isOurBound(shape.spec?.endTime)).toBe(true);
  });

  test('built again, the later boundary replaces the earlier one and the note is not nested', () => {
    const twice = shapes.fenced(shapes.fenced(withBounds(), fence), { ...fence, boundary: B + 5000 });
    expect(shapes.fencedBoundary(twice)).toBe(B + 5000);
    expect(readNote(twice.state?.notes).user).toBe('ask Ada\nbefore noon');
  });
});

describe('the opened target', () => {
  test.each<[string, number | undefined, number, boolean]>([
    ['without a start of the user’s', undefined, B, true],
    ['the user started earlier', B - 60_000, B, true],
    ['the user starts exactly then', B, B, true],
    ['the user starts later', B + 60_000, B + 60_000, false],
  ])('%s', (_title, start, seen, ours) => {
    const shape = shapes.opened(shapes.fenced(withBounds(start), fence), B, at(B + 999_000));
    expect(Math.floor((toMs(shape.spec?.startTime) ?? 0) / 1000) * 1000).toBe(seen);
    expect(shapes.openedBoundary(shape)).toBe(ours ? B : undefined);
    expect(shape.spec?.endTime).toEqual(at(B + 999_000));
    expect(shape.state?.notes).toBe('ask Ada\nbefore noon');
  });
});

describe('back to what the user wrote', () => {
  test('from a fence and from an opened target, bounds and note verbatim', () => {
    const user = withBounds(B - 5000, B + 5000);
    const bounds = { startTime: user.spec?.startTime, endTime: user.spec?.endTime };
    expect(shapes.asUserWrote(shapes.fenced(user, fence), bounds)).toEqual(user);
    expect(shapes.asUserWrote(shapes.opened(shapes.fenced(user, fence), B, user.spec?.endTime), bounds)).toEqual(user);
  });

  test.each([true, false])('from a side that gave up (paused by its user: %s)', (paused) => {
    const user = { ...rich(), state: { ...rich().state, paused } };
    expect(shapes.beforeGivingUp(shapes.standby(user, { ...standby, userPaused: paused }))).toEqual(user);
  });

  test('a resting side whose mark is gone stays paused', () => {
    expect(shapes.beforeGivingUp({ state: { paused: true, notes: 'by hand' } }).state).toMatchObject({
      paused: true,
      notes: 'by hand',
    });
  });

  test('a plain copy does not carry the user’s note, a side giving up does', () => {
    expect(readNote(shapes.standby(rich(), { kind: 'standby', owner: 'a', migration: 'm' }).state?.notes).user).toBe(
      '',
    );
    expect(readNote(shapes.standby(rich(), standby).state?.notes).user).toBe('ask Ada\nbefore noon');
  });
});

test('our bound is told from a user’s by its fraction', () => {
  expect(shapes.isOurBound(at(B))).toBe(false);
  expect(shapes.isOurBound({ seconds: Long.fromNumber(B / 1000), nanos: 1 })).toBe(false);
  expect([shapes.isOurBound(null), shapes.isOurBound(undefined)]).toEqual([false, false]);
  expect(shapes.fencedBoundary(withBounds(undefined, B))).toBeUndefined();
  expect(shapes.openedBoundary(withBounds(B))).toBeUndefined();
});
