/** Handovers that lack one step the protocol needs, made by what stands between them and their clusters. */
import type { Described, ScheduleCluster } from '../../src/schedules/ports.ts';
import type { Sides } from './play.ts';

type Update = ScheduleCluster['update'];
type UpdateArguments = Parameters<Update>;

/** Everything of a cluster but what is replaced. */
function instead(cluster: ScheduleCluster, replaced: Partial<ScheduleCluster>): ScheduleCluster {
  const whole: ScheduleCluster = {
    profile: cluster.profile,
    describe: (...a) => cluster.describe(...a),
    create: (...a) => cluster.create(...a),
    update: (...a) => cluster.update(...a),
    delete: (...a) => cluster.delete(...a),
    matchingTimes: (...a) => cluster.matchingTimes(...a),
    countRuns: (...a) => cluster.countRuns(...a),
    describeRun: (...a) => cluster.describeRun(...a),
    startExactly: (...a) => cluster.startExactly(...a),
    backfill: (...a) => cluster.backfill(...a),
    endRun: (...a) => cluster.endRun(...a),
    behindMs: () => cluster.behindMs(),
    aheadMs: () => cluster.aheadMs(),
    nominalTimes: (...a) => cluster.nominalTimes(...a),
  };
  return { ...whole, ...replaced };
}

/** What Describe would show had the update been applied the moment it was acknowledged. */
function asIfApplied(before: Described, [, schedule]: UpdateArguments, nowMs: number): Described {
  const token = Uint8Array.from(before.token, (byte, i) => byte ^ (i === 0 || i === 7 ? 0x55 : 0));
  return { ...before, schedule, token, updatedMs: nowMs };
}

/** Trusts the acknowledgement of a write: its read-back is not looked at. */
export function withoutReadBack(now: () => number): (sides: Sides) => Sides {
  const trusting = (cluster: ScheduleCluster): ScheduleCluster => {
    let believed: Described | undefined;
    return instead(cluster, {
      update: async (...update) => {
        const before = await cluster.describe(update[0]);
        const answer = await cluster.update(...update);
        if (before && answer === 'accepted') believed = asIfApplied(before, update, now());
        return answer;
      },
      describe: async (id) => {
        const shown = believed ?? (await cluster.describe(id));
        believed = undefined;
        return shown;
      },
    });
  };
  return ({ source, target }) => ({ source: trusting(source), target: trusting(target) });
}

/** Opens the target before the source is bounded: each write of the source waits for the next one of the target. */
export function targetFirst(now: () => number): (sides: Sides) => Sides {
  return ({ source, target }) => {
    let held: UpdateArguments | undefined;
    let believed: Described | undefined;
    const release = async (): Promise<void> => {
      const update = held;
      held = undefined;
      believed = undefined;
      if (update) await source.update(...update);
    };
    return {
      source: instead(source, {
        update: async (...update) => {
          await release();
          const before = await source.describe(update[0]);
          if (!before) return 'gone';
          held = update;
          believed = asIfApplied(before, update, now());
          return 'accepted';
        },
        describe: async (id) => believed ?? source.describe(id),
      }),
      target: instead(target, {
        update: async (...update) => {
          const answer = await target.update(...update);
          await release();
          return answer;
        },
      }),
    };
  };
}

function blind(cluster: ScheduleCluster): ScheduleCluster {
  return instead(cluster, { matchingTimes: async () => [] });
}

/** Does not look for what its writes dropped. */
export function withoutSettle(): (sides: Sides) => Sides {
  return ({ source, target }) => ({ source: blind(source), target: blind(target) });
}
