/**
 * Every overlap policy with a run of the source open at the boundary, on real servers, V1 to V2 and back: what each policy
 * promises on one cluster holds across two. Judged by arithmetic on the executions of both.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import proto from '@temporalio/proto';
import { duration, keyword } from '../../scripts/lib/payloads.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type Run, readRuns } from '../support/ledger.ts';
import { type World, createWorld, nowSeconds, resultIsClean } from '../support/world.ts';

const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;
const POLICIES = ['SKIP', 'BUFFER_ONE', 'BUFFER_ALL', 'CANCEL_OTHER', 'TERMINATE_OTHER', 'ALLOW_ALL'] as const;
type Policy = (typeof POLICIES)[number];

/** Seconds. Its runs take ten: there is hardly ever a moment without an open one. */
const EVERY = 8;
/** A scheduler learns of a run's end a moment late. */
const LEARNS_MS = 2_000;

let world: World;

beforeAll(async () => {
  world = await createWorld(['busy'], { selfhosted: 'v2' });
});

afterAll(async () => {
  await world?.stop();
});

const idOf = (policy: Policy) => `busy-${policy.toLowerCase().replace('_', '-')}`;

async function createAll(): Promise<void> {
  const { connection, namespace } = world.sides.cloud;
  for (const policy of POLICIES) {
    const id = idOf(policy);
    await connection.workflowService.createSchedule({
      namespace,
      scheduleId: id,
      requestId: randomUUID(),
      searchAttributes: { indexedFields: { TenantId: keyword('busy') } },
      schedule: {
        spec: { interval: [{ interval: duration(EVERY) }] },
        action: {
          startWorkflow: { workflowId: `${id}-run`, workflowType: { name: 'slow' }, taskQueue: { name: 'busy-work' } },
        },
        policies: { overlapPolicy: ScheduleOverlapPolicy[`SCHEDULE_OVERLAP_POLICY_${policy}`] },
        state: { notes: `as its user wrote it (${policy})` },
      },
    });
  }
}

test('each policy keeps its promise across the boundary, there and back', { timeout: 600_000 }, async () => {
  await createAll();
  const ferry = await world.ferry();
  const from = nowSeconds() + 2;
  await waitFor({ what: 'runs to be open', timeoutMs: 60_000 }, async () => nowSeconds() > from + 2 * EVERY);
  const input = { tenant: 'busy', workflows: 'none', bake: '0', openRunLimit: '3 minutes' };
  const there = await (await world.migrate('migrate/busy', input)).result();
  expect(there).toMatchObject({ outcome: 'completed', owner: 'selfhosted', schedules: { handedOver: 6, failed: 0 } });
  expect(resultIsClean(there)).toBe(true);
  await waitFor({ what: 'runs over there', timeoutMs: 60_000 }, async () => {
    return Date.now() > Date.parse(there.finishedAt) + 2 * EVERY * 1000;
  });
  const back = await (await world.migrate('migrate/busy', { ...input, from: 'selfhosted', to: 'cloud' })).result();
  expect(back).toMatchObject({ outcome: 'completed', owner: 'cloud', schedules: { handedOver: 6, failed: 0 } });
  expect(resultIsClean(back)).toBe(true);
  await waitFor({ what: 'cloud to run on', timeoutMs: 60_000 }, async () => {
    return Date.now() > Date.parse(back.finishedAt) + 2 * EVERY * 1000;
  });
  const to = nowSeconds() - 2;
  const runs = await readRuns({ sides: Object.values(world.sides), ids: POLICIES.map(idOf), from });
  for (const policy of POLICIES) {
    // Those from before as well: the first time may fall into one of them.
    const all = runs.get(idOf(policy)) ?? [];
    expect(new Set(all.map(({ side }) => side)), policy).toEqual(new Set(['cloud', 'selfhosted']));
    expect(judge(policy, all, from, to), policy).toEqual([]);
  }
  await ferry.stop();
});

/** What is wrong, as sentences. */
function judge(policy: Policy, all: Run[], from: number, to: number): string[] {
  const runs = all.toSorted((a, b) => a.startMs - b.startMs);
  const wrong: string[] = [];
  const nominals = runs.map(({ nominal }) => nominal);
  for (const n of new Set(nominals)) {
    const times = nominals.filter((other) => other === n).length;
    if (times > 1) wrong.push(`${iso(n)} ran ${times} times`);
  }
  if (policy !== 'ALLOW_ALL') {
    runs.forEach((run, i) => {
      const before = runs.slice(0, i).find((other) => other.closeMs > run.startMs + LEARNS_MS);
      if (before) wrong.push(`${iso(run.nominal)} on ${run.side} met ${iso(before.nominal)} on ${before.side}`);
    });
  }
  // A backlog is worked off in order: what lies behind the last that has started still waits.
  const last = policy === 'BUFFER_ALL' || policy === 'BUFFER_ONE' ? Math.max(...nominals) : to;
  for (let n = Math.ceil(from / EVERY) * EVERY; n <= last; n += EVERY) {
    if (nominals.includes(n)) continue;
    const open = runs.some((run) => run.startMs <= n * 1000 + LEARNS_MS && run.closeMs + LEARNS_MS >= n * 1000);
    const mayBeLeftOut = policy === 'SKIP' || policy === 'BUFFER_ONE';
    if (!(open && mayBeLeftOut)) wrong.push(`${iso(n)} did not run`);
  }
  return wrong;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 19);
}
