/**
 * What temporal-ferry writes into a schedule's note, so that every intermediate state explains itself to a person and
 * can be resumed, or undone by hand, from the live clusters alone. The user's own note is never on a side that is not
 * the owner: a fenced source keeps it behind the marker, the new owner carries it verbatim.
 */
import { type Schedule, isoSeconds } from './times.ts';

/** The server refuses longer notes. */
export const MAX_NOTE_BYTES = 1000;
const MAX_ID_CHARS = 200;
const FINGERPRINT_CHARS = 12;

/**
 * What was decided about the nominal times `from` to `last` of the other side, ms: its scheduler was asked to run those its
 * policy does not leave out, `first` before the others. It may run them much later, behind an open run; asked again, it
 * would run them twice. `last` before `from` is a claim: times up to `first` were started there by id.
 */
export interface Asked {
  from: number;
  last: number;
  first: number;
}

export interface StandbyMark {
  kind: 'standby';
  /** Profile that runs the schedule. */
  owner: string;
  migration: string;
  /** First nominal time that belongs to the owner, ms; absent for a copy that never ran. */
  boundary?: number;
  /** On a side that gave up: whether its user kept it paused. Its note follows the mark until the owner carries it. */
  userPaused?: boolean;
  /** The other side runs again, but its due times from here on are not proven yet, ms. */
  settle?: number;
  /** Actions a limited schedule had left before the first of those, on whichever side. */
  left?: number;
  /** About when it was let run again, ms by our clock: what was due between `boundary` and then it has not generated. */
  since?: number;
  /** Which attempt wrote it: of two that write the same at once only one may take it for its own. */
  by?: string;
  /** What this paused copy itself was asked to run before it opens; the fence's note tells too, but may be overwritten. */
  askedHere?: Asked[];
  /** Oldest first. */
  asked?: Asked[];
  /** Of a copy: fingerprint of what was copied. It reads otherwise where somebody has edited the copy itself. */
  content?: string;
}

export interface FenceMark {
  kind: 'fence';
  /** Profile that takes over at the boundary. */
  to: string;
  migration: string;
  boundary: number;
  /** Due time (with jitter) of the first action not yet generated when the fence was built, ms: settle starts there. */
  next?: number;
  /** Actions a limited schedule had left before that one. */
  left?: number;
  /** Fingerprint of what the user had written when the fence was built: tells later on which side it was edited. */
  content?: string;
  /** It landed in time. Told once it is written again: the stamp that proved it is gone then. */
  proven?: boolean;
  /** Oldest first. */
  asked?: Asked[];
  by?: string;
}

export type Mark = StandbyMark | FenceMark;

export interface ReadNote {
  mark?: Mark;
  /** The user's part. */
  user: string;
}

const MARK = /^\[ferry (standby|fence) ([^\]]*)\][^\n]*\n?/;

export function readNote(note: string | null | undefined): ReadNote {
  const text = note ?? '';
  const match = MARK.exec(text);
  if (!match) return { user: text };
  const fields = new Map<string, string>();
  for (const pair of (match[2] ?? '').split(' ')) {
    const at = pair.indexOf('=');
    if (at > 0) fields.set(pair.slice(0, at), decode(pair.slice(at + 1)));
  }
  const time = (key: string): number | undefined => {
    const value = fields.get(key);
    const ms = value === undefined ? Number.NaN : Date.parse(value);
    return Number.isNaN(ms) ? undefined : ms;
  };
  const count = (key: string): number | undefined => {
    const value = Number(fields.get(key) ?? Number.NaN);
    return Number.isInteger(value) ? value : undefined;
  };
  const migration = fields.get('migration') ?? '';
  const boundary = time('b');
  const asked = readAsked(fields.get('asked'));
  const user = text.slice(match[0].length);
  if (match[1] === 'standby') {
    const was = fields.get('user');
    const userPaused = was === undefined ? undefined : was === 'paused';
    return {
      mark: {
        kind: 'standby',
        owner: fields.get('owner') ?? '',
        migration,
        boundary,
        userPaused,
        settle: time('settle'),
        since: time('since'),
        left: count('left'),
        askedHere: readAsked(fields.get('here')),
        by: fields.get('by'),
        asked,
        content: readContent(fields),
      },
      user,
    };
  }
  if (boundary === undefined) return { user: text };
  const to = fields.get('to') ?? '';
  const next = time('next');
  return {
    mark: {
      kind: 'fence',
      to,
      migration,
      boundary,
      next,
      left: count('left'),
      content: readContent(fields),
      proven: fields.has('proven') || undefined,
      asked,
      by: fields.get('by'),
    },
    user,
  };
}

/** Shorter ones are of an earlier version, and compare with nothing. */
function readContent(fields: Map<string, string>): string | undefined {
  const content = fields.get('is');
  return content?.length === FINGERPRINT_CHARS ? content : undefined;
}

/** The mark of a paused copy of ours; undefined on any other side. */
export function standbyMark(described: { schedule: Schedule } | undefined): StandbyMark | undefined {
  const { mark } = readNote(described?.schedule.state?.notes);
  return mark?.kind === 'standby' ? mark : undefined;
}

