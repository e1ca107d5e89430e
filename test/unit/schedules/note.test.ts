import { describe, expect, test } from 'vitest';
import { MAX_NOTE_BYTES, type Mark, noteFits, readNote, writeNote } from '../../../src/schedules/note.ts';

const B = Date.UTC(2026, 10, 22, 16, 0, 5);

describe('round trips', () => {
  const marks: [string, Mark][] = [
    ['a copy that never ran', { kind: 'standby', owner: 'cloud', migration: 'migrate/acme' }],
    ['a side at rest', { kind: 'standby', owner: 'cloud', migration: 'm', boundary: B, userPaused: false }],
    [
      'a side at rest, paused by its user',
      { kind: 'standby', owner: 'c', migration: 'm', boundary: B, userPaused: true },
    ],
    ['a fence', { kind: 'fence', to: 'selfhosted', migration: 'm', boundary: B }],
    ['a fence that knows what comes next', { kind: 'fence', to: 'x', migration: 'm', boundary: B, next: B + 123 }],
    ['names with blanks and brackets', { kind: 'fence', to: 'a b]=c', migration: 'a] b=[c]\n%', boundary: B, next: B }],
    [
      'a fence whose target was asked for runs',
      {
        kind: 'fence',
        to: 'x',
        migration: 'm',
        boundary: B,
        next: B - 500,
        left: 7,
        content: 'abcdef012345',
        by: '00ff12',
        asked: [
          { from: B, last: B + 20_000, first: B + 5_000 },
          { from: B + 60_000, last: B + 60_000, first: B + 60_000 },
        ],
      },
    ],
    [
      'a side at rest that is owed a proof',
      {
        kind: 'standby',
        owner: 'c',
        migration: 'm',
        boundary: B,
        settle: B - 4_321,
        since: B + 9_000,
        left: 0,
        by: '00ff12',
        asked: [{ from: B, last: B, first: B }],
      },
    ],
    [
      'a paused copy on which times were started by id',
      {
        kind: 'standby',
        owner: 'c',
        migration: 'm',
        askedHere: [{ from: B, last: B - 1000, first: B + 7_000 }],
      },
    ],
    ['names in other scripts', { kind: 'standby', owner: 'ærø', migration: '移行/東京' }],
  ];
  const users = [
    '',
    'ask Ada',
    'two\nlines',
    '\nstarts with a break',
    '[brackets] of its own',
    'ünïcode 東京',
    'x'.repeat(500),
  ];
  test.each(marks)('%s', (_title, mark) => {
    for (const user of users) {
      const { mark: read, user: kept } = readNote(writeNote(mark, user));
      expect(kept).toBe(user);
      expect(read).toEqual(mark);
    }
  });

  test('of many requests the oldest become one, which covers them all; a claim never becomes a part of it', () => {
    const at = (s: number) => ({ from: B + s * 1000, last: B + (s + 2) * 1000, first: B + s * 1000 });
    const claim = { from: B, last: B - 1000, first: B };
    const mark: Mark = {
      kind: 'fence',
      to: 'x',
      migration: 'm',
      boundary: B,
      asked: [claim, at(10), at(20), at(30), at(40)],
    };
    expect(readNote(writeNote(mark)).mark?.asked).toEqual([
      { from: B + 10_000, last: B + 22_000, first: B + 20_000 },
      at(30),
      at(40),
    ]);
  });

  test('a mark is one line, in words a person understands', () => {
    const note = writeNote(
      { kind: 'fence', to: 'selfhosted', migration: 'migrate/acme', boundary: B, next: B + 1 },
      'ask Ada',
    );
    expect(note.split('\n')).toEqual([
      '[ferry fence to=selfhosted b=2026-11-22T16:00:05Z next=2026-11-22T16:00:05.001Z migration=migrate%2Facme] Runs here until b, then on selfhosted.',
      'ask Ada',
    ]);
  });

  test('a long migration id is cut, not refused', () => {
    const note = writeNote({ kind: 'standby', owner: 'cloud', migration: 'm'.repeat(900) });
    expect(Buffer.byteLength(note)).toBeLessThan(MAX_NOTE_BYTES);
    expect(readNote(note).mark).toMatchObject({ kind: 'standby', owner: 'cloud', migration: 'm'.repeat(200) });
  });
});

describe('notes edited by hand', () => {
  test.each<[string, string | null | undefined]>([
    ['no note', null],
    ['undefined', undefined],
    ['empty', ''],
    ['a note that talks about us', 'see [ferry standby owner=a migration=m]'],
    ['another word', '[ferry boat owner=a migration=m]'],
    ['a fence without a boundary', '[ferry fence to=b migration=m] Runs here'],
    ['a fence with a broken boundary', '[ferry fence to=b b=soon migration=m]'],
    ['an unclosed mark', '[ferry standby owner=a migration=m'],
  ])('%s is the user’s', (_title, note) => {
    expect(readNote(note)).toEqual({ user: note ?? '' });
  });

  test.each<[string, string, object, string]>([
    [
      'text after the mark is ours, lines below the user’s',
      '[ferry standby owner=a migration=m] changed\nmine',
      { owner: 'a' },
      'mine',
    ],
    ['a percent sign that decodes to nothing', '[ferry standby owner=100% migration=m]', { owner: '100%' }, ''],
    ['a broken time is left out', '[ferry standby owner=a b=x migration=m]', { boundary: undefined }, ''],
    [
      'a broken next is left out',
      '[ferry fence to=b b=2026-11-22T16:00:05Z next=x migration=m]',
      { next: undefined, boundary: B },
      '',
    ],
    ['fields in another order', '[ferry fence migration=m b=2026-11-22T16:00:05Z to=b]', { to: 'b', boundary: B }, ''],
    ['nothing inside', '[ferry standby ]', { owner: '', migration: '' }, ''],
  ])('%s', (_title, note, mark, user) => {
    expect(readNote(note)).toMatchObject({ mark, user });
  });
});

const room = (user: string) => noteFits(user, 'migrate/acme', 'selfhosted');

describe('whether the user’s note fits', () => {
  test('as long as both marks fit in front of it, counted in bytes', () => {
    expect([room(''), room('x'.repeat(700)), room('東'.repeat(230))]).toEqual([true, true, true]);
    expect([room('x'.repeat(900)), room('東'.repeat(300))]).toEqual([false, false]);
  });

  test('what fits is never longer than the server takes', () => {
    for (let length = 600; length < 1000; length++) {
      const user = 'x'.repeat(length);
      if (!noteFits(user, 'm', 'b')) continue;
      const fence = writeNote({ kind: 'fence', to: 'b', migration: 'm', boundary: B, next: B + 1 }, user);
      const rest = writeNote({ kind: 'standby', owner: 'b', migration: 'm', boundary: B, userPaused: false }, user);
      expect(Math.max(Buffer.byteLength(fence), Buffer.byteLength(rest))).toBeLessThanOrEqual(MAX_NOTE_BYTES);
    }
  });
});
