import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_DETAILS_BYTES } from '../../src/workflows/details.ts';
import { progressQuery } from '../../src/workflows/messages.ts';
import type { Phase } from '../../src/workflows/progress.ts';
import { FerryDirection, FerryOwner, FerryPhase, FerryTenant } from '../../src/workflows/search-attributes.ts';
import { type FakedName, FakeTenant, reason, untilCancelled } from './fake-tenant.ts';
import { finish, type Harness, type Migration, startHarness, until, untilPhase } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

interface Definition {
  name: string;
  description?: string;
}
interface Metadata {
  currentDetails: string;
  definition: Record<'queryDefinitions' | 'signalDefinitions' | 'updateDefinitions', Definition[]>;
}
const described = (definitions: Definition[]) =>
  definitions
    .filter(({ description }) => description)
    .map(({ name }) => name)
    .toSorted();
const metadataOf = (handle: Migration) => handle.query<Metadata>('__temporal_workflow_metadata');

describe('what people see', () => {
  test('in each phase, query and details agree, and name what can be sent', async () => {
    await harness.play(new FakeTenant(30), async ({ start, fake, tenant }) => {
      const activities: Partial<Record<Phase, FakedName>> = {
        preflight: 'preflight',
        copying: 'copyPage',
        verifying: 'verifyPage',
        'cutting-over': 'cutOverPage',
        settling: 'sweep',
      };
      const released = new Set<FakedName>();
      for (const activity of Object.values(activities)) {
        fake.before(activity, () => until('release', () => released.has(activity)).then(() => undefined));
      }
      const handle = await start({ bake: '1 hour', approval: 'manual', pageSize: 250 });
      const expected: [Phase, title: string, more: object][] = [
        ['preflight', 'preflight', { schedules: { total: 0, copied: 0, verified: 0, handedOver: 0, failed: 0 } }],
        [
          'copying',
          'copying schedules',
          { schedules: { total: 30, copied: 0, verified: 0, handedOver: 0, failed: 0 } },
        ],
        [
          'verifying',
          'verifying the copies',
          { schedules: { total: 30, copied: 30, verified: 0, handedOver: 0, failed: 0 } },
        ],
        ['awaiting-approval', 'waiting for approval', { accepts: ['rollback', 'pause', 'proceed'] }],
        [
          'cutting-over',
          'handing over',
          { schedules: { total: 30, copied: 30, verified: 30, handedOver: 0, failed: 0 } },
        ],
        [
          'settling',
          'settling',
          { owner: 'cloud', schedules: { total: 30, copied: 30, verified: 30, handedOver: 30, failed: 0 } },
        ],
        ['baking', 'baking', { owner: 'selfhosted', accepts: ['rollback', 'pause', 'proceed'] }],
      ];
      for (const [phase, title, more] of expected) {
        const progress = await untilPhase(handle, phase);
        expect(progress).toMatchObject({
          tenant,
          from: 'cloud',
          to: 'selfhosted',
          phase,
          canRollback: true,
          paused: false,
          ...more,
        });
        expect(progress.phases.at(-1)).toMatchObject({ phase });
        expect(Date.parse(progress.updatedAt)).toBeGreaterThanOrEqual(Date.parse(progress.startedAt));
        const { currentDetails } = await metadataOf(handle);
        expect(currentDetails).toContain(`## ${tenant}: ${title}`);
        expect(currentDetails).toContain('`rollback`');
        if (progress.accepts.includes('proceed')) expect(currentDetails).toContain('`proceed`');
        expect(Buffer.byteLength(currentDetails)).toBeLessThanOrEqual(MAX_DETAILS_BYTES);
        if (phase === 'awaiting-approval') await handle.signal('proceed');
        const activity = activities[phase];
        if (activity) released.add(activity);
      }
      expect((await finish(handle)).outcome).toBe('completed');
      expect((await metadataOf(handle)).currentDetails).toContain(
        'to go back, start MigrateTenant from `selfhosted` to `cloud`',
      );
    });
  });

  test('details of a migration with much to tell stay under 4 KB', async () => {
    await harness.play(new FakeTenant(60), async ({ start, fake, env }) => {
      const long = 'a run of it has been open since yesterday and its policy forbids a second '.repeat(5);
      for (const schedule of fake.owners.keys()) fake.warnings.push(reason(schedule, long));
      fake.before('cutOverPage', (_call, { to }) => {
        fake.stubborn.clear();
        if (to === 'selfhosted')
          for (const schedule of fake.owners.keys()) fake.stubborn.set(schedule, reason(schedule, long));
      });
      const handle = await start({ bake: '0' });
      await untilPhase(handle, 'settling');
      await env.sleep('10 min');
      const { currentDetails } = await metadataOf(handle);
      expect(Buffer.byteLength(currentDetails)).toBeLessThanOrEqual(MAX_DETAILS_BYTES);
      expect(currentDetails).toContain('60 schedules of 60 could not be handed over');
      expect(currentDetails).toContain('- and 15 more: see the query `progress`');
      await handle.signal('rollback');
      await finish(handle);
    });
  });

  test('every signal, query and update carries a description', async () => {
    await harness.play(new FakeTenant(1), async ({ start }) => {
      const handle = await start({ approval: 'manual' });
      await untilPhase(handle, 'awaiting-approval');
      const { definition } = await metadataOf(handle);
      const commands = ['pause', 'proceed', 'resume', 'rollback'];
      expect(described(definition.signalDefinitions)).toEqual(commands);
      expect(described(definition.updateDefinitions)).toEqual(commands);
      expect(described(definition.queryDefinitions)).toEqual(expect.arrayContaining(['plan', 'progress']));
      await handle.signal('rollback');
      await finish(handle);
    });
  });

  test('every activity and timer has a summary that names the tenant and its purpose', async () => {
    await harness.play(new FakeTenant(30), async ({ start, fake, tenant }) => {
      fake.before('cutOverPage', (call) => {
        if (call === 1) fake.stubborn.set('job-0003', reason('job-0003'));
        if (call === 4) fake.stubborn.clear();
      });
      const handle = await start({ bake: '20 min' });
      await finish(handle);
      const { events } = await handle.fetchHistory();
      const summaries = (events ?? [])
        .filter((event) => event.activityTaskScheduledEventAttributes ?? event.timerStartedEventAttributes)
        .map(({ userMetadata }) =>
          String(JSON.parse(Buffer.from(userMetadata?.summary?.data ?? []).toString() || '""')),
        );
      expect(summaries.length).toBeGreaterThan(20);
      for (const summary of summaries) expect(summary).toMatch(new RegExp(`^${tenant}: \\w+`));
      expect(summaries).toContain(`${tenant}: hand over schedules to selfhosted, page 3`);
      expect(summaries).toContain(`${tenant}: wait before the next try of 1 schedule`);
      expect(summaries.some((summary) => summary.includes(': bake until '))).toBe(true);
    });
  });

  test('the list shows phase, owner and direction, and the memo the progress, also after the end', async () => {
    await harness.play(new FakeTenant(3), async ({ start, tenant }) => {
      const handle = await start({ bake: '1 hour' });
      await untilPhase(handle, 'baking');
      const during = await handle.describe();
      expect(during.typedSearchAttributes.get(FerryPhase)).toBe('baking');
      expect(during.memo).toMatchObject({ progress: { phase: 'baking', owner: 'selfhosted' } });
      await finish(handle);
      const { typedSearchAttributes, memo } = await handle.describe();
      expect(typedSearchAttributes.get(FerryTenant)).toBe(tenant);
      expect(typedSearchAttributes.get(FerryPhase)).toBe('completed');
      expect(typedSearchAttributes.get(FerryOwner)).toBe('selfhosted');
      expect(typedSearchAttributes.get(FerryDirection)).toBe('cloud-to-selfhosted');
      expect(memo).toMatchObject({
        progress: { phase: 'completed', owner: 'selfhosted', schedules: { handedOver: 3 } },
      });
    });
  });
});

