/** One schedule of two clusters: whichever owns it, the other's paused copy is brought in line. */
import type { ScheduleStore, Time } from '../../schedules/ports.ts';
import { type Followed, drift, follow, removeOrphan } from './standby.ts';
import { whereabouts } from './whereabouts.ts';

export interface Reconciling {
  time: Time;
  /** Written into the notes of new copies. */
  migration: string;
}

/** `left` while it changes hands: the hand-over brings its copy in line itself. */
export async function reconcile(
  [a, b]: [ScheduleStore, ScheduleStore],
  id: string,
  { time, migration }: Reconciling,
): Promise<Followed> {
  const [here, there] = await Promise.all([a.describe(id), b.describe(id)]);
  const at = whereabouts(here?.schedule, there?.schedule, { a: a.profile, b: b.profile });
  switch (at.kind) {
    case 'absent': {
      if (at.orphan === undefined) return { did: 'nothing' };
      const [owner, standby] = at.orphan === 'b' ? [a, b] : [b, a];
      return await removeOrphan({ owner, standby, time, migration }, id);
    }
    case 'moving':
      return { did: 'left' };
    case 'foreign':
      return { did: 'refused', code: 'not-ours', found: at.why };
    case 'owned': {
      const [owner, standby] = at.owner === 'a' ? [a, b] : [b, a];
      const [own, copy] = at.owner === 'a' ? [here, there] : [there, here];
      if (own && copy?.schedule.state?.paused && drift(own, copy).length === 0) return { did: 'nothing' };
      return await follow({ owner, standby, time, migration }, id);
    }
  }
}
