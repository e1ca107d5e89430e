import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import {
  type Client,
  ServiceError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
  isGrpcCancelledError,
  isGrpcDeadlineError,
} from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import { ANSWER_MS, HOLD_AFTER_MS, LEASE_MS, type Route } from '../../src/routes/route.ts';
import type { MoreConnectionOptions } from '../../src/services/connections.ts';
import { AbsentCluster, BadRoute, RouteUnavailable, UnknownTenant } from '../../src/services/errors.ts';
import { losingAnswers } from '../support/faults.ts';
import {
  type ClusterName,
  type ServiceWorld,
  TASK_QUEUE,
  clusterNames,
  createServiceWorld,
  dataConverter,
} from '../support/services.ts';
import {
  addUpdate,
  completedByClient,
  endUpdate,
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

async function describeIfThere(client: Client, workflowId: string): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Where the id is, asked straight. */
async function whereIs(workflowId: string): Promise<string[]> {
  const found = await Promise.all(clusterNames.map((name) => describeIfThere(world.direct[name], workflowId)));
  return clusterNames.filter((_, i) => found[i] !== undefined);
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
        dataConverter,
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
    // Servers take FAIL for an invalid argument of a signal with a start, and so it is.
    await expect(
      client.workflow.signalWithStart(order, {
        ...started(id),
        signal: 'note',
        signalArgs: ['x'],
        workflowIdConflictPolicy: 'FAIL',
      }),
    ).rejects.toThrow(ServiceError);
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

describe.each(clusterNames)('an answer of %s that is lost', (cluster) => {
  const METHODS = ['StartWorkflowExecution', 'SignalWithStartWorkflowExecution', 'ExecuteMultiOperation'];

  test('is found by its request id, closed or open, and nothing is sent twice', async () => {
    const { interceptor, lost } = losingAnswers(METHODS, 1);
    const calls: string[] = [];
    const counting: Interceptor = (options, next) => {
      const method = options.method_definition.path.split('/').at(-1) ?? '';
      if (METHODS.includes(method)) calls.push(method);
      return new InterceptingCall(next(options));
    };
    const connectionOptions = () => ({ interceptors: [counting, interceptor] });
    const client = (): Promise<Client> =>
      tenantOn(on(cluster)).then((t) => world.clients({ connectionOptions }).tenant(t));
    const id = `lost-${randomUUID()}`;

    // Every answer of a start is lost: the deadline's first, then the connection's.
    const { workflow } = await client();
    const closed = await workflow.start(quick, { ...started(`${id}-closed`), args: ['once'] });
    expect(await closed.result()).toBe('once');
    expect((await closed.describe()).runId).toBe(closed.firstExecutionRunId);
    expect(calls).toEqual(['StartWorkflowExecution']);

    lost.clear();
    const signalled = await workflow.signalWithStart(order, {
      ...started(`${id}-s`),
      signal: noteSignal,
      signalArgs: ['s'],
    });
    expect(await signalled.query(notesQuery)).toEqual(['s']);

    lost.clear();
    const startWorkflowOperation = new WithStartWorkflowOperation(order, {
      ...started(`${id}-u`),
      workflowIdConflictPolicy: 'FAIL',
    });
    expect(await workflow.executeUpdateWithStart(addUpdate, { args: ['u'], startWorkflowOperation })).toBe(1);
    expect(await workflow.getHandle(`${id}-u`).query(notesQuery)).toEqual(['u']);
    expect(calls).toEqual(METHODS);
  });

  test('is had from the run of others that the call has ended, and nothing is started', async () => {
    const { interceptor, lost } = losingAnswers(METHODS, 1, 2_000);
    const connectionOptions = () => ({ interceptors: [interceptor] });
    const { workflow } = world.clients({ connectionOptions }).tenant(await tenantOn(on(cluster)));
    const there = world.direct[cluster].workflow;
    const id = `ended-${randomUUID()}`;
    const runIds: string[] = [];
    for (const each of [`${id}-s`, `${id}-u`]) {
      runIds.push((await there.start(order, { ...started(each), args: ['one', 'two'] })).firstExecutionRunId);
    }

    const signalled = await workflow.signalWithStart(order, { ...started(`${id}-s`), signal: finishSignal });
    expect(signalled.signaledRunId).toBe(runIds[0]);
    lost.clear();
    const startWorkflowOperation = new WithStartWorkflowOperation(order, {
      ...started(`${id}-u`),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    expect(await workflow.executeUpdateWithStart(endUpdate, { startWorkflowOperation })).toBe(2);
    expect(Object.fromEntries(lost)).toEqual({ ExecuteMultiOperation: 1 });

    for (const [i, each] of [`${id}-s`, `${id}-u`].entries()) {
      const { runId, status } = await there.getHandle(each).describe();
      expect([runId, status.name]).toEqual([runIds[i], 'COMPLETED']);
      expect(await whereIs(each)).toEqual([cluster]);
    }
  });
});

describe('a tenant that moves while its ids are started', () => {
  test('every id runs once, every call is answered, and none starts on the old side after T', async () => {
    const tenant = await tenantOn(on('cloud'));
    const prefix = `moving-${randomUUID().slice(0, 8)}`;
    const { interceptor, lost } = losingAnswers(['StartWorkflowExecution', 'SignalWithStartWorkflowExecution'], 9);
    const processes = [0, 1, 2].map(() => {
      const connectionOptions = () => ({ interceptors: [interceptor] });
      return world.clients({ connectionOptions }).tenant(tenant);
    });
    let asked = 0;
    let stopped = false;
    const outcomes: Promise<'started' | 'signalled' | 'already started'>[] = [];
    const ask = async (client: Client, workflowId: string, signalling: boolean) => {
      await delay(Math.random() * 300);
      try {
        if (signalling) {
          await client.workflow.signalWithStart(order, {
            ...started(workflowId),
            signal: noteSignal,
            signalArgs: ['s'],
          });
          return 'signalled';
        }
        await client.workflow.start(order, started(workflowId));
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'already started';
        throw error;
      }
    };
    const load = (async () => {
      while (!stopped) {
        const workflowId = `${prefix}-${asked++}`;
        for (const [i, client] of processes.entries())
          outcomes.push(ask(client, workflowId, i === 2 && asked % 2 === 0));
        outcomes.at(-1)?.catch(() => undefined);
        await delay(150);
      }
    })();
    await delay(2_000);
    const at = Date.now() + LEASE_MS + ANSWER_MS + 1_000;
    const route = on('selfhosted', {
      from: { cluster: 'cloud', split: null },
      at: new Date(at).toISOString(),
      undrained: ['cloud'],
    });
    await world.publish(tenant, route);
    await delay(at - Date.now() + 7_000);
    stopped = true;
    await load;

    const ended = await Promise.all(outcomes);
    const count = (word: string) => ended.filter((each) => each === word).length;
    expect(count('started') + count('already started') + count('signalled')).toBe(asked * 3);
    expect(lost.get('StartWorkflowExecution')).toBeGreaterThan(asked / 30);
    const found = await Promise.all(
      clusterNames.map(async (name): Promise<[ClusterName, { id: string; at: number }[]]> => {
        const there = Array.from({ length: asked }, async (_, i) => {
          const id = `${prefix}-${i}`;
          const seen = await describeIfThere(world.direct[name], id);
          return seen ? [{ id, at: seen.startTime.getTime() }] : [];
        });
        return [name, (await Promise.all(there)).flat()];
      }),
    );
    const { cloud = [], selfhosted = [] } = Object.fromEntries(found);
    const ids = [...cloud, ...selfhosted].map(({ id }) => id);
    expect(ids).toHaveLength(asked);
    expect(new Set(ids).size).toBe(asked);
    expect(cloud.length).toBeGreaterThan(20);
    expect(selfhosted.length).toBeGreaterThan(10);
    expect(cloud.filter((run) => run.at > at)).toEqual([]);
    expect(selfhosted.filter((run) => run.at < at + HOLD_AFTER_MS)).toEqual([]);

    const [client] = processes;
    if (!client) throw new Error('no client');
    const some = ids.filter((_, i) => i % 10 === 0);
    await Promise.all(some.map((id) => client.workflow.getHandle(id).signal(noteSignal, 'after')));
    const notes = await Promise.all(some.map((id) => client.workflow.getHandle(id).query(notesQuery)));
    expect(notes.every((all) => all.filter((note) => note === 'after').length === 1)).toBe(true);
  });
});

describe('the loss of a cluster', () => {
  test('that is not the route’s disturbs nobody; that of the route’s is told in time', async () => {
    const clients = world.clients();
    const here = clients.tenant(
      await tenantOn(on('selfhosted', { from: { cluster: 'cloud', split: null }, at: new Date(0).toISOString() })),
    );
    const there = clients.tenant(await tenantOn(on('cloud')));
    const id = `loss-${randomUUID()}`;
    await there.workflow.start(order, started(`${id}-before`));
    await here.workflow.start(order, started(`${id}-here`));
    const refused = world.cutters.cloud.refuse(8_000);
    const began = Date.now();
    for (let i = 0; i < 20; i++) {
      const handle = await here.workflow.start(order, started(`${id}-${i}`));
      await handle.signal(noteSignal, 'x');
      expect(await handle.query(notesQuery)).toEqual(['x']);
    }
    expect(Date.now() - began).toBeLessThan(6_000);
    const told: unknown = await there
      .withDeadline(Date.now() + 1_500, () => there.workflow.start(order, started(`${id}-lost`)))
      .catch((error: unknown) => error);
    expect(isGrpcDeadlineError(told)).toBe(true);
    expect(await clients.health(1_000)).toMatchObject([
      { profile: 'cloud', problem: expect.any(String) },
      { profile: 'selfhosted' },
      { profile: 'control' },
    ]);
    await refused;
    await there.workflow.getHandle(`${id}-before`).signal(noteSignal, 'again');
    expect(await there.workflow.getHandle(`${id}-before`).query(notesQuery)).toEqual(['again']);
    expect((await clients.health()).map(({ problem }) => problem)).toEqual([undefined, undefined, undefined]);
    await clients.close();
  });

  test('of control disturbs nobody for a lease; then nothing is started, but for `last-known`', async () => {
    const tenant = await tenantOn(on('selfhosted'));
    const careful = world.clients({ patienceMs: 500 }).tenant(tenant);
    const bold = world.clients({ whenUnreadable: 'last-known' }).tenant(tenant);
    const id = `control-${randomUUID()}`;
    const handle = await careful.workflow.start(order, started(`${id}-0`));
    await bold.workflow.start(order, started(`${id}-1`));
    const refused = world.cutters.control.refuse(LEASE_MS + 6_000);
    await careful.workflow.start(order, started(`${id}-2`));
    await delay(LEASE_MS + 500);
    await expect(careful.workflow.start(order, started(`${id}-3`))).rejects.toThrow(RouteUnavailable);
    expect(await whereIs(`${id}-3`)).toEqual([]);
    await handle.signal(noteSignal, 'still');
    expect(await handle.query(notesQuery)).toEqual(['still']);
    await bold.workflow.start(order, started(`${id}-4`));
    await refused;
    await waitFor({ what: 'control to be back' }, () => careful.workflow.start(order, started(`${id}-3`)));
    expect(await whereIs(`${id}-3`)).toEqual(['selfhosted']);
  });
});

describe('an environment with one cluster', () => {
  test.each([
    ['and nothing else', ['selfhosted']],
    ['and control', ['selfhosted', 'control']],
  ])('%s: everything is there, and nothing else is connected', async (_title, profiles) => {
    const before = world.cutters.control.connections();
    const clients = world.clients({ configFile: await world.fileWith(...profiles) });
    expect(clients.present).toEqual(['selfhosted']);
    const client = clients.tenant(`nobody-${randomUUID()}`);
    const id = `single-${randomUUID()}`;
    expect(await client.workflow.execute(quick, { ...started(id), args: ['there'] })).toBe('there');
    expect((await client.workflow.getHandle(id).describe()).status.name).toBe('COMPLETED');
    expect(await whereIs(id)).toEqual(['selfhosted']);
    expect(await clients.health()).toEqual([{ profile: 'selfhosted' }]);
    expect(world.cutters.control.connections()).toBeLessThanOrEqual(before);
    await clients.close();
  });
});

describe('what cannot be routed is refused, and nothing is started', () => {
  const ended = async (): Promise<string> => {
    const tenant = await tenantOn(on('cloud'));
    await world.end(tenant);
    return tenant;
  };

  test.each([
    [
      'an unknown tenant',
      async () => `unknown-${randomUUID()}`,
      UnknownTenant,
      /there is no workflow tenant\/unknown-/,
    ],
    ['a record without a route', () => tenantOn(undefined), UnknownTenant, /has no route .*ferry route/],
    [
      'a route to a cluster that is not there',
      () => tenantOn(on('elsewhere')),
      AbsentCluster,
      /"elsewhere".*it has "cloud", "selfhosted"/,
    ],
    [
      'an undrained cluster that is not there',
      () => tenantOn(on('cloud', { undrained: ['old'] })),
      AbsentCluster,
      /"old"/,
    ],
    ['a memo that is no route', () => tenantOn({ to: 'cloud' }), BadRoute, /is no route: to: /],
    ['a record that ended', ended, RouteUnavailable, /its workflow is TERMINATED/],
  ])('%s', async (_title, make, type, message) => {
    const client = world.clients({ patienceMs: 300 }).tenant(await make());
    const workflowId = `refused-${randomUUID()}`;
    const calls = [
      () => client.workflow.start(order, started(workflowId)),
      () => client.workflow.signalWithStart(order, { ...started(workflowId), signal: noteSignal, signalArgs: ['x'] }),
      () => {
        const options = { ...started(workflowId), workflowIdConflictPolicy: 'USE_EXISTING' as const };
        const startWorkflowOperation = new WithStartWorkflowOperation(order, options);
        return client.workflow.executeUpdateWithStart(addUpdate, { args: ['x'], startWorkflowOperation });
      },
    ];
    for (const call of calls) {
      const refused: unknown = await call().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(type);
      expect(refused).toMatchObject({ message: expect.stringMatching(message) });
    }
    expect(await whereIs(workflowId)).toEqual([]);
  });

  test('until the tenant has a route, or `assume` says where such tenants are', async () => {
    const tenant = `late-${randomUUID()}`;
    const client = world.clients().tenant(tenant);
    await expect(client.workflow.start(order, started(`${tenant}-1`))).rejects.toThrow(UnknownTenant);
    await expect(client.workflow.count()).rejects.toThrow(UnknownTenant);
    await expect(client.schedule.getHandle('s').describe()).rejects.toThrow(UnknownTenant);
    await expect(client.activity.complete(Buffer.from('token'), 'x')).rejects.toThrow(UnknownTenant);
    await world.publish(tenant, on('selfhosted'));
    await client.workflow.start(order, started(`${tenant}-1`));
    expect(await whereIs(`${tenant}-1`)).toEqual(['selfhosted']);
    const assuming = world.clients({ assume: 'cloud' }).tenant(`assumed-${randomUUID()}`);
    await assuming.workflow.start(order, started(`${tenant}-2`));
    expect(await whereIs(`${tenant}-2`)).toEqual(['cloud']);
  });
});

test('deadlines, metadata and abort signals reach the cluster that is asked, whichever it is', async () => {
  const seen: string[] = [];
  const connectionOptions = (profile: string): MoreConnectionOptions => ({
    interceptors: [
      (options, next) =>
        new InterceptingCall(next(options), {
          start: (metadata, listener, pass) => {
            const [said] = metadata.get('x-said');
            if (said !== undefined)
              seen.push(`${profile} ${options.method_definition.path.split('/').at(-1)} ${String(said)}`);
            pass(metadata, listener);
          },
        }),
    ],
  });
  const client = world
    .clients({ connectionOptions })
    .tenant(await tenantOn(on('selfhosted', { undrained: ['cloud'] })));
  const id = `context-${randomUUID()}`;
  await world.direct.cloud.workflow.start(order, started(id));
  const handle = client.workflow.getHandle(id);
  await client.withMetadata({ 'x-said': 'hello' }, () => handle.signal(noteSignal, 'x'));
  expect(seen.toSorted()).toEqual([
    'cloud DescribeWorkflowExecution hello',
    'cloud SignalWorkflowExecution hello',
    'selfhosted DescribeWorkflowExecution hello',
  ]);
  const began = Date.now();
  const late: unknown = await client
    .withDeadline(began + 1_000, () => handle.result())
    .catch((error: unknown) => error);
  expect(isGrpcDeadlineError(late)).toBe(true);
  expect(Date.now() - began).toBeLessThan(3_000);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 300);
  const aborted: unknown = await client
    .withAbortSignal(abort.signal, () => handle.result())
    .catch((error: unknown) => error);
  expect(isGrpcCancelledError(aborted)).toBe(true);
});
