import { status } from '@grpc/grpc-js';
import { isGrpcServiceError } from '@temporalio/client';
import proto from '@temporalio/proto';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Route, HOLD_AFTER_MS, LEAD_MS, RECORD_MS, announce } from '../../../src/routes/route.ts';
import { AbsentCluster } from '../../../src/services/errors.ts';
import {
  type Fault,
  FakeCluster,
  type FakeProcess,
  FakeRecord,
  type ProcessOptions,
  fakeProcess,
  routeTo,
  settled,
} from '../../support/fake-services.ts';

const {
  WorkflowIdConflictPolicy: Conflict,
  WorkflowIdReusePolicy: Reuse,
  WorkflowExecutionStatus: Status,
} = proto.temporal.api.enums.v1;

let cloud: FakeCluster;
let selfhosted: FakeCluster;
let record: FakeRecord;

beforeEach(() => {
  vi.useFakeTimers();
  cloud = new FakeCluster('cloud');
  selfhosted = new FakeCluster('selfhosted');
  record = new FakeRecord();
});
afterEach(() => void vi.useRealTimers());

const processOf = (more: Partial<ProcessOptions> = {}): FakeProcess =>
  fakeProcess({ clusters: [cloud, selfhosted], ask: record.ask, ...more });
const withRoute = (route: Route): void => {
  record.published = { route };
};
/** From cloud to selfhosted, with T so far ahead. */
const flipIn = (ms: number): Route =>
  routeTo('selfhosted', {
    from: { cluster: 'cloud', split: null },
    at: new Date(Date.now() + ms).toISOString(),
    undrained: ['cloud'],
  });
let requests = 0;
const request = (workflowId: string, more: object = {}) => ({
  namespace: 'ns-cloud',
  workflowId,
  requestId: `request-${++requests}`,
  ...more,
});
const runs = (id: string) => [...cloud.of(id), ...selfhosted.of(id)];
const codeOf = (error: unknown): status | undefined => (isGrpcServiceError(error) ? error.code : undefined);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (answer) => {
      throw new Error(`no failure: ${JSON.stringify(answer)}`);
    },
    (error: unknown) => error,
  );

