import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation, WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import type { Route } from '../../src/routes/route.ts';
import {
  type ClusterName,
  type ServiceWorld,
  TASK_QUEUE,
  clusterNames,
  createServiceWorld,
} from '../support/services.ts';
import {
  addUpdate,
  completedByClient,
  finishSignal,
  goOnSignal,
  noteSignal,
  notesQuery,
  order,
  quick,
} from '../support/service-workflows.ts';

let world: ServiceWorld;

beforeAll(async () => {
  world = await createServiceWorld();
});

afterAll(async () => {
  await world?.stop();
});

const on = (cluster: string, more: Partial<Route> = {}): Route => ({
  to: { cluster, split: null },
  from: null,
  at: null,
  undrained: [],
  ...more,
});
const other = (cluster: ClusterName): ClusterName => (cluster === 'cloud' ? 'selfhosted' : 'cloud');
const started = (workflowId: string) => ({ workflowId, taskQueue: TASK_QUEUE });

/** Where the id is, asked straight. */
async function whereIs(workflowId: string): Promise<string[]> {
  const found = await Promise.all(
    clusterNames.map(async (name) => {
      try {
        await world.direct[name].workflow.getHandle(workflowId).describe();
        return [name];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

/** A tenant of its own, so that no test waits for another one's lease. */
async function tenantOn(route: unknown): Promise<string> {
  const tenant = `t-${randomUUID().slice(0, 8)}`;
  await world.publish(tenant, route);
  return tenant;
}

describe.each(clusterNames)('a tenant on %s', (cluster) => {
  test('has the whole surface of the client there', async () => {
    const seen: string[] = [];
    const clients = world.clients({
      client: {
        dataConverter: (await import('../support/services.ts')).dataConverter,
        interceptors: {
          workflow: [
            {
              start: async (input, next) => {
                seen.push(`start ${input.workflowType}`);
                return next(input);
              },
              signal: async (input, next) => {
                seen.push(`signal ${input.signalName}`);
                return next(input);
              },
            },
          ],
        },
      },
    });
    const client = clients.tenant(await tenantOn(on(cluster)));
    const id = `surface-${randomUUID()}`;

    const handle = await client.workflow.start(order, { ...started(id), args: ['first'], memo: { by: 'test' } });
    expect(await whereIs(id)).toEqual([cluster]);
    await handle.signal(noteSignal, 'second');
    expect(await handle.executeUpdate(addUpdate, { args: ['third'] })).toBe(3);
    expect(await handle.query(notesQuery)).toEqual(['first', 'second', 'third']);
    expect(await handle.describe()).toMatchObject({ status: { name: 'RUNNING' }, memo: { by: 'test' } });
    await handle.signal(finishSignal);
    expect(await handle.result()).toEqual(['first', 'second', 'third']);
    expect((await handle.fetchHistory()).events?.length).toBeGreaterThan(8);
    await expect(handle.signal(noteSignal, 'late')).rejects.toMatchObject({ name: 'WorkflowNotFoundError' });
    expect(seen).toEqual(['start order', 'signal note', 'signal finish', 'signal note']);

    const signalled = `signalled-${id}`;
    const options = { ...started(signalled), args: ['a'] as [string], signal: noteSignal };
    const one = await client.workflow.signalWithStart(order, { ...options, signalArgs: ['b'] });
    const two = await client.workflow.signalWithStart(order, { ...options, signalArgs: ['c'] });
    expect(two.signaledRunId).toBe(one.signaledRunId);
    expect(await one.query(notesQuery)).toEqual(['a', 'b', 'c']);
    await one.signal(goOnSignal);
    await waitFor({ what: 'the next run' }, async () => (await one.describe()).runId !== one.signaledRunId);
    expect(await one.query(notesQuery)).toEqual(['a', 'b', 'c']);
    await one.cancel();
    await expect(one.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });

    const updated = new WithStartWorkflowOperation(order, {
      ...started(`updated-${id}`),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    const count = await client.workflow.executeUpdateWithStart(addUpdate, {
      args: ['x'],
      startWorkflowOperation: updated,
    });
    expect(count).toBe(1);
    await (await updated.workflowHandle()).terminate('enough');
    await expect((await updated.workflowHandle()).result()).rejects.toMatchObject({
      cause: { name: 'TerminatedFailure' },
    });

    expect(await client.workflow.execute(quick, { ...started(`quick-${id}`), args: ['said'] })).toBe('said');

    const query = `TaskQueue = '${TASK_QUEUE}' AND WorkflowId = '${signalled}'`;
    await waitFor({ what: 'both runs to be listed' }, async () => (await client.workflow.count(query)).count === 2);
    const listed: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query, pageSize: 1 })) listed.push(workflowId);
    expect(listed).toEqual([signalled, signalled]);
    await clients.close();
  });

  test('completes activities by their token and by their id', async () => {
    const clients = world.clients();
    const client = clients.tenant(await tenantOn(on(cluster, { undrained: [other(cluster)] })));
    const byToken = `by-token-${randomUUID()}`;
    const byId = `by-id-${randomUUID()}`;
    const elsewhere = `elsewhere-${randomUUID()}`;
    const first = await client.workflow.start(completedByClient, started(byToken));
    const second = await client.workflow.start(completedByClient, started(byId));
    const third = await world.direct[other(cluster)].workflow.start(completedByClient, started(elsewhere));
    const token = (id: string) => waitFor({ what: `the activity of ${id}` }, async () => world.tokens.get(id));
    await client.activity.heartbeat(await token(elsewhere), 'still there');
    await client.activity.complete(await token(elsewhere), 'c');
    await client.activity.complete(await token(byToken), 'a');
    await token(byId);
    await client.activity.complete({ workflowId: byId, activityId: '1' }, 'b');
    expect(await Promise.all([first.result(), second.result(), third.result()])).toEqual(['a', 'b', 'c']);
    await clients.close();
  });
});

describe('ids that are open on the side that is not drained', () => {
  let client: Client;
  let there: Client;
  const openThere = async (): Promise<string> => {
    const id = `open-${randomUUID()}`;
    await there.workflow.start(order, { ...started(id), args: ['there'] });
    return id;
  };

  beforeAll(async () => {
    client = world.clients().tenant(await tenantOn(on('selfhosted', { undrained: ['cloud'] })));
    there = world.direct.cloud;
  });

  test('are started no second time: the default, and FAIL', async () => {
    const id = await openThere();
    for (const workflowIdConflictPolicy of [undefined, 'FAIL'] as const) {
      const options = { ...started(id), workflowIdConflictPolicy };
      await expect(client.workflow.start(order, options)).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
    }
    await expect(
      client.workflow.signalWithStart(order, {
        ...started(id),
        signal: 'note',
        signalArgs: ['x'],
        workflowIdConflictPolicy: 'FAIL',
      }),
    ).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
    const startWorkflowOperation = new WithStartWorkflowOperation(order, {
      ...started(id),
      workflowIdConflictPolicy: 'FAIL',
    });
    await expect(
      client.workflow.executeUpdateWithStart(addUpdate, { args: ['x'], startWorkflowOperation }),
    ).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
    expect(await whereIs(id)).toEqual(['cloud']);
    expect(await there.workflow.getHandle(id).query(notesQuery)).toEqual(['there']);
  });

  test('are used: USE_EXISTING, signals and updates with a start', async () => {
    const id = await openThere();
    const { runId } = await there.workflow.getHandle(id).describe();
    const used = await client.workflow.start(order, { ...started(id), workflowIdConflictPolicy: 'USE_EXISTING' });
    expect(used.firstExecutionRunId).toBe(runId);
    const signalled = await client.workflow.signalWithStart(order, {
      ...started(id),
      signal: noteSignal,
      signalArgs: ['s'],
    });
    expect(signalled.signaledRunId).toBe(runId);
    const startWorkflowOperation = new WithStartWorkflowOperation(order, {
      ...started(id),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    expect(await client.workflow.executeUpdateWithStart(addUpdate, { args: ['u'], startWorkflowOperation })).toBe(3);
    expect((await (await startWorkflowOperation.workflowHandle()).describe()).runId).toBe(runId);
    expect(await whereIs(id)).toEqual(['cloud']);
    await used.signal(finishSignal);
    expect(await used.result()).toEqual(['there', 's', 'u']);

    const again = await client.workflow.signalWithStart(order, {
      ...started(id),
      signal: noteSignal,
      signalArgs: ['new'],
    });
    expect(await again.query(notesQuery)).toEqual(['new']);
    expect(await whereIs(id)).toEqual(['cloud', 'selfhosted']);
    expect((await client.workflow.getHandle(id).describe()).status.name).toBe('RUNNING');
    await again.terminate();
  });

  test('make room: TERMINATE_EXISTING', async () => {
    const id = await openThere();
    const fresh = await client.workflow.start(order, {
      ...started(id),
      workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    });
    expect((await there.workflow.getHandle(id).describe()).status.name).toBe('TERMINATED');
    expect(await fresh.query(notesQuery)).toEqual([]);
    await fresh.terminate();
  });

  test('count when they are closed, where the policy looks at closed ones', async () => {
    const id = `closed-${randomUUID()}`;
    await there.workflow.execute(quick, { ...started(id), args: ['x'] });
    for (const workflowIdReusePolicy of ['REJECT_DUPLICATE', 'ALLOW_DUPLICATE_FAILED_ONLY'] as const) {
      const options = { ...started(id), args: ['y'] as [string], workflowIdReusePolicy };
      await expect(client.workflow.start(quick, options)).rejects.toThrow(WorkflowExecutionAlreadyStartedError);
    }
    const failed = await openThere();
    await there.workflow.getHandle(failed).terminate();
    await client.workflow.start(order, { ...started(failed), workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY' });
    expect(await whereIs(failed)).toEqual(['cloud', 'selfhosted']);
    expect(await client.workflow.execute(quick, { ...started(id), args: ['y'] })).toBe('y');
    await client.workflow.getHandle(failed).terminate();
  });

  test('are reached by handles without and with a run, listed and counted with the others', async () => {
    const id = await openThere();
    const handle = client.workflow.getHandle(id);
    await handle.signal(noteSignal, 'by handle');
    expect(await handle.executeUpdate(addUpdate, { args: ['updated'] })).toBe(3);
    expect(await handle.query(notesQuery)).toEqual(['there', 'by handle', 'updated']);
    const { runId } = await handle.describe();
    const ofRun = world
      .clients()
      .tenant(
        await tenantOn(on('selfhosted', { from: { cluster: 'cloud', split: null }, at: new Date(0).toISOString() })),
      );
    expect(await ofRun.workflow.getHandle(id, runId).query(notesQuery)).toHaveLength(3);
    expect((await ofRun.workflow.getHandle(id).fetchHistory()).events?.length).toBeGreaterThan(5);
    const here = `${id}-here`;
    await client.workflow.start(order, started(here));
    const query = `WorkflowId STARTS_WITH '${id}'`;
    await waitFor({ what: 'both to be counted' }, async () => (await client.workflow.count(query)).count === 2);
    const listed: string[] = [];
    for await (const found of client.workflow.list({ query, pageSize: 1 })) listed.push(found.workflowId);
    expect(listed.toSorted()).toEqual([id, here]);
    const groups = await client.workflow.count(`${query} GROUP BY ExecutionStatus`);
    expect(groups).toEqual({ count: 2, groups: [{ count: 2, groupValues: [['Running']] }] });
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    await expect(client.workflow.getHandle(`none-${id}`).signal(noteSignal, 'x')).rejects.toMatchObject({
      name: 'WorkflowNotFoundError',
    });
  });
});
