import { expect, test } from 'vitest';
import { MAX_NOTE_BYTES, readNote, writeNote } from '../../../src/schedules/note.ts';
import { readPause, writePause } from '../../../src/schedules/pause-note.ts';

const pause = { by: 'pause-schedules/acme eu/cloud', at: Date.parse('2026-11-28T01:00:00Z') };

test.each(['', 'ask Ada', 'two\nlines\n', '\n', '[ferry-like] text', 'ü'.repeat(300), ' '])('keeps %j', (user) => {
  const note = writePause(pause, user);
  expect(readPause(note)).toEqual({ pause, user });
  expect(note?.startsWith('[ferry paused by=pause-schedules%2Facme%20eu%2Fcloud at=2026-11-28T01:00:00Z]')).toBe(true);
});

test('the sentence gives way to a hand-over, and the mark to the limit', () => {
  expect(writePause(pause, 'x'.repeat(400))).toContain('UnpauseSchedules');
  expect(writePause(pause, 'x'.repeat(600))).not.toContain('UnpauseSchedules');
  const room = MAX_NOTE_BYTES - Buffer.byteLength(writePause(pause, 'x'.repeat(600)) ?? '') + 600;
  expect(Buffer.byteLength(writePause(pause, 'x'.repeat(room)) ?? '')).toBe(MAX_NOTE_BYTES);
  expect(writePause(pause, 'x'.repeat(room + 1))).toBeUndefined();
});

test('to a hand-over it is a note of the user', () => {
  const note = writePause(pause, 'ask Ada') ?? '';
  expect(readNote(note)).toEqual({ user: note });
  const fenced = writeNote({ kind: 'fence', to: 'b', migration: 'm', boundary: 0 }, note);
  expect(readPause(fenced).pause).toBeUndefined();
  expect(readPause(readNote(fenced).user)).toEqual({ pause, user: 'ask Ada' });
});

test.each([
  'Paused by temporal-ferry',
  '[ferry paused] by hand',
  '[ferry paused by=me at=noon]',
  '[ferry paused at=2026-11-28T01:00:00Z]',
  'see [ferry paused by=me at=2026-11-28T01:00:00Z]',
])('%j is no mark', (note) => {
  expect(readPause(note)).toEqual({ user: note });
});
