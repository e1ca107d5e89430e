import { status } from '@grpc/grpc-js';
import { isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Route } from '../../../src/routes/route.ts';
import { AbsentCluster, RouteUnavailable, UnknownTenant } from '../../../src/services/errors.ts';
import { Memory } from '../../../src/services/memory.ts';
import { FakeCluster, FakeRecord, fakeProcess, routeTo, settled } from '../../support/fake-services.ts';

const { WorkflowExecutionStatus: Status } = proto.temporal.api.enums.v1;

let cloud: FakeCluster;
let selfhosted: FakeCluster;
let record: FakeRecord;

beforeEach(() => {
  vi.useFakeTimers();
  cloud = new FakeCluster('cloud');
  selfhosted = new FakeCluster('selfhosted');
  record = new FakeRecord(routeTo('selfhosted', { undrained: ['cloud'] }));
});
afterEach(() => void vi.useRealTimers());

const processOf = () => fakeProcess({ clusters: [cloud, selfhosted], ask: record.ask });
const withRoute = (route: Route): void => {
  record.published = { route };
};
const drainedRoute = (): Route =>
  routeTo('selfhosted', { from: { cluster: 'cloud', split: null }, at: new Date(Date.now() - 60_000).toISOString() });
const namespace = 'ns-cloud';
let signals = 0;
const signalTo = (workflowId: string, runId?: string) => ({
  namespace,
  workflowExecution: { workflowId, runId },
  signalName: 's',
  requestId: `request ${++signals} of ${workflowId}`,
});
const query = (workflowId: string, runId?: string) => ({ namespace, execution: { workflowId, runId } });
const codeOf = (error: unknown): status | undefined => (isGrpcServiceError(error) ? error.code : undefined);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (answer) => {
      throw new Error(`no failure: ${JSON.stringify(answer)}`);
    },
    (error: unknown) => error,
  );