describe('a bad input fails at once', () => {
  test.each([
    ['nothing', [], '- input: found nothing'],
    ['a text', ['acme'], '- input: found "acme"'],
    ['a misspelt field', [{ tenat: 'acme' }], 'did you mean "tenant"?'],
  ])('%s: before anything is claimed, with a message and no stack', async (_what, args, line) => {
    await harness.play(new FakeTenant(1), async ({ client, taskQueue, tenant, fake }) => {
      const error: unknown = await client.workflow
        .execute('MigrateTenant', { workflowId: `bad/${tenant}`, taskQueue, args })
        .catch((failure: unknown) => failure);
      expect(error).toBeInstanceOf(WorkflowFailedError);
      expect(error).toMatchObject({ cause: { type: 'InvalidInput', nonRetryable: true } });
      const { events } = await client.workflow.getHandle(`bad/${tenant}`).fetchHistory();
      const failure = events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure;
      expect(failure?.message).toContain(line);
      expect(failure?.stackTrace).not.toContain('    at ');
      expect(fake.calls).toEqual([]);
    });
  });
});

test('an activity that hears of a rollback late is waited for, and people see that', async () => {
  await harness.play(new FakeTenant(3), async ({ start, fake }) => {
    let release = false;
    fake.before('copyPage', async () => {
      await untilCancelled();
      await until('release', () => release);
    });
    const handle = await start({});
    await untilPhase(handle, 'copying');
    await handle.signal('rollback');
    const progress = await until('the wait', async () => {
      const now = await handle.query(progressQuery);
      return now.rollbackReason === null ? undefined : now;
    });
    expect(progress).toMatchObject({
      phase: 'copying',
      waitingFor: 'the schedules in flight, before it turns back',
      accepts: [],
    });
    release = true;
    expect((await finish(handle)).outcome).toBe('rolled-back');
  });
});
