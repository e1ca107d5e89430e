/**
 * A schedule as its user wrote it, whatever a hand-over has made of it for the moment: no notes, bounds or pauses of
 * ours. The conflict token that goes with it says on which side it was read and what was shown, so that it holds for as
 * long as nothing that was shown has changed, also where another cluster owns the schedule by then.
 */
import { createHash } from 'node:crypto';
import { contentHash } from '../../schedules/canonical.ts';
import { contents } from '../../schedules/carry.ts';
import { readNote } from '../../schedules/note.ts';
import { beforeGivingUp, isOurBound, ownerAsUserWrote } from '../../schedules/shapes.ts';
import { type Schedule, toNumber } from '../../schedules/times.ts';
import type { Seen } from './side.ts';

/** The owner's; undefined where a start of ours hides the user's own and the copy that has it cannot be had. */
export function ownedAsShown(owner: Schedule, copy: Schedule | undefined): Schedule | undefined {
  if (!copy && isOurBound(owner.spec?.startTime)) return undefined;
  return ownerAsUserWrote(owner, copy ?? owner);
}

/** In the middle of a hand-over. `source` gives it up, or keeps what the user wrote while both sides rest. */
export function movingAsShown(phase: 'fenced' | 'opened' | 'given-up', source: Schedule, target: Schedule): Schedule {
  if (phase === 'given-up') return beforeGivingUp(source);
  const written = contents(source, target);
  const shown = phase === 'fenced' ? written.source : written.target;
  return { ...shown, state: { ...shown.state, notes: readNote(shown.state?.notes).user } };
}

const PREFIX = 'ferry:';

interface Token {
  /** Profile it was read on. */
  on: string;
  /** The server's own, base64. */
  token: string;
  /** Fingerprint of what was shown. */
  shown: string;
}

export function writeToken(on: string, token: Uint8Array, shown: string): Uint8Array {
  const told: Token = { on, token: Buffer.from(token).toString('base64'), shown };
  return Buffer.from(PREFIX + JSON.stringify(told));
}

/** Whether what a user was shown, by their token, still stands. A server's own token counts on the owner's side. */
export function stillStands(token: Uint8Array, owner: { profile: string; seen: Seen }, shown: string): boolean {
  const text = Buffer.from(token).toString();
  if (!text.startsWith(PREFIX)) return Buffer.compare(token, owner.seen.token) === 0;
  const told = readToken(text.slice(PREFIX.length));
  if (!told) return false;
  if (told.on === owner.profile && told.token === Buffer.from(owner.seen.token).toString('base64')) return true;
  return told.shown === shown;
}

function readToken(text: string): Token | undefined {
  try {
    const { on, token, shown }: Partial<Token> = JSON.parse(text);
    if (typeof on !== 'string' || typeof token !== 'string' || typeof shown !== 'string') return undefined;
    return { on, token, shown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Of all a user is shown and can write: any change of it makes their token stale, as on one cluster. */
export function fingerprintOf(schedule: Schedule, { memo, searchAttributes }: Seen): string {
  const { paused, notes, remainingActions } = schedule.state ?? {};
  const state = JSON.stringify([Boolean(paused), notes ?? '', toNumber(remainingActions)]);
  const content = contentHash({ schedule, memo, searchAttributes });
  return createHash('sha256').update(content).update(state).digest('base64url').slice(0, 22);
}