describe('a call on an existing workflow', () => {
  test('goes where its id is open, else where it is the latest', async () => {
    const { service } = processOf();
    const open = cloud.start('open');
    await vi.advanceTimersByTimeAsync(1_000);
    selfhosted.start('open').status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    expect(await settled(service.queryWorkflow(query('open')))).toEqual({ answeredBy: open.runId });
    await settled(service.signalWorkflowExecution(signalTo('open')));
    expect(open.signals).toHaveLength(1);

    cloud.start('closed').status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    await vi.advanceTimersByTimeAsync(1_000);
    const latest = selfhosted.start('closed');
    latest.status = Status.WORKFLOW_EXECUTION_STATUS_FAILED;
    expect(await settled(service.queryWorkflow(query('closed')))).toEqual({ answeredBy: latest.runId });
    expect(codeOf(await settled(failure(service.signalWorkflowExecution(signalTo('closed')))))).toBe(status.NOT_FOUND);
    expect(codeOf(await settled(failure(service.queryWorkflow(query('none')))))).toBe(status.NOT_FOUND);
  });

  test('with a run goes where that run is', async () => {
    const { service } = processOf();
    const old = cloud.start('order');
    old.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const fresh = selfhosted.start('order');
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: fresh.runId });
    expect(await settled(service.queryWorkflow(query('order', old.runId)))).toEqual({ answeredBy: old.runId });
    expect(await settled(service.queryWorkflow(query('order', fresh.runId)))).toEqual({ answeredBy: fresh.runId });
  });

  test('asks nobody where to go once it is known, or there is one place only', async () => {
    const { service } = processOf();
    cloud.start('order');
    await settled(service.signalWorkflowExecution(signalTo('order')));
    expect([cloud.count('describeWorkflowExecution'), selfhosted.count('describeWorkflowExecution')]).toEqual([1, 1]);
    await settled(service.signalWorkflowExecution(signalTo('order')));
    expect(cloud.calls).toHaveLength(3);
    expect(selfhosted.calls).toHaveLength(1);

    withRoute(drainedRoute());
    const drained = processOf();
    selfhosted.start('new');
    await settled(drained.service.signalWorkflowExecution(signalTo('new')));
    expect(selfhosted.calls).toHaveLength(2);
  });

  test('is not sent where it was remembered once it is closed there and goes on elsewhere', async () => {
    const { service } = processOf();
    const old = cloud.start('order');
    await settled(service.signalWorkflowExecution(signalTo('order')));
    old.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const fresh = selfhosted.start('order');
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: fresh.runId });
    await settled(service.signalWorkflowExecution(signalTo('order')));
    expect(fresh.signals).toHaveLength(1);
  });

  test('is not asked of a remembered cluster where nothing is open any more', async () => {
    withRoute(routeTo('cloud'));
    const { service } = processOf();
    await settled(service.startWorkflowExecution({ namespace, workflowId: 'order', requestId: 'start' }));
    for (const old of cloud.of('order')) old.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    withRoute(drainedRoute());
    await vi.advanceTimersByTimeAsync(20_000);
    const fresh = selfhosted.start('order');
    cloud.down = true;
    await settled(service.signalWorkflowExecution(signalTo('order')));
    expect(fresh.signals).toHaveLength(1);
    expect(await settled(service.queryWorkflow(query('order', fresh.runId)))).toEqual({ answeredBy: fresh.runId });
  });

  test('signals once more only where it was refused, with the same request', async () => {
    const { service } = processOf();
    const old = cloud.start('order');
    await settled(service.signalWorkflowExecution(signalTo('order')));
    old.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const fresh = selfhosted.start('order');
    await settled(service.signalWorkflowExecution(signalTo('order')));
    expect([old.signals, fresh.signals].map(({ length }) => length)).toEqual([1, 1]);
    expect(cloud.count('signalWorkflowExecution')).toBe(2);
  });

  test('waits for no cluster that does not have it', async () => {
    const { service } = processOf();
    cloud.start('order');
    selfhosted.down = true;
    await settled(service.signalWorkflowExecution(signalTo('order')));
    expect(codeOf(await settled(failure(service.queryWorkflow(query('unknown')))))).toBe(status.UNAVAILABLE);
    selfhosted.down = false;

    withRoute(drainedRoute());
    cloud.down = true;
    const closed = selfhosted.start('closed');
    closed.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    expect(await settled(processOf().service.queryWorkflow(query('closed')))).toEqual({ answeredBy: closed.runId });
  });

  test('is looked for everywhere while the record cannot be read', async () => {
    record.failing = new Error('down');
    const { service } = processOf();
    cloud.start('order');
    await settled(service.signalWorkflowExecution(signalTo('order')), 1_000);
    expect(cloud.of('order')[0]?.signals).toHaveLength(1);
  });

  test('of an unknown tenant, or with a place that is not there, is refused', async () => {
    record.published = undefined;
    expect(await settled(failure(processOf().service.queryWorkflow(query('order'))))).toBeInstanceOf(UnknownTenant);
    withRoute(routeTo('selfhosted', { undrained: ['elsewhere'] }));
    expect(await settled(failure(processOf().service.queryWorkflow(query('order'))))).toBeInstanceOf(AbsentCluster);
    selfhosted.start('order');
    await settled(processOf().service.queryWorkflow(query('order')));
  });

  test('goes on with a history where it began', async () => {
    const { service } = processOf();
    const run = cloud.start('order');
    const first = await settled(service.getWorkflowExecutionHistory(query('order')));
    run.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    selfhosted.start('order');
    const { nextPageToken } = first;
    const second = await settled(service.getWorkflowExecutionHistory({ ...query('order'), nextPageToken }));
    expect(second).toMatchObject({ of: run.runId, nextPageToken: new Uint8Array() });
    expect(cloud.calls.at(-1)?.request.nextPageToken).toEqual(Buffer.from('cloud'));
    const foreign = service.getWorkflowExecutionHistory({ ...query('order'), nextPageToken: Buffer.from('foreign') });
    expect(codeOf(await settled(failure(foreign)))).toBe(status.INVALID_ARGUMENT);
  });
});

