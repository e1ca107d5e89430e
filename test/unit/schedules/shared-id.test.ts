/** Two schedules whose actions have the same workflow id, and times in common: their runs have the same ids. */
import { expect, test } from 'vitest';
import { emptyAudit } from '../../../src/schedules/audit.ts';
import { accounted } from '../../../src/schedules/missing.ts';
import type { Run, ScheduleCluster } from '../../../src/schedules/ports.ts';
import type { Settling } from '../../../src/schedules/settling.ts';

const now = Date.UTC(2026, 0, 1);
const due = { dueMs: now, afterMs: now - 1000 };

function holding(run: Partial<Run> | undefined): Pick<ScheduleCluster, 'describeRun'> {
  return { describeRun: async (workflowId) => run && { workflowId, open: true, startMs: now, ...run } };
}

async function settled(here: Partial<Run> | undefined, there: Partial<Run> | undefined) {
  const audit = emptyAudit();
  const settling = {
    ran: 0,
    byId: [],
    asking: { decided: async () => false },
    range: { role: 'target' },
    after: { schedule: { action: { startWorkflow: { workflowId: 'both-run' } } } },
  } as unknown as Settling;
  const time = { now: () => now, sleep: async () => undefined };
  const done = await accounted(settling, holding(here), time, 'mine', due, now, audit, holding(there));
  return { done, ran: settling.ran, runs: audit.runs, explained: audit.explained };
}

test('a run of its own counts, on either side, also one that does not say whose it is', async () => {
  expect(await settled({ scheduleId: 'mine' }, undefined)).toEqual({ done: true, ran: 1, runs: 1, explained: 0 });
  expect(await settled({}, undefined)).toEqual({ done: true, ran: 1, runs: 1, explained: 0 });
  expect(await settled(undefined, { scheduleId: 'mine' })).toEqual({ done: true, ran: 0, runs: 1, explained: 0 });
});

test("another schedule's run on the other side is not taken for it: the time is still to be run", async () => {
  expect(await settled(undefined, { scheduleId: 'theirs' })).toEqual({ done: false, ran: 0, runs: 0, explained: 0 });
});

test('where another schedule has taken the id, nobody can start it, and it is no run of this one', async () => {
  expect(await settled({ scheduleId: 'theirs' }, undefined)).toEqual({ done: true, ran: 0, runs: 0, explained: 1 });
});
