/**
 * One mutation of one schedule: conditional on the conflict token, and read back. On V1 an acknowledged update has only
 * been queued, and one with a stale token is dropped without a word; on V2 a retried update fails on its own token. In
 * both cases the schedule itself is the only witness, so every outcome, a lost acknowledgement included, is decided by
 * Describe.
 */
import type { Described, ScheduleStore, Time } from './ports.ts';
import { type ScheduleContent, differingFields } from './canonical.ts';
import { type Schedule, toMs, toNumber } from './times.ts';

/** Somebody else changed the schedule between our read and our write: read both sides again and decide anew. */
export class ChangedMeanwhile extends Error {
  override name = 'ChangedMeanwhile';
  readonly schedule: string;
  constructor(profile: string, schedule: string, detail: string) {
    super(`schedule ${schedule} on ${profile} changed meanwhile: ${detail}`);
    this.schedule = schedule;
  }
}

/** A schedule that must be there: deleted meanwhile, both sides have to be looked at anew. */
export async function reread(cluster: ScheduleStore, id: string): Promise<Described> {
  const described = await cluster.describe(id);
  if (!described) throw new ChangedMeanwhile(cluster.profile, id, 'it was deleted');
  return described;
}

export interface ChangeOptions {
  searchAttributes?: ScheduleContent['searchAttributes'];
  /** Write even if nothing would change: a new token makes every older write still under way fail. */
  always?: boolean;
}

const READ_BACK_LIMIT_MS = 20_000;

/** Sent, and neither applied nor overtaken for as long as anybody waits: it may never have arrived. */
export class NotShown extends Error {
  override name = 'NotShown';
}

export async function change(
  cluster: ScheduleStore,
  time: Time,
  id: string,
  before: Described,
  desired: Schedule,
  { searchAttributes, always = false }: ChangeOptions = {},
): Promise<Described> {
  if (!always && isApplied(before, desired, searchAttributes)) return before;
  const answer = await cluster.update(id, desired, before.token, searchAttributes);
  if (answer === 'gone') throw new ChangedMeanwhile(cluster.profile, id, 'it was deleted');
  const deadline = time.now() + READ_BACK_LIMIT_MS;
  for (let wait = 20; ; wait = Math.min(wait * 2, 500)) {
    const after = await reread(cluster, id);
    // Its tokens begin again as those of the old one did.
    if (after.createdMs !== before.createdMs) {
      throw new ChangedMeanwhile(cluster.profile, id, 'it was deleted and made anew');
    }
    const moved = !sameBytes(after.token, before.token);
    // A limited schedule's own start moves the token too; the stamp is an update's.
    const uncounted = desired.state?.limitedActions && after.remaining !== toNumber(desired.state.remainingActions);
    const written = !always || (after.updatedMs !== before.updatedMs && !(answer === 'conflict' && uncounted));
    if (written && isApplied(after, desired, searchAttributes)) return after;
    if (answer === 'conflict' || moved) {
      throw new ChangedMeanwhile(cluster.profile, id, 'another write came first');
    }
    if (time.now() > deadline) {
      throw new NotShown(
        `schedule ${id} on ${cluster.profile} does not show an update it acknowledged ${READ_BACK_LIMIT_MS / 1000} s ago: ` +
          `is the cluster's scheduler worker overloaded?`,
      );
    }
    await time.sleep(wait);
  }
}

/**
 * Remaining actions are left out: the scheduler may count one down the moment after ours is applied. The token guards
 * them, and a write of nothing else is known by its stamp.
 */
function isApplied(
  { schedule: actual, searchAttributes: attributes }: Described,
  desired: Schedule,
  searchAttributes?: ScheduleContent['searchAttributes'],
): boolean {
  return (
    Boolean(actual.state?.paused) === Boolean(desired.state?.paused) &&
    (actual.state?.notes ?? '') === (desired.state?.notes ?? '') &&
    toMs(actual.spec?.startTime) === toMs(desired.spec?.startTime) &&
    toMs(actual.spec?.endTime) === toMs(desired.spec?.endTime) &&
    differingFields(
      { schedule: actual, searchAttributes: searchAttributes ? attributes : undefined },
      { schedule: desired, searchAttributes },
    ).length === 0
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