describe('after a there-and-back', () => {
  const changed = (to: string, from: string, ms: number): Route =>
    routeTo(to, {
      from: { cluster: from, split: null },
      at: new Date(Date.now() + ms).toISOString(),
      undrained: [from],
    });

  test('what was remembered before answers no query, but for one of its run; the latest does', async () => {
    withRoute(routeTo('cloud'));
    const { service } = processOf();
    const old = cloud.start('order');
    old.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    withRoute(changed('cloud', 'selfhosted', -600_000));
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: old.runId });
    withRoute(changed('selfhosted', 'cloud', -300_000));
    await vi.advanceTimersByTimeAsync(60_000);
    const fresh = selfhosted.start('order');
    fresh.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    withRoute(changed('cloud', 'selfhosted', -60_000));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: fresh.runId });
    expect(await settled(service.queryWorkflow(query('order', old.runId)))).toEqual({ answeredBy: old.runId });
  });

  test('neither does what was seen after the change was announced, and before it took effect', async () => {
    withRoute(changed('selfhosted', 'cloud', 20_000));
    const { service } = processOf();
    const old = selfhosted.start('order');
    old.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: old.runId });
    await vi.advanceTimersByTimeAsync(1_000);
    const fresh = cloud.start('order');
    fresh.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    await vi.advanceTimersByTimeAsync(40_000);
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: fresh.runId });
  });

  test('while nothing changes, nobody is asked again', async () => {
    withRoute(changed('cloud', 'selfhosted', -60_000));
    const { service } = processOf();
    cloud.start('order');
    await settled(service.queryWorkflow(query('order')));
    await settled(service.queryWorkflow(query('order')));
    expect([cloud.count('describeWorkflowExecution'), selfhosted.count('describeWorkflowExecution')]).toEqual([1, 1]);
  });
});

describe('a cluster that does not answer', () => {
  const since = () => ({ from: { cluster: 'cloud', split: null }, at: new Date(Date.now() - 60_000).toISOString() });
  const took = async (call: Promise<unknown>): Promise<[answer: unknown, ms: number]> => {
    const before = Date.now();
    return [await settled(call.catch((error: unknown) => error)), Date.now() - before];
  };

  test('and was drained, holds up no answer for long; what is nowhere else waits for it, to a limit', async () => {
    withRoute(routeTo('selfhosted', since()));
    cloud.silent = true;
    const { service } = processOf();
    const closed = selfhosted.start('closed');
    closed.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const [answer, ms] = await took(service.queryWorkflow(query('closed')));
    expect(answer).toEqual({ answeredBy: closed.runId });
    expect(ms).toBeGreaterThan(1_400);
    expect(ms).toBeLessThan(2_000);
    const [missing, waited] = await took(service.queryWorkflow(query('missing')));
    expect(codeOf(missing)).toBe(status.DEADLINE_EXCEEDED);
    expect(waited).toBeLessThan(6_000);
  });

  test('and may have it open, is waited for to a limit', async () => {
    withRoute(routeTo('selfhosted', { ...since(), undrained: ['cloud'] }));
    cloud.silent = true;
    selfhosted.start('closed').status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const [refused, ms] = await took(processOf().service.queryWorkflow(query('closed')));
    expect(codeOf(refused)).toBe(status.DEADLINE_EXCEEDED);
    expect(ms).toBeGreaterThan(4_900);
    expect(ms).toBeLessThan(6_000);
  });

  test('soon enough still says that it has the open one', async () => {
    withRoute(routeTo('selfhosted', since()));
    selfhosted.start('order').status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const open = cloud.start('order');
    cloud.slowMs = 1_000;
    const [answer] = await took(processOf().service.queryWorkflow(query('order')));
    expect(answer).toEqual({ answeredBy: open.runId });
  });
});