describe('a start', () => {
  test('goes where the route says, in that namespace, and asks nobody else', async () => {
    withRoute(routeTo('selfhosted'));
    const { service } = processOf();
    const answer = await settled(service.startWorkflowExecution(request('order-1')));
    expect(runs('order-1')).toMatchObject([{ cluster: 'selfhosted', runId: answer.runId }]);
    await settled(service.startWorkflowExecution(request('order-2')));
    expect(record.asked).toBe(1);
    expect([cloud.calls.length, selfhosted.calls.length]).toEqual([0, 2]);
  });

  test('is held around T, and is on the new side then', async () => {
    withRoute(flipIn(500));
    const at = Date.now() + 500;
    const { service } = processOf();
    await settled(service.startWorkflowExecution(request('order-1')));
    expect(runs('order-1')).toMatchObject([{ cluster: 'selfhosted' }]);
    expect(runs('order-1')[0]?.startedAt).toBeGreaterThanOrEqual(at + HOLD_AFTER_MS);
  });

  test('that is held ends with the caller’s deadline or abort signal, and nothing is sent', async () => {
    withRoute(flipIn(500));
    const { service, scope, time } = processOf();
    const late = failure(
      scope.with({ deadline: time.now() + 1_000 }, () => service.startWorkflowExecution(request('a'))),
    );
    const abort = new AbortController();
    const aborted = failure(
      scope.with({ abortSignal: abort.signal }, () => service.startWorkflowExecution(request('b'))),
    );
    setTimeout(() => abort.abort(), 700);
    expect(codeOf(await settled(late, 1_200))).toBe(status.DEADLINE_EXCEEDED);
    expect(codeOf(await settled(aborted, 100))).toBe(status.CANCELLED);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([...runs('a'), ...runs('b')]).toEqual([]);
  });

  test('is sent once more with the same request where its answer was lost before T, unless it has arrived', async () => {
    for (const [id, fault, place] of [
      ['arrived', 'answer lost', 'cloud'],
      ['lost', 'request lost', 'selfhosted'],
      ['late', 'late', 'cloud'],
    ] as const) {
      withRoute(flipIn(3_000));
      let broken: Fault = fault;
      const { service } = processOf({
        fault: (method) => {
          if (method !== 'startWorkflowExecution') return undefined;
          const now = broken;
          broken = undefined;
          return now;
        },
      });
      const sent = request(id);
      const answer = await settled(service.startWorkflowExecution(sent));
      expect(runs(id)).toMatchObject([{ cluster: place, runId: answer.runId, requestId: sent.requestId }]);
    }
  });

  test('whose run went on as another one before it was looked for is known by the first run', async () => {
    withRoute(flipIn(3_000));
    const { service } = processOf({
      fault: (method) => (method === 'startWorkflowExecution' ? 'answer lost' : undefined),
    });
    const started = service.startWorkflowExecution(request('order-1'));
    await vi.advanceTimersByTimeAsync(1_000);
    const [first] = cloud.of('order-1');
    if (first) cloud.continueAsNew(first).status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    expect((await settled(started)).runId).toBe(first?.runId);
    expect(selfhosted.of('order-1')).toEqual([]);
  });

  test('is told from another one by servers that say nothing of request ids', async () => {
    cloud.old = true;
    withRoute(flipIn(3_000));
    const { service } = processOf({
      fault: (method) => (method === 'startWorkflowExecution' && Date.now() < T ? 'answer lost' : undefined),
    });
    const T = Date.now() + 3_000;
    const one = service.startWorkflowExecution(request('order-1'));
    const other = failure(service.startWorkflowExecution(request('order-1')));
    const [run] = [(await settled(one)).runId];
    expect(codeOf(await settled(other))).toBe(status.ALREADY_EXISTS);
    expect(runs('order-1')).toMatchObject([{ cluster: 'cloud', runId: run }]);
  });

  // A server knows the deadline too: as likely as not it is the first to give the call up, and says CANCELLED.
  test.each<Fault>(['late', 'late and cancelled'])(
    'is bound by the lease also where nothing is announced: %s',
    async (fault) => {
      withRoute(routeTo('cloud'));
      const { service } = processOf({ fault: (method) => (method === 'startWorkflowExecution' ? fault : undefined) });
      const started = service.startWorkflowExecution(request('order-1'));
      await vi.advanceTimersByTimeAsync(14_000);
      expect(cloud.calls).toEqual([]);
      expect(await settled(started)).toMatchObject({ runId: cloud.of('order-1')[0]?.runId });
      expect(runs('order-1')).toHaveLength(1);
    },
  );

  test('from a clock two seconds ahead of another finds what that one sent at its last moment', async () => {
    withRoute(flipIn(3_000));
    const at = Date.now() + 3_000;
    const behind = processOf({
      skewMs: -1_000,
      fault: (method) => (method === 'startWorkflowExecution' ? 'late' : undefined),
    });
    const ahead = processOf({ skewMs: 1_000 });
    await vi.advanceTimersByTimeAsync(2_900);
    const [late, second] = [
      behind.service.startWorkflowExecution(request('order-1')),
      failure(ahead.service.startWorkflowExecution(request('order-1'))),
    ];
    expect(codeOf(await settled(second))).toBe(status.ALREADY_EXISTS);
    const [run] = runs('order-1');
    expect(run?.startedAt).toBe(at + 1_500);
    expect(await settled(late)).toMatchObject({ runId: run?.runId });
    expect(runs('order-1')).toHaveLength(1);
  });

  test('is not sent on to the old side when asking the other one took until T', async () => {
    withRoute({ ...flipIn(2_000), undrained: ['cloud', 'selfhosted'] });
    const { service } = processOf({ latencyMs: () => 1_100 });
    await settled(service.startWorkflowExecution(request('order-1')));
    expect(cloud.sent).not.toContain('startWorkflowExecution');
    expect(runs('order-1')).toMatchObject([{ cluster: 'selfhosted' }]);
  });

  test('fails as the client’s own does where no change is near', async () => {
    withRoute(routeTo('cloud'));
    cloud.down = true;
    const { service } = processOf();
    expect(codeOf(await settled(failure(service.startWorkflowExecution(request('order-1'))), 500))).toBe(
      status.UNAVAILABLE,
    );
    cloud.down = false;
    selfhosted.down = true;
    await settled(service.startWorkflowExecution(request('order-1')), 500);
    expect(runs('order-1')).toHaveLength(1);
  });

  test('is not made while a side that may have the id cannot be asked, or is not there', async () => {
    withRoute(routeTo('selfhosted', { undrained: ['cloud'] }));
    cloud.down = true;
    const { service } = processOf();
    const unasked = await settled(failure(service.startWorkflowExecution(request('order-1'))));
    expect(codeOf(unasked)).toBe(status.UNAVAILABLE);
    expect(unasked).toMatchObject({
      details: expect.stringMatching(
        /Nothing was started: .*"order-1".*"cloud", which cannot be asked.*--drained cloud/,
      ),
    });
    withRoute(routeTo('selfhosted', { undrained: ['elsewhere'] }));
    expect(await settled(failure(processOf().service.startWorkflowExecution(request('order-1'))))).toBeInstanceOf(
      AbsentCluster,
    );
    withRoute(routeTo('elsewhere'));
    const absent = await settled(failure(processOf().service.startWorkflowExecution(request('order-1'))));
    expect(absent).toBeInstanceOf(AbsentCluster);
    expect(absent).toMatchObject({ message: expect.stringMatching(/"elsewhere".*"cloud", "selfhosted"/) });
    expect(runs('order-1')).toEqual([]);
  });
});

