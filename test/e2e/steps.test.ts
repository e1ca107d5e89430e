/**
 * The single steps on real servers, V1 (1.29) and V2 (1.32), through their commands: copies made and compared, schedules
 * paused and let run again on either engine, across a migration, and none of them ever opened where it rests.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { readNote } from '../../src/schedules/note.ts';
import { readPause } from '../../src/schedules/pause-note.ts';
import type { CopyReport } from '../../src/workflows/copy-schedules.ts';
import type { PauseReport, UnpauseReport } from '../../src/workflows/pause-schedules.ts';
import type { VerifyReport } from '../../src/workflows/verify-schedules.ts';
import type { PlannedSchedule } from '../../scripts/lib/tenant-load.ts';
import { duration } from '../../scripts/lib/payloads.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type World, createWorld, nowSeconds, resultIsClean } from '../support/world.ts';

const TENANT = 'steps';
const COUNT = 20;
/** Longer than any jitter of the load. */
const PAUSE_SECONDS = 22;
const JITTER_SECONDS = 12;

type Name = 'cloud' | 'selfhosted';

let world: World;
let planned: PlannedSchedule[];
/** Kept paused by their users. */
let held: string[];

beforeAll(async () => {
  world = await createWorld([TENANT], { selfhosted: 'v2' });
  await world.ferry();
  planned = await world.load(TENANT, COUNT);
  held = planned.filter(({ intent }) => intent.paused).map(({ id }) => id);
  await waitFor({ what: 'all of them to be listed', timeoutMs: 60_000 }, async () => {
    const { connection, namespace } = world.sides.cloud;
    const { schedules } = await connection.workflowService.listSchedules({
      namespace,
      query: `TenantId = '${TENANT}'`,
      maximumPageSize: 100,
    });
    return schedules.length === COUNT;
  });
});

afterAll(async () => {
  await world?.stop();
});

async function ferry<Report>(...args: string[]): Promise<{ code: number; report: Report }> {
  const out: string[] = [];
  const err: string[] = [];
  const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text) };
  const code = await main([...args, '--json'], { TEMPORAL_CONFIG_FILE: world.stack.configFile }, io);
  const answer = out.pop();
  if (answer === undefined) throw new Error(err.join('\n'));
  return { code, report: JSON.parse(answer) };
}

async function describe(side: Name, scheduleId: string) {
  const { connection, namespace } = world.sides[side];
  const { schedule, conflictToken } = await connection.workflowService.describeSchedule({ namespace, scheduleId });
  return { schedule, conflictToken, paused: Boolean(schedule?.state?.paused), notes: schedule?.state?.notes ?? '' };
}

async function stateOf(side: Name): Promise<Record<string, { paused: boolean; notes: string }>> {
  const states = planned.map(async ({ id }) => {
    const { paused, notes } = await describe(side, id);
    return [id, { paused, notes }] as const;
  });
  return Object.fromEntries(await Promise.all(states));
}

/** As it was created. */
const written = () =>
  Object.fromEntries(
    planned.map(({ id, request }) => {
      const { paused, notes } = request.schedule?.state ?? {};
      return [id, { paused: Boolean(paused), notes: notes ?? '' }];
    }),
  );

async function runsOn(side: Name, from: number, until: number): Promise<number> {
  const { connection, namespace } = world.sides[side];
  const iso = (seconds: number) => new Date(seconds * 1000).toISOString();
  const query =
    `TemporalScheduledById STARTS_WITH '${TENANT}-' AND TemporalScheduledStartTime >= '${iso(from)}' ` +
    `AND TemporalScheduledStartTime < '${iso(until)}'`;
  return Number((await connection.workflowService.countWorkflowExecutions({ namespace, query })).count);
}

/** Pauses, waits, lets run again: nothing of the time between runs, then or later, and everything is as it was. */
async function pausesOn(side: Name): Promise<void> {
  const before = await stateOf(side);
  const paused = await ferry<PauseReport>('pause-schedules', TENANT, '--cluster', side);
  const since = nowSeconds() + 2;
  expect(paused).toMatchObject({
    code: 0,
    report: { seen: COUNT, paused: COUNT - held.length, userPaused: held.length, already: 0, refused: 0 },
  });
  for (const [id, { paused: is, notes }] of Object.entries(await stateOf(side))) {
    expect(is, id).toBe(true);
    const { pause, user } = readPause(notes);
    expect(user, id).toBe(before[id]?.notes);
    expect(pause?.by, id).toBe(held.includes(id) ? undefined : `pause-schedules/${TENANT}/${side}`);
  }
  const again = await ferry<PauseReport>('pause-schedules', TENANT, '--cluster', side);
  expect(again.report).toMatchObject({ paused: 0, already: COUNT - held.length, userPaused: held.length });

  await waitFor({ what: 'the pause', timeoutMs: 60_000 }, async () => nowSeconds() >= since + PAUSE_SECONDS);
  const until = since + PAUSE_SECONDS - JITTER_SECONDS;
  const opened = await ferry<UnpauseReport>('unpause-schedules', TENANT, '--cluster', side);
  const resumed = nowSeconds() + 1;
  expect(opened).toMatchObject({
    code: 1,
    report: { unpaused: COUNT - held.length, running: 0, refused: held.length, byCode: { 'user-paused': held.length } },
  });
  expect(opened.report.reasons.map(({ object }) => object).toSorted()).toEqual(held.map((id) => `schedule ${id}`));
  expect(await stateOf(side)).toEqual(before);
  await waitFor({ what: `runs on ${side} after the pause`, timeoutMs: 60_000, everyMs: 1_000 }, async () => {
    return (await runsOn(side, resumed, resumed + 60)) >= 10;
  });
  const late = await runsOn(side, until, resumed - 1);
  console.log(side, JSON.stringify({ since, until, resumed, ofTheLastSecondsOfThePause: late }));
  expect(await runsOn(side, since, until)).toBe(0);
}