describe('a reset', () => {
  const reset = (workflowId: string, runId: string) => ({ namespace, workflowExecution: { workflowId, runId } });

  test('opens an id where it is looked for before it is started anew', async () => {
    const { service } = processOf();
    const run = cloud.start('order');
    run.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    await settled(service.resetWorkflowExecution(reset('order', run.runId)));
    expect(cloud.of('order')).toHaveLength(2);
  });

  test('is refused where nobody would look for it, and beside an open one elsewhere', async () => {
    const run = cloud.start('order');
    run.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    withRoute(drainedRoute());
    const drained = await settled(failure(processOf().service.resetWorkflowExecution(reset('order', run.runId))));
    expect(codeOf(drained)).toBe(status.FAILED_PRECONDITION);
    expect(drained).toMatchObject({ details: expect.stringMatching(/"order" on "cloud".*"selfhosted".*ferry route/) });
    withRoute({ ...drainedRoute(), undrained: ['cloud'] });
    const open = selfhosted.start('order');
    const beside = await settled(failure(processOf().service.resetWorkflowExecution(reset('order', run.runId))));
    expect(beside).toMatchObject({
      details: expect.stringContaining(`run ${open.runId} of it is open on "selfhosted"`),
    });
    record.failing = new Error('down');
    const unknown = await settled(failure(processOf().service.resetWorkflowExecution(reset('order', run.runId))));
    expect(unknown).toBeInstanceOf(RouteUnavailable);
    expect([cloud.count('resetWorkflowExecution'), selfhosted.count('resetWorkflowExecution')]).toEqual([0, 0]);
  });
});

describe('a cluster whose profile is gone', () => {
  const since = () => ({ from: { cluster: 'old', split: null }, at: new Date(Date.now() - 60_000).toISOString() });

  test('is not asked once it was drained: what is nowhere else is not found', async () => {
    withRoute(routeTo('selfhosted', { ...since(), undrained: ['cloud'] }));
    const { service } = processOf();
    const run = cloud.start('order');
    expect(await settled(service.queryWorkflow(query('order')))).toEqual({ answeredBy: run.runId });
    expect(codeOf(await settled(failure(service.queryWorkflow(query('none')))))).toBe(status.NOT_FOUND);
    expect(codeOf(await settled(failure(service.signalWorkflowExecution(signalTo('none')))))).toBe(status.NOT_FOUND);
    expect((await settled(service.countWorkflowExecutions({ namespace }))).count.toNumber()).toBe(1);
    await settled(service.respondActivityTaskCompleted({ namespace, taskToken: Buffer.from('cloud') }));
  });

  test('is missed as long as it may have open ones, or starts go there', async () => {
    const changing = new Date(Date.now() + 10_000).toISOString();
    for (const route of [
      routeTo('selfhosted', { ...since(), undrained: ['old'] }),
      routeTo('selfhosted', { ...since(), at: changing }),
      routeTo('old'),
    ]) {
      withRoute(route);
      const { service } = processOf();
      expect(await settled(failure(service.queryWorkflow(query('none'))))).toBeInstanceOf(AbsentCluster);
      expect(await settled(failure(service.countWorkflowExecutions({ namespace })))).toBeInstanceOf(AbsentCluster);
    }
  });
});

