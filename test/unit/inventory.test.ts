import type { temporal } from '@temporalio/proto';
import { expect, test } from 'vitest';
import type { Cluster } from '../../src/clusters/cluster.ts';
import { listPage } from '../../src/clusters/inventory.ts';

type Entry = temporal.api.schedule.v1.IScheduleListEntry;

async function listed(schedules: Entry[]): Promise<string[]> {
  const service = { listSchedules: async () => ({ schedules }) };
  const cluster = { namespace: 'default', call: async (rpc: (s: typeof service) => unknown) => rpc(service) };
  const { entries } = await listPage(cluster as unknown as Cluster, { all: true }, undefined, 10);
  return entries.map(({ id }) => id);
}

const scratch = 'ferry-times-0f6c2b9e-6a44-4a39-9f0b-a4f1d1d1a001';

test("a user's schedule is the tenant's whatever it is called; a question of ours about a spec is not", async () => {
  const ours: Entry = { scheduleId: scratch, info: { workflowType: { name: scratch }, paused: true } };
  const theirs: Entry = { scheduleId: 'ferry-times-north', info: { workflowType: { name: 'Timetable' } } };
  expect(await listed([ours, theirs, { scheduleId: 'other' }])).toEqual(['ferry-times-north', 'other']);
});

test('one of ours that the list does not tell more of yet is none of the tenant', async () => {
  expect(await listed([{ scheduleId: scratch }])).toEqual([]);
});