test('a cluster that was drained and whose profile is gone stops no start that looks at closed ones', async () => {
  const from = { cluster: 'old', split: null };
  const at = new Date(Date.now() - 60_000).toISOString();
  const policies = [
    Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
    Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
  ];
  for (const [i, workflowIdReusePolicy] of policies.entries()) {
    const id = `order-${i}`;
    withRoute(routeTo('selfhosted', { from, at, undrained: ['cloud'] }));
    const { service } = processOf();
    await settled(service.startWorkflowExecution(request(id, { workflowIdReusePolicy })));
    expect(runs(id)).toMatchObject([{ cluster: 'selfhosted' }]);
    cloud.start(`closed-${i}`).status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
    const again = service.startWorkflowExecution(request(`closed-${i}`, { workflowIdReusePolicy }));
    expect(codeOf(await settled(failure(again)))).toBe(status.ALREADY_EXISTS);
    withRoute(routeTo('selfhosted', { from, at, undrained: ['old'] }));
    const missed = processOf().service.startWorkflowExecution(request(`missed-${i}`, { workflowIdReusePolicy }));
    expect(await settled(failure(missed))).toBeInstanceOf(AbsentCluster);
    expect(runs(`missed-${i}`)).toEqual([]);
  }
});

const multi = (workflowId: string, more: object = {}) => ({
  namespace: 'ns-cloud',
  operations: [
    { startWorkflow: request(workflowId, more) },
    {
      updateWorkflow: {
        namespace: 'ns-cloud',
        workflowExecution: { workflowId },
        waitPolicy: { lifecycleStage: 3 },
        request: { meta: { updateId: 'u' } },
      },
    },
  ],
});