/** The sentence for people is left out where the user's note needs the room. */
export function writeNote(mark: Mark, user = ''): string {
  const [head, sentence] = mark.kind === 'standby' ? standbyHead(mark) : fenceHead(mark);
  const tail = user === '' ? '' : `\n${user}`;
  const whole = `${head} ${sentence}${tail}`;
  return Buffer.byteLength(whole) <= MAX_NOTE_BYTES ? whole : `${head}${tail}`;
}

function standbyHead(mark: StandbyMark): [head: string, sentence: string] {
  const since = mark.boundary === undefined ? '' : ` b=${isoSeconds(mark.boundary)}`;
  const was = mark.userPaused === undefined ? '' : ` user=${mark.userPaused ? 'paused' : 'running'}`;
  const settle = mark.settle === undefined ? '' : ` settle=${new Date(mark.settle).toISOString()}`;
  const resumed = mark.since === undefined ? '' : ` since=${isoSeconds(mark.since)}`;
  const asked = askedOf('asked', mark.asked) + askedOf('here', mark.askedHere) + byOf(mark);
  const owner = encodeURIComponent(mark.owner);
  return [
    `[ferry standby owner=${owner}${since}${was}${settle}${leftOf(mark)}${resumed}${contentOf(mark)}${asked} migration=${idOf(mark)}]`,
    `Paused copy: the schedule runs on ${mark.owner}. Leave it paused.`,
  ];
}

function fenceHead(mark: FenceMark): [head: string, sentence: string] {
  const next = mark.next === undefined ? '' : ` next=${new Date(mark.next).toISOString()}`;
  const to = encodeURIComponent(mark.to);
  return [
    `[ferry fence to=${to} b=${isoSeconds(mark.boundary)}${next}${leftOf(mark)}${contentOf(mark)}${mark.proven ? ' proven=1' : ''}${askedOf('asked', mark.asked)}${byOf(mark)} migration=${idOf(mark)}]`,
    `Runs here until b, then on ${mark.to}.`,
  ];
}

/** As many as a note has room for: of more, the oldest are told as one, which covers what lies between them too. */
export const MAX_ASKED = 3;

/** Seconds, because notes are short: the first from the epoch, the others from there. */
function askedOf(key: string, all: Asked[] = []): string {
  if (all.length === 0) return '';
  // A claim covers nothing, and must not become a part of a range.
  const ranges = all.filter(({ from, last }) => last >= from);
  const asked = ranges.length === 0 ? all.slice(-1) : ranges;
  const oldest = asked.slice(0, Math.max(1, asked.length - MAX_ASKED + 1));
  const [from, last] = [Math.min(...oldest.map((one) => one.from)), Math.max(...oldest.map((one) => one.last))];
  const together = { from, last, first: oldest.at(-1)?.first ?? from };
  const told = [together, ...asked.slice(oldest.length)].map((one) => {
    const seconds = [one.from, one.last - one.from, one.first - one.from].map((ms) => Math.round(ms / 1000));
    return seconds.join('~');
  });
  return ` ${key}=${told.join(',')}`;
}

function readAsked(text: string | undefined): Asked[] | undefined {
  const asked: Asked[] = [];
  // An earlier version wrote one request, as three times.
  if (text?.includes('T')) {
    const [from = Number.NaN, last = Number.NaN, first = Number.NaN] = text.split('~').map((at) => Date.parse(at));
    return Number.isNaN(from + last + first) ? undefined : [{ from, last, first }];
  }
  for (const one of text?.split(',') ?? []) {
    const [from = Number.NaN, last = Number.NaN, first = Number.NaN] = one.split('~').map((s) => Number(s) * 1000);
    if (Number.isNaN(from + last + first)) return undefined;
    asked.push({ from, last: from + last, first: from + first });
  }
  return asked.length === 0 ? undefined : asked;
}

function leftOf({ left }: Mark): string {
  return left === undefined ? '' : ` left=${left}`;
}

function contentOf({ content }: Mark): string {
  return content === undefined ? '' : ` is=${content}`;
}

function byOf({ by }: Mark): string {
  return by === undefined ? '' : ` by=${by}`;
}

function idOf({ migration }: Mark): string {
  return encodeURIComponent(migration.slice(0, MAX_ID_CHARS));
}

/** A note edited by hand may not decode; it is then taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}

/** Whether the user's note still fits behind a fence marker; longer ones cannot be fenced without losing a part. */
export function noteFits(user: string, migration: string, to: string): boolean {
  const longest = { from: 1e13, last: 1e13 + 1e8, first: 1e13 + 1e8 };
  const asked = Array<Asked>(MAX_ASKED).fill(longest);
  const common = { migration, boundary: 0, by: '123456', left: 99_999, content: '123456789012', asked };
  const fence = writeNote({ kind: 'fence', to, next: 0, proven: true, ...common }, user);
  const rest = writeNote({ kind: 'standby', owner: to, userPaused: false, settle: 0, since: 0, ...common }, user);
  return Math.max(Buffer.byteLength(fence), Buffer.byteLength(rest)) <= MAX_NOTE_BYTES;
}