test('copies, compares, copies again what differs, and repairs nothing by comparing', async () => {
  const compared = () => ferry<VerifyReport>('verify', TENANT);
  expect(await compared()).toMatchObject({ code: 1, report: { counts: { matching: 0, missing: COUNT, extra: 0 } } });
  const copied = await ferry<CopyReport>('copy', TENANT);
  expect(copied).toMatchObject({ code: 0, report: { seen: COUNT, created: COUNT, updated: 0, refused: 0 } });
  expect(await compared()).toMatchObject({
    code: 0,
    report: { counts: { matching: COUNT, different: 0, missing: 0 } },
  });

  const [changed = '', gone = ''] = planned.map(({ id }) => id);
  const { connection, namespace } = world.sides.selfhosted;
  const { schedule, conflictToken } = await describe('selfhosted', changed);
  const catchupWindow = duration(123);
  await connection.workflowService.updateSchedule({
    namespace,
    scheduleId: changed,
    conflictToken,
    schedule: { ...schedule, policies: { ...schedule?.policies, catchupWindow } },
  });
  await connection.workflowService.deleteSchedule({ namespace, scheduleId: gone });
  for (let look = 1; look <= 2; look++) {
    expect(await compared()).toMatchObject({
      code: 1,
      report: {
        counts: { matching: COUNT - 2, different: 1, missing: 1 },
        different: [{ schedule: changed, fields: ['policies.catchupWindow.seconds'] }],
        missing: [gone],
      },
    });
  }
  expect(await ferry<CopyReport>('copy', TENANT)).toMatchObject({
    code: 0,
    report: { created: 1, updated: 1, unchanged: COUNT - 2 },
  });
  expect(await compared()).toMatchObject({ code: 0 });
  for (const [id, { paused, notes }] of Object.entries(await stateOf('selfhosted'))) {
    expect(paused, id).toBe(true);
    expect(readNote(notes).mark, id).toMatchObject({ kind: 'standby', owner: 'cloud' });
  }
  // The other direction: these are not the standby's to copy.
  expect(await ferry<CopyReport>('copy', TENANT, '--from', 'selfhosted', '--to', 'cloud')).toMatchObject({
    code: 1,
    report: { created: 0, updated: 0, unchanged: COUNT, elsewhere: COUNT },
  });
  expect(await stateOf('cloud')).toEqual(written());
}, 300_000);

test('a V1 scheduler is paused and let run again, and its standby is never opened', async () => {
  await pausesOn('cloud');
  const standby = await stateOf('selfhosted');
  expect(await ferry<PauseReport>('pause-schedules', TENANT, '--cluster', 'selfhosted')).toMatchObject({
    code: 0,
    report: { paused: 0, standby: COUNT },
  });
  expect(await ferry<UnpauseReport>('unpause-schedules', TENANT, '--cluster', 'selfhosted')).toMatchObject({
    code: 1,
    report: { unpaused: 0, refused: COUNT, byCode: { 'standby-copy': COUNT } },
  });
  expect(await stateOf('selfhosted')).toEqual(standby);
}, 300_000);

test('what ferry paused crosses with a migration as paused, and is let run where it lives then, on V2', async () => {
  await ferry('pause-schedules', TENANT, '--cluster', 'cloud');
  const migration = await world.migrate(`migrate/${TENANT}`, { tenant: TENANT, workflows: 'none', bake: '0' });
  const result = await migration.result();
  expect(result).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  expect(resultIsClean(result)).toBe(true);
  for (const [id, { paused, notes }] of Object.entries(await stateOf('selfhosted'))) {
    expect(paused, id).toBe(true);
    expect(readPause(notes).pause?.by, id).toBe(held.includes(id) ? undefined : `pause-schedules/${TENANT}/cloud`);
  }
  expect(await ferry<UnpauseReport>('unpause-schedules', TENANT, '--cluster', 'cloud')).toMatchObject({
    code: 1,
    report: { unpaused: 0, refused: COUNT, byCode: { 'standby-copy': COUNT } },
  });
  expect(await ferry<UnpauseReport>('unpause-schedules', TENANT, '--cluster', 'selfhosted')).toMatchObject({
    code: 1,
    report: { unpaused: COUNT - held.length, refused: held.length },
  });
  expect(await stateOf('selfhosted')).toEqual(written());
  await pausesOn('selfhosted');
  expect(Object.values(await stateOf('cloud')).every(({ paused }) => paused)).toBe(true);
}, 300_000);