describe('an id that is open on the side that is not drained', () => {
  beforeEach(() => withRoute(routeTo('selfhosted', { undrained: ['cloud'] })));
  test('is already started; used; signalled; updated: and nothing is started', async () => {
    const { service } = processOf();
    const run = cloud.start('order-1');
    expect(codeOf(await settled(failure(service.startWorkflowExecution(request('order-1')))))).toBe(
      status.ALREADY_EXISTS,
    );
    const use = { workflowIdConflictPolicy: Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING };
    expect(await settled(service.startWorkflowExecution(request('order-1', use)))).toMatchObject({
      runId: run.runId,
      started: false,
    });
    const signalled = await settled(service.signalWithStartWorkflowExecution(request('order-1', { signalName: 's' })));
    expect(signalled).toMatchObject({ runId: run.runId, started: false });
    const updated = await settled(service.executeMultiOperation(multi('order-1', use)));
    expect(updated.responses[0]).toMatchObject({ startWorkflow: { runId: run.runId, started: false } });
    expect(run).toMatchObject({ signals: [{ name: 's' }], updates: ['u'] });
    expect(runs('order-1')).toEqual([run]);
  });

  test('makes room for TERMINATE_EXISTING and TERMINATE_IF_RUNNING', async () => {
    for (const more of [
      { workflowIdConflictPolicy: Conflict.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING },
      { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING },
    ]) {
      const id = `order-${JSON.stringify(more)}`;
      const run = cloud.start(id);
      const { service } = processOf();
      await settled(service.startWorkflowExecution(request(id, more)));
      expect(run.status).toBe(Status.WORKFLOW_EXECUTION_STATUS_TERMINATED);
      expect(selfhosted.of(id)).toHaveLength(1);
    }
  });

  test('is started here if it is closed just before it is used', async () => {
    const run = cloud.start('order-1');
    const { service } = processOf({ latencyMs: () => 100 });
    const signalled = service.signalWithStartWorkflowExecution(request('order-1', { signalName: 's' }));
    // Seen open, closed before the signal arrives.
    setTimeout(() => (run.status = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED), 250);
    await settled(signalled);
    expect(run.signals).toEqual([]);
    expect(selfhosted.of('order-1')).toMatchObject([{ signals: [{ name: 's' }] }]);
  });

  test('closed ones are in the way of the policies that look at them, the latest of both sides', async () => {
    const { service } = processOf();
    const reject = { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE };
    const failedOnly = { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY };
    const close = (cluster: FakeCluster, state: number): void => {
      cluster.start('order-1').status = state;
      vi.advanceTimersByTime(1_000);
    };
    close(cloud, Status.WORKFLOW_EXECUTION_STATUS_COMPLETED);
    expect(codeOf(await settled(failure(service.startWorkflowExecution(request('order-1', failedOnly)))))).toBe(
      status.ALREADY_EXISTS,
    );
    close(selfhosted, Status.WORKFLOW_EXECUTION_STATUS_FAILED);
    expect(codeOf(await settled(failure(service.startWorkflowExecution(request('order-1', reject)))))).toBe(
      status.ALREADY_EXISTS,
    );
    await settled(service.startWorkflowExecution(request('order-1', failedOnly)));
    expect(runs('order-1')).toHaveLength(3);
  });

  test('an update with a start whose answer was lost is asked for again by its id', async () => {
    withRoute(flipIn(3_000));
    const { service } = processOf({
      fault: (method) => (method === 'executeMultiOperation' ? 'answer lost' : undefined),
    });
    const updated = await settled(service.executeMultiOperation(multi('order-1')));
    expect(updated.responses[0]).toMatchObject({
      startWorkflow: { runId: cloud.of('order-1')[0]?.runId, started: true },
    });
    expect(updated.responses[1]).toMatchObject({ updateWorkflow: { stage: 3 } });
    expect(runs('order-1')).toHaveLength(1);
  });
});

