import { MockActivityEnvironment } from '@temporalio/testing';
import type { temporal } from '@temporalio/proto';
import { expect, test } from 'vitest';
import type { FerryDeps } from '../../src/activities/deps.ts';
import { watchOwnership } from '../../src/activities/watch.ts';
import type { WatchResult } from '../../src/activities/types.ts';
import { emptyAudit } from '../../src/schedules/audit.ts';
import { opened } from '../../src/schedules/shapes.ts';
import { seconds } from './schedules/forms.ts';

const ID = 'late';

/** A side whose list has these schedules, and whose one schedule is as its user wrote it. */
function side(profile: string, schedules: temporal.api.schedule.v1.IScheduleListEntry[]) {
  const service = { listSchedules: async () => ({ schedules }) };
  const schedule = { spec: { interval: [{ interval: seconds(60) }] }, state: { notes: 'nightly' } };
  return {
    profile,
    call: async (rpc: (s: typeof service) => unknown) => rpc(service),
    describe: async () => ({ schedule, futureMs: [], recent: [], running: [], buffered: 0, engine: 'v1' }),
  };
}

function clustersOf(...sides: ReturnType<typeof side>[]): FerryDeps {
  const get = (profile: string) => sides.find((one) => one.profile === profile);
  return { clusters: { get } } as unknown as FerryDeps;
}

const crossing = { tenant: 't', migration: 'm', from: 'cloud', to: 'selfhosted', selection: { all: true as const } };

test('a late bound that cannot be taken off in the bake is told', async () => {
  const { spec } = opened({}, Date.UTC(2026, 0, 1), null);
  // The bound is seen in the list, and the hand-over that is to take it off fails: its paused copy is none any more.
  const deps = clustersOf(side('cloud', []), side('selfhosted', [{ scheduleId: ID, info: { spec } }]));
  const { breaches, audit }: WatchResult = await new MockActivityEnvironment().run(watchOwnership, deps, crossing);
  expect(breaches).toMatchObject([{ schedule: ID, kind: 'none-active', repaired: false }]);
  expect(breaches[0]?.detail).toBe(
    'its handover is not complete: it exists on both clusters and neither is marked as the paused copy of the other',
  );
  expect(audit).toMatchObject({ missed: 0, wrongSide: 0 });
});

test('what a look that was cut off had proven is in the answer of the next', async () => {
  const audit = { ...emptyAudit(), runs: 3, missed: 1 };
  const again = new MockActivityEnvironment({ heartbeatDetails: { checked: 5, audit } });
  const deps = clustersOf(side('cloud', []), side('selfhosted', []));
  expect(await again.run(watchOwnership, deps, crossing)).toEqual({ checked: 0, breaches: [], audit });
});
