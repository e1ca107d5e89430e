/**
 * One schedule paused at an operator's word, and let run again. Every write is conditional on what was read: a hand-over
 * that begins meanwhile moves the token first, and what is written then is decided anew. So letting one run again is safe
 * without any lock: the side read here, before the other was asked, is still the owner when it opens.
 */
import type { ReasonCode } from '../../reasons.ts';
import { ChangedMeanwhile, change } from '../../schedules/change.ts';
import { readNote, standbyMark } from '../../schedules/note.ts';
import { readPause, writePause } from '../../schedules/pause-note.ts';
import type { Described, ScheduleStore, Time } from '../../schedules/ports.ts';
import type { Schedule } from '../../schedules/times.ts';
import { whatOneTells, whereabouts } from './whereabouts.ts';

export interface Pausing {
  /** Where the schedules are paused, or run again. */
  cluster: ScheduleStore;
  other: OtherSide;
  time: Time;
  /** Workflow id, written into the notes. */
  by: string;
}

export interface OtherSide {
  profile: string;
  /** `silent`: why it could not be asked. */
  ask: (id: string) => Promise<{ seen: Described | undefined } | { silent: string }>;
}

export interface Refused {
  did: 'refused';
  code: ReasonCode;
  found: string;
  remedy: string;
}

export type Paused = { did: 'paused' | 'already' | 'userPaused' | 'standby' | 'gone' } | Refused;
export type Unpaused = { did: 'unpaused' | 'running' | 'gone' } | Refused;

const MAX_ROUNDS = 12;

/** Asks the other side only where this one alone does not tell that it owns the schedule. */
export async function pauseSchedule(p: Pausing, id: string): Promise<Paused> {
  return await settled<Paused>(p, async () => {
    const here = await p.cluster.describe(id);
    if (!here) return { did: 'gone' };
    const { state } = here.schedule;
    const { mark } = readNote(state?.notes);
    if (mark?.kind === 'standby') return state?.paused ? { did: 'standby' } : openStandby(p, mark.owner);
    if (mark?.kind === 'fence') return handingOver(p);
    const { pause, user } = readPause(state?.notes);
    if (state?.paused) return { did: pause ? 'already' : 'userPaused' };
    if (whatOneTells(here.schedule) !== 'owner') {
      const refused = await refusedByOther(p, id, here);
      if (refused) return refused;
    }
    const notes = writePause({ by: p.by, at: p.time.now() }, user);
    if (notes === undefined) {
      return {
        did: 'refused',
        code: 'note-too-long',
        found: `its note of ${Buffer.byteLength(user)} bytes leaves no room for the mark that tells who paused it`,
        remedy: 'shorten the note, or pause it by hand',
      };
    }
    await change(p.cluster, p.time, id, here, { ...here.schedule, state: { ...state, paused: true, notes } });
    return { did: 'paused' };
  });
}

/** Only what carries our mark of a pause, and only where the other side answers and runs nothing of it. */
export async function unpauseSchedule(p: Pausing, id: string): Promise<Unpaused> {
  return await settled<Unpaused>(p, async () => {
    // Read before the other side: see above.
    const here = await p.cluster.describe(id);
    if (!here) return { did: 'gone' };
    const { state } = here.schedule;
    const { mark } = readNote(state?.notes);
    if (mark?.kind === 'standby') return state?.paused ? standbyCopy(p, mark.owner) : openStandby(p, mark.owner);
    if (mark?.kind === 'fence') return handingOver(p);
    if (!state?.paused) return { did: 'running' };
    const { pause, user } = readPause(state.notes);
    if (!pause) {
      return {
        did: 'refused',
        code: 'user-paused',
        found: 'it does not carry the mark of PauseSchedules: its user, or pauseOnFailure, paused it',
        remedy: 'unpause it yourself if that is meant',
      };
    }
    const refused = await refusedByOther(p, id, here);
    if (refused) return refused;
    await change(p.cluster, p.time, id, here, { ...here.schedule, state: { ...state, paused: false, notes: user } });
    return { did: 'unpaused' };
  });
}

/** Undefined where this side is the owner, and the other has nothing of it or a paused copy. */
async function refusedByOther(p: Pausing, id: string, here: Described): Promise<Refused | undefined> {
  const { cluster, other } = p;
  const answer = await other.ask(id);
  if ('silent' in answer) {
    return {
      did: 'refused',
      code: 'other-side-silent',
      found: `${other.profile} cannot be asked whether it runs there: ${answer.silent}`,
      remedy: `bring ${other.profile} back and start this again`,
    };
  }
  const there = answer.seen?.schedule;
  const at = whereabouts(here.schedule, there, { a: cluster.profile, b: other.profile });
  if (at.kind === 'moving') return handingOver(p);
  if (there && !there.state?.paused) {
    return {
      did: 'refused',
      code: 'other-side-active',
      found: `it is not paused on ${other.profile}`,
      remedy: 'decide which of the two is right, and pause or delete the other',
    };
  }
  if (at.kind === 'owned' && at.owner === 'a' && isCopyOf(cluster.profile, there)) return undefined;
  if (at.kind === 'owned' && at.owner === 'b') return standbyCopy(p, other.profile);
  return {
    did: 'refused',
    code: 'not-ours',
    found: at.kind === 'foreign' ? at.why : `its copy on ${other.profile} is not of ${cluster.profile}'s`,
    remedy: 'decide which one is right, delete or rename the other, and start this again',
  };
}

function isCopyOf(owner: string, there: Schedule | undefined): boolean {
  return there === undefined || standbyMark({ schedule: there })?.owner === owner;
}

function standbyCopy({ cluster }: Pausing, owner: string): Refused {
  return {
    did: 'refused',
    code: 'standby-copy',
    found: `${cluster.profile} has the paused copy of it: it belongs to ${owner}`,
    remedy: `name ${owner} as the cluster; a migration is what makes ${cluster.profile} run it`,
  };
}

function openStandby({ cluster }: Pausing, owner: string): Refused {
  return {
    did: 'refused',
    code: 'standby-copy',
    found: `${cluster.profile} has the copy of it, it belongs to ${owner}, and somebody has unpaused the copy`,
    remedy: 'start ReconcileSchedules, which shuts it again, and audit what it ran',
  };
}

function handingOver({ cluster, other }: Pausing): Refused {
  return {
    did: 'refused',
    code: 'in-handover',
    found: `it is between two owners on ${cluster.profile} and ${other.profile}: a hand-over of it was cut off`,
    remedy: 'start the migration again, either way; it goes on from there',
  };
}

/** A write that came second decides anew. */
async function settled<R>({ cluster, time }: Pausing, attempt: () => Promise<R>): Promise<R | Refused> {
  for (let round = 1; ; round++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      if (round === MAX_ROUNDS) {
        return {
          did: 'refused',
          code: 'changed-too-often',
          found: `it was changed ${MAX_ROUNDS} times on ${cluster.profile} while this step wrote to it`,
          remedy: 'see who changes it, and start this again',
        };
      }
      await time.sleep(30 * round);
    }
  }
}