describe('a call that used a run of others and was cut while it went on', () => {
  const use = { workflowIdConflictPolicy: Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING };
  const completed = Status.WORKFLOW_EXECUTION_STATUS_COMPLETED;
  /** The first call of `method` does what it says, and is not answered. */
  const losing = (method: string): FakeProcess => {
    let broken: Fault = 'unanswered';
    return processOf({
      fault: (called) => {
        if (called !== method) return undefined;
        const now = broken;
        broken = undefined;
        return now;
      },
    });
  };
  const cuts: [by: string, route: () => Route][] = [
    ['at T', () => flipIn(3_000)],
    ['at the end of its lease', () => routeTo('cloud')],
  ];

  test.each(cuts)('has its update answered by the run that has ended with it: %s', async (_by, route) => {
    withRoute(route());
    const run = cloud.start('order-1');
    cloud.stages = [1, 1, 3];
    const { service } = losing('executeMultiOperation');
    const updated = service.executeMultiOperation(multi('order-1', use));
    await vi.advanceTimersByTimeAsync(1_000);
    run.status = completed;
    const { responses } = await settled(updated);
    expect(responses).toMatchObject([
      { startWorkflow: { runId: run.runId, started: false } },
      { updateWorkflow: { stage: 3, updateRef: { updateId: 'u' } } },
    ]);
    expect(cloud.count('pollWorkflowExecutionUpdate')).toBe(3);
    expect(run.updates).toEqual(['u']);
    expect(runs('order-1')).toEqual([run]);
  });

  test.each(cuts)('has its signal taken once, by the run that has ended with it: %s', async (_by, route) => {
    withRoute(route());
    const run = cloud.start('order-1');
    const { service } = losing('signalWithStartWorkflowExecution');
    const signalled = service.signalWithStartWorkflowExecution(request('order-1', { signalName: 's' }));
    await vi.advanceTimersByTimeAsync(1_000);
    run.status = completed;
    expect(await settled(signalled)).toMatchObject({ runId: run.runId, started: false });
    expect(run.signals).toHaveLength(1);
    expect(runs('order-1')).toEqual([run]);
  });

  test('is known to the run before, where that went on as another one', async () => {
    withRoute(flipIn(3_000));
    const [one, two] = [cloud.start('order-1'), cloud.start('order-2')];
    const updating = losing('executeMultiOperation').service.executeMultiOperation(multi('order-1', use));
    const { service } = losing('signalWithStartWorkflowExecution');
    const signalling = service.signalWithStartWorkflowExecution(request('order-2', { signalName: 's' }));
    await vi.advanceTimersByTimeAsync(1_000);
    const next = [one, two].map((run) => cloud.continueAsNew(cloud.continueAsNew(run)));
    expect((await settled(updating)).responses[0]).toMatchObject({ startWorkflow: { runId: one.runId } });
    expect(await settled(signalling)).toMatchObject({ runId: two.runId });
    expect(next).toMatchObject([
      { updates: [], signals: [] },
      { updates: [], signals: [] },
    ]);
    expect(selfhosted.runs).toEqual([]);
  });

  test('and that the run knows nothing of is made on the new side', async () => {
    withRoute(flipIn(3_000));
    const run = cloud.start('order-1');
    let broken: Fault = 'request lost';
    const { service } = processOf({
      fault: (method) => {
        if (method !== 'executeMultiOperation') return undefined;
        const now = broken;
        broken = undefined;
        return now;
      },
    });
    const updated = service.executeMultiOperation(multi('order-1', use));
    await vi.advanceTimersByTimeAsync(1_000);
    run.status = completed;
    await settled(updated);
    expect(run.updates).toEqual([]);
    expect(selfhosted.of('order-1')).toMatchObject([{ updates: ['u'] }]);
  });
});

test('TERMINATE_EXISTING terminates nothing for a start that cannot be made, and says so where it has', async () => {
  const room = { workflowIdConflictPolicy: Conflict.WORKFLOW_ID_CONFLICT_POLICY_TERMINATE_EXISTING };
  withRoute(routeTo('selfhosted', { undrained: ['cloud'] }));
  const run = cloud.start('order-1');
  const { service } = processOf();
  const start = () => settled(failure(service.startWorkflowExecution(request('order-1', room))));
  selfhosted.down = true;
  expect(codeOf(await start())).toBe(status.UNAVAILABLE);
  selfhosted.down = false;
  cloud.invalid = true;
  expect(codeOf(await start())).toBe(status.INVALID_ARGUMENT);
  expect(run.status).toBe(Status.WORKFLOW_EXECUTION_STATUS_RUNNING);
  cloud.invalid = false;
  selfhosted.invalid = true;
  const error = await start();
  expect(codeOf(error)).toBe(status.INVALID_ARGUMENT);
  expect(error).toMatchObject({
    details: expect.stringMatching(`NotThere.*"order-1".*"cloud", and run ${run.runId} was terminated`),
  });
  expect(run.status).toBe(Status.WORKFLOW_EXECUTION_STATUS_TERMINATED);
});

