/**
 * The paused copy follows its owner. Whoever wrote to the owner brings the copy in line with what the owner shows then,
 * not with what they wrote: so any number of writers, and the reconciler beside them, end at the same.
 */
import { differingFields } from '../../schedules/canonical.ts';
import { ChangedMeanwhile, change } from '../../schedules/change.ts';
import { bringStandbyUpToDate, createStandby, editedCopy } from '../../schedules/copying.ts';
import { standbyMark } from '../../schedules/note.ts';
import type { ReasonCode } from '../../reasons.ts';
import type { Described, ScheduleStore, Time } from '../../schedules/ports.ts';
import { ownerAsUserWrote } from '../../schedules/shapes.ts';
import { type Whereabouts, whereabouts } from './whereabouts.ts';

export interface Following {
  owner: ScheduleStore;
  standby: ScheduleStore;
  time: Time;
  /** Written into the notes of new copies: who made them. */
  migration: string;
}

export type Followed =
  | { did: 'nothing' | 'created' | 'updated' | 'removed' }
  /** A hand-over is under way, or the other side owns it by now: the copy is no longer this call's. */
  | { did: 'left' }
  /** For a person: `found` says what is there. */
  | { did: 'refused'; code: ReasonCode; found: string };

const MAX_ROUNDS = 12;
/** Clocks of two clusters, and an update under way. */
const STAMPS_DIFFER_MS = 5_000;

export async function follow(f: Following, id: string): Promise<Followed> {
  let did: 'nothing' | 'created' | 'updated' | 'removed' = 'nothing';
  let refused: string | undefined;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    try {
      // The copy first: who writes it after this has read the owner later, and our write fails on the copy's token.
      const copy = await f.standby.describe(id);
      const own = await f.owner.describe(id);
      const at = whereabouts(own?.schedule, copy?.schedule, { a: f.owner.profile, b: f.standby.profile });
      if (!own) {
        if (!copy) return { did };
        if (at.kind !== 'absent') return { did: 'left' };
        return await removeOrphan(f, id);
      }
      if (at.kind === 'foreign') return { did: 'refused', code: 'not-ours', found: at.why };
      if (!isOwnedBy(at, 'a')) return { did: 'left' };
      if (!copy) {
        // Looked at once more: its owner may have been deleted, or changed, while it was created.
        if ((await createStandby(copying(f), id, own)) === 'created') did = 'created';
        continue;
      }
      const drifted = drift(own, copy);
      if (drifted.length === 0 && copy.schedule.state?.paused) return { did };
      const edited = drifted.length > 0 && isEdited(own, copy);
      if (edited) {
        const found = `its paused copy on ${f.standby.profile} was edited there: ${drifted.join(', ')}`;
        // Told twice, so that an update that is half to be seen is not taken for one.
        if (refused === found) return { did: 'refused', code: 'copy-edited', found };
        refused = found;
        await f.time.sleep(500);
        continue;
      }
      if (drifted.length === 0) await shut(f, id, copy);
      else await bringStandbyUpToDate(copying(f), id, own, copy);
      did = did === 'created' ? did : 'updated';
    } catch (error) {
      if (!(error instanceof ChangedMeanwhile)) throw error;
      await f.time.sleep(30 * (round + 1));
    }
  }
  return {
    did: 'refused',
    code: 'changed-too-often',
    found: `it was changed ${MAX_ROUNDS} times while its copy on ${f.standby.profile} followed`,
  };
}

/** Fields in which a copy does not read as its owner. */
export function drift(owner: Described, copy: Described): string[] {
  return differingFields({ ...owner, schedule: ownerAsUserWrote(owner.schedule, copy.schedule) }, copy);
}

/** A copy that does not tell what was copied is judged by the servers' stamps. */
function isEdited(owner: Described, copy: Described): boolean {
  const ownerMs = Math.max(owner.createdMs ?? 0, owner.updatedMs ?? 0);
  return editedCopy(copy) ?? (copy.updatedMs ?? 0) > ownerMs + STAMPS_DIFFER_MS;
}

/**
 * A copy whose schedule is gone: only one that says it is, and of the side that does not have it. Its owner is read once
 * more behind it, since deleting takes no token.
 */
export async function removeOrphan({ owner, standby }: Following, id: string): Promise<Followed> {
  const copy = await standby.describe(id);
  const mark = copy && standbyMark(copy);
  if (!copy) return { did: 'nothing' };
  if (mark?.owner !== owner.profile) {
    return {
      did: 'refused',
      code: 'not-ours',
      found: `${standby.profile} has it, and it is no paused copy of ${owner.profile}'s`,
    };
  }
  if (await owner.describe(id)) return { did: 'left' };
  await standby.delete(id);
  return { did: 'removed' };
}

/** Somebody has let a copy run. */
async function shut({ standby, time }: Following, id: string, copy: Described): Promise<void> {
  const { schedule } = copy;
  await change(standby, time, id, copy, { ...schedule, state: { ...schedule.state, paused: true } });
}

function copying({ owner, standby, time, migration }: Following) {
  return { source: owner, target: standby, time, migration };
}

function isOwnedBy(at: Whereabouts, side: 'a' | 'b'): boolean {
  return at.kind === 'owned' && at.owner === side;
}