describe('what is of no workflow', () => {
  test('lists and counts go over both sides', async () => {
    const { service } = processOf();
    for (let i = 0; i < 5; i++) cloud.start(`cloud-${i}`);
    for (let i = 0; i < 3; i++) selfhosted.start(`selfhosted-${i}`);
    const listed: string[] = [];
    let nextPageToken: Uint8Array | undefined;
    let pages = 0;
    do {
      const page = await settled(service.listWorkflowExecutions({ namespace, nextPageToken }));
      listed.push(...page.executions.map(({ execution }) => execution?.workflowId ?? ''));
      nextPageToken = page.nextPageToken;
      pages++;
    } while (nextPageToken.length > 0);
    expect(listed).toEqual([...selfhosted.runs, ...cloud.runs].map(({ workflowId }) => workflowId));
    expect(pages).toBe(5);
    const { count, groups } = await settled(service.countWorkflowExecutions({ namespace }));
    expect(count.toNumber()).toBe(8);
    expect(groups).toHaveLength(1);
    expect(Number(groups[0]?.count)).toBe(8);
    cloud.down = true;
    expect(codeOf(await settled(failure(service.countWorkflowExecutions({ namespace }))))).toBe(status.UNAVAILABLE);
  });

  test('a task token finds its cluster, and is remembered', async () => {
    const { service } = processOf();
    const complete = () => service.respondActivityTaskCompleted({ namespace, taskToken: Buffer.from('cloud') });
    await settled(complete());
    await settled(complete());
    expect([cloud.calls.length, selfhosted.calls.length]).toEqual([2, 1]);
    const unknown = service.respondActivityTaskCompleted({ namespace, taskToken: Buffer.from('nobody') });
    expect(codeOf(await settled(failure(unknown)))).toBe(status.NOT_FOUND);
  });

  test('a task token is asked of the next cluster where one does not answer, and is not given up for it', async () => {
    const { service } = processOf();
    const complete = (token: string) =>
      service.respondActivityTaskCompleted({ namespace, taskToken: Buffer.from(token) });
    selfhosted.silent = true;
    const before = Date.now();
    await settled(complete('cloud'));
    expect(Date.now() - before).toBeLessThan(6_000);
    expect(codeOf(await settled(failure(complete('selfhosted'))))).toBe(status.DEADLINE_EXCEEDED);
    selfhosted.silent = false;
    selfhosted.down = true;
    expect(codeOf(await settled(failure(complete('selfhosted'))))).toBe(status.UNAVAILABLE);
    // Known by now: nobody else is asked.
    cloud.down = true;
    expect(codeOf(await settled(failure(complete('cloud'))))).toBe(status.UNAVAILABLE);
  });

  test('anything else goes where starts go now: until T to the old side', async () => {
    const at = new Date(Date.now() + 5_000).toISOString();
    withRoute(routeTo('selfhosted', { from: { cluster: 'cloud', split: null }, at, undrained: ['cloud'] }));
    const { service } = processOf();
    expect(await settled(service.describeTaskQueue({ namespace }))).toEqual({ by: 'cloud' });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await settled(service.describeTaskQueue({ namespace }))).toEqual({ by: 'selfhosted' });
  });
});

test('deadline, metadata and abort signal of the caller hold on whatever cluster is asked', async () => {
  const { service, scope, time } = processOf();
  cloud.start('order');
  const deadline = time.now() + 3;
  const late = scope.with({ deadline }, () => service.signalWorkflowExecution(signalTo('order')));
  expect(codeOf(await settled(failure(late)))).toBe(status.DEADLINE_EXCEEDED);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 3);
  const aborted = scope.with({ abortSignal: abort.signal }, () => service.queryWorkflow(query('order')));
  expect(codeOf(await settled(failure(aborted)))).toBe(status.CANCELLED);
  expect([cloud.count('queryWorkflow'), cloud.count('signalWorkflowExecution')]).toEqual([0, 0]);
  await scope.with({ metadata: { a: '1' } }, () =>
    scope.with({ metadata: { b: '2' }, deadline: 5 }, async () => {
      expect(scope.current).toEqual({ metadata: { a: '1', b: '2' }, deadline: 5 });
      await scope.by(4, async () => expect(scope.deadline).toBe(4));
      await scope.by(6, async () => expect(scope.deadline).toBe(5));
    }),
  );
});

test('the memory is bounded for all tenants together, keeps what is used, and mixes none up', () => {
  const memory = new Memory();
  const on = (profile: string) => ({ profile, era: null });
  const kept = memory.of('acme');
  kept.set('kept', 'run', on('cloud'));
  for (let i = 0; i < 150_000; i++) {
    memory.of(`tenant-${i % 1_000}`).set(`order-${i}`, undefined, on('selfhosted'));
    if (i % 1_000 === 0) expect(kept.get('kept', 'run')).toEqual(on('cloud'));
  }
  expect(memory.of('tenant-0').get('order-0')).toBeUndefined();
  expect(memory.of('tenant-999').get('order-149999')).toEqual(on('selfhosted'));
  expect(memory.of('acme').get('order-149999')).toBeUndefined();
  kept.forget('kept', 'run');
  expect(kept.get('kept', 'run')).toBeUndefined();
});