describe('policies that look at closed ones, where the other side has one too', () => {
  const reject = { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE };
  const failedOnly = { workflowIdReusePolicy: Reuse.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY };
  const closed = async (cluster: FakeCluster, state: number): Promise<void> => {
    cluster.start('order-1').status = state;
    await vi.advanceTimersByTimeAsync(1_000);
  };
  beforeEach(() => withRoute(routeTo('selfhosted', { undrained: ['cloud'] })));

  test('use the open one at home', async () => {
    const run = selfhosted.start('order-1');
    await vi.advanceTimersByTimeAsync(1_000);
    await closed(cloud, Status.WORKFLOW_EXECUTION_STATUS_COMPLETED);
    const { service } = processOf();
    const use = { ...reject, workflowIdConflictPolicy: Conflict.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING };
    expect(await settled(service.startWorkflowExecution(request('order-1', use)))).toMatchObject({ runId: run.runId });
    await settled(service.signalWithStartWorkflowExecution(request('order-1', { ...reject, signalName: 's' })));
    expect(run.signals).toHaveLength(1);
    expect(codeOf(await settled(failure(service.startWorkflowExecution(request('order-1', reject)))))).toBe(
      status.ALREADY_EXISTS,
    );
  });

  test('go by the latest of all: one that failed is no reason to refuse', async () => {
    await closed(selfhosted, Status.WORKFLOW_EXECUTION_STATUS_COMPLETED);
    const { service } = processOf();
    const again = () => service.startWorkflowExecution(request('order-1', failedOnly));
    expect(codeOf(await settled(failure(again())))).toBe(status.ALREADY_EXISTS);
    await closed(cloud, Status.WORKFLOW_EXECUTION_STATUS_FAILED);
    const { runId } = await settled(again());
    expect(selfhosted.of('order-1').at(-1)?.runId).toBe(runId);
    expect(codeOf(await settled(failure(again())))).toBe(status.ALREADY_EXISTS);
  });
});

/** Many processes, their clocks a second apart at most, start the same ids while the tenant moves there and back. */
interface Story {
  starts: { id: number; process: number; afterMs: number; kind: 'start' | 'signal' }[];
  skews: number[];
  recordMs: number[];
  faults: Fault[];
  latencies: number[];
}

const story = (faults: fc.Arbitrary<Fault>): fc.Arbitrary<Story> =>
  fc.record({
    starts: fc.array(
      fc.record({
        id: fc.integer({ min: 0, max: 5 }),
        process: fc.integer({ min: 0, max: 3 }),
        // Around the first two changes, mostly.
        afterMs: fc.oneof(
          fc.integer({ min: 0, max: 90_000 }),
          fc.integer({ min: LEAD_MS - 2_000, max: LEAD_MS + 6_000 }),
        ),
        kind: fc.constantFrom('start' as const, 'signal' as const),
      }),
      { minLength: 4, maxLength: 24 },
    ),
    skews: fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 4, maxLength: 4 }),
    recordMs: fc.array(fc.integer({ min: 0, max: RECORD_MS }), { minLength: 3, maxLength: 3 }),
    faults: fc.array(faults, { minLength: 8, maxLength: 40 }),
    latencies: fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 8, maxLength: 40 }),
  });

function inTurn<T>(values: T[]): () => T {
  let next = 0;
  return () => values[next++ % values.length] as T;
}

