/**
 * The note of a schedule that was paused at an operator's word. To a hand-over it is a pause and a note like any user's,
 * and crosses with the schedule; only the single steps read it. Whoever writes another note takes the pause over.
 */
import { MAX_NOTE_BYTES } from './note.ts';
import { isoSeconds } from './times.ts';

export interface Pause {
  /** Workflow id of the step that paused it. */
  by: string;
  /** ms */
  at: number;
}

const MARK = /^\[ferry paused ([^\]]*)\][^\n]*\n?/;
const SENTENCE = 'Paused by temporal-ferry; its single step UnpauseSchedules lets it run again.';
const MAX_ID_CHARS = 200;
/** Above it the sentence is left out: a hand-over puts a mark of its own in front of it. */
const WITH_SENTENCE_BYTES = 600;

export function readPause(note: string | null | undefined): { pause?: Pause; user: string } {
  const text = note ?? '';
  const match = MARK.exec(text);
  const [, by, at] = /^by=(\S+) at=(\S+)$/.exec(match?.[1] ?? '') ?? [];
  const ms = Date.parse(at ?? '');
  // Edited by hand it is a user's note.
  if (!match || by === undefined || Number.isNaN(ms)) return { user: text };
  return { pause: { by: decode(by), at: ms }, user: text.slice(match[0].length) };
}

/** Undefined where the user's note leaves no room for the mark. */
export function writePause({ by, at }: Pause, user: string): string | undefined {
  const head = `[ferry paused by=${encodeURIComponent(by.slice(0, MAX_ID_CHARS))} at=${isoSeconds(at)}]`;
  const tail = user === '' ? '' : `\n${user}`;
  const whole = `${head} ${SENTENCE}${tail}`;
  if (Buffer.byteLength(whole) <= WITH_SENTENCE_BYTES) return whole;
  const short = `${head}${tail}`;
  return Buffer.byteLength(short) <= MAX_NOTE_BYTES ? short : undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