async function play({ starts, skews, recordMs, faults, latencies }: Story) {
  cloud = new FakeCluster('cloud');
  selfhosted = new FakeCluster('selfhosted');
  let route: Route = routeTo('cloud');
  record = new FakeRecord(route);
  const latency = inTurn(latencies);
  // One that arrives in time at last.
  const fault = inTurn<Fault>([...faults, undefined]);
  const processes = skews.map((skewMs) =>
    processOf({
      skewMs,
      latencyMs: latency,
      fault: (method) =>
        method === 'describeWorkflowExecution' || method === 'getWorkflowExecutionHistory' ? undefined : fault(),
    }),
  );
  const changes: { at: number; old: string }[] = [];
  const began = Date.now();
  const moves = (async () => {
    for (const [i, to] of ['selfhosted', 'cloud', 'selfhosted'].entries()) {
      const change = announce(route, 'cloud', { cluster: to, split: null }, Date.now());
      if (!('route' in change)) throw new Error('too early');
      const old = route.to.cluster;
      route = change.route;
      const at = Date.parse(route.at ?? '');
      changes.push({ at, old });
      // The workflow task that announces is dated by its beginning, and readable at its end.
      await new Promise((resolve) => setTimeout(resolve, recordMs[i]));
      record.published = { route };
      await new Promise((resolve) => setTimeout(resolve, at + HOLD_AFTER_MS - Date.now() + 10));
    }
  })();
  const outcomes = starts.map(async ({ id, process, afterMs, kind }) => {
    // Asks now and then before, so that it has a lease of some age.
    const used = processes[process];
    if (!used) throw new Error('no such process');
    for (let waited = 0; waited < afterMs; waited += 3_000) {
      used.reader.fresh();
      await new Promise((resolve) => setTimeout(resolve, Math.min(3_000, afterMs - waited)));
    }
    const sent = request(`order-${id}`, { signalName: 's' });
    try {
      const { runId } =
        kind === 'start'
          ? await used.service.startWorkflowExecution(sent)
          : await used.service.signalWithStartWorkflowExecution(sent);
      return { kind, sent, runId };
    } catch (error) {
      return { kind, sent, error };
    }
  });
  const [, ended] = await settled(Promise.all([moves, Promise.all(outcomes)]), 400_000, 10_000);
  return { changes, ended, began };
}

test('one id, many processes: one execution in total, each call answered, none on the old side after T', async () => {
  const property = fc.asyncProperty(story(fc.constant(undefined)), async (told) => {
    const { changes, ended } = await play(told);
    for (const id of new Set(told.starts.map((start) => `order-${start.id}`))) {
      expect(runs(id)).toHaveLength(1);
    }
    for (const { kind, sent, runId, error } of ended) {
      const [run] = runs(sent.workflowId);
      if (error === undefined) {
        expect(runId).toBe(run?.runId);
        if (kind === 'start') expect(run?.requestId).toBe(sent.requestId);
        else expect(run?.signals.filter((signal) => signal.requestId === sent.requestId)).toHaveLength(1);
      } else {
        // Somebody else was first.
        expect(codeOf(error)).toBe(status.ALREADY_EXISTS);
        expect(kind).toBe('start');
        expect(run?.requestId).not.toBe(sent.requestId);
      }
    }
    for (const [i, { at, old }] of changes.entries()) {
      const next = changes[i + 1]?.at ?? Infinity;
      const wrong = [...cloud.runs, ...selfhosted.runs].filter(
        (run) => run.cluster === old && run.startedAt > at + 1_500 && run.startedAt < next,
      );
      expect(wrong).toEqual([]);
    }
  });
  await fc.assert(property, { numRuns: 100, endOnFailure: true });
}, 60_000);

test('the same with requests and answers that are lost or late: never two executions, and what is answered is true', async () => {
  const faults = fc.constantFrom<Fault>(
    undefined,
    undefined,
    undefined,
    'request lost',
    'answer lost',
    'late',
    'late and cancelled',
  );
  const property = fc.asyncProperty(story(faults), async (told) => {
    const { ended } = await play(told);
    for (const { id } of told.starts) expect(runs(`order-${id}`).length).toBeLessThanOrEqual(1);
    for (const { sent, runId, error } of ended) {
      const [run] = runs(sent.workflowId);
      if (error === undefined) expect(runId).toBe(run?.runId);
      else expect([status.ALREADY_EXISTS, status.UNAVAILABLE]).toContain(codeOf(error));
    }
  });
  await fc.assert(property, { numRuns: 60, endOnFailure: true });
}, 60_000);
