/**
 * A tenant's services start workflows all the time while its migration is turned back, and while the migration's workers
 * are killed before and after everything they do to the route. What ran is read from both clusters alone.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Boundary, nameOf } from '../../scripts/chaos/boundaries.ts';
import { Fleet } from '../../scripts/chaos/fleet.ts';
import { hurry } from '../../scripts/chaos/hurry.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { main } from '../../src/cli/main.ts';
import { HOLD_AFTER_MS, type Route } from '../../src/routes/route.ts';
import { runWorkers } from '../../src/services/run-workers.ts';
import { TenantClients } from '../../src/services/tenant-clients.ts';
import type { MigrateTenant } from '../../src/workflows/index.ts';
import { recordQuery, tenantWorkflowId } from '../../src/workflows/messages.ts';
import type { MigrationResult } from '../../src/workflows/result.ts';
import { executionsOf } from '../support/routes/executions.ts';
import { goSignal, stateQuery } from '../support/routes/workflows.ts';
import {
  type World,
  createWorld,
  expectExactlyOnce,
  nowSeconds,
  progressOf,
  resultIsClean,
  untilPhase,
} from '../support/world.ts';

const TenantId = defineSearchAttributeKey('TenantId', SearchAttributeType.KEYWORD);
const TASK_QUEUE = 'orders';
const START_EVERY_MS = 200;
const HELD = /-held-/;

let world: World;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await createWorld(['turned']);
  undo.push(world.stop);
  const workflowsPath = fileURLToPath(new URL('../support/routes/workflows.ts', import.meta.url));
  const workers = runWorkers({
    configFile: world.stack.configFile,
    taskQueue: TASK_QUEUE,
    workflowBundle: await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }),
    reuseV8Context: true,
    workflowThreadPoolSize: 1,
    shutdownGraceTime: '1 second',
  });
  undo.push(workers.shutdown);
});

afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

/** A service in two processes: one starts every order once, the other one, which remembers nothing, asks and tells. */
class Service {
  /** What went wrong, in sentences. */
  readonly failed: string[] = [];
  readonly #tenant: string;
  readonly #wanted = new Set<string>();
  readonly #told = new Set<string>();
  readonly #starts = new Map<string, Promise<WorkflowHandle>>();
  readonly #orders: Promise<void>[] = [];
  readonly #over = new AbortController();
  readonly #clients: TenantClients[];
  readonly #starter: Client;
  readonly #teller: Client;
  readonly #starting: Promise<void>;

  /** `heldMs`: how long the held ones, one in five, stay open; without it until they are told. */
  constructor(tenant: string, heldMs?: number) {
    this.#tenant = tenant;
    this.#clients = [1, 2].map(() => new TenantClients({ configFile: world.stack.configFile, assume: 'cloud' }));
    const [starter, teller] = this.#clients.map((clients) => clients.tenant(tenant));
    if (!starter || !teller) throw new Error('no clients');
    [this.#starter, this.#teller] = [starter, teller];
    undo.push(() => this.#close());
    this.#starting = this.#start(heldMs);
  }

  /** A held one is there, and ends with what it is told. */
  async tell(id: string): Promise<void> {
    this.#told.add(id);
    await this.#starts.get(id);
    const handle = this.#teller.workflow.getHandle(id);
    const state = await handle.query(stateQuery);
    if (state !== 'waiting') this.failed.push(`${id} is ${state} and has been told nothing`);
    await handle.signal(goSignal, 'go');
  }

  async state(id: string): Promise<string> {
    return this.#teller.workflow.getHandle(id).query(stateQuery);
  }

  /** Starts nothing more, tells those that wait, sees all of them end. Returns where each ran, in the order they were asked for. */
  async end(): Promise<Map<string, string>> {
    this.#over.abort();
    await this.#starting;
    const waiting = [...this.#wanted].filter((id) => HELD.test(id) && !this.#told.has(id));
    await Promise.all(waiting.map((id) => this.#noting(id, () => this.tell(id))));
    await Promise.all(this.#orders);
    await this.#close();
    const runs = await executionsOf(Object.values(world.sides), this.#wanted);
    const ours = [...runs].filter(([id]) => id.startsWith(`${this.#tenant}-`));
    for (const [id] of ours) if (!this.#wanted.has(id)) this.failed.push(`${id} ran, and nobody wanted it`);
    const ran = new Map<string, string>();
    for (const id of this.#wanted) {
      const [side, ...more] = runs.get(id) ?? [];
      if (side === undefined || more.length > 0)
        this.failed.push(`${id} ran on ${[side, ...more].join(' and ') || 'no cluster'}`);
      else ran.set(id, side);
    }
    return ran;
  }

  async #start(heldMs: number | undefined): Promise<void> {
    for (let n = 0; !this.#over.signal.aborted; n++) {
      const held = n % 5 === 0;
      const id = `${this.#tenant}-${held ? 'held' : 'quick'}-${n}`;
      this.#wanted.add(id);
      this.#orders.push(this.#noting(id, () => this.#order(id, held, heldMs)));
      await delay(START_EVERY_MS);
    }
  }

  async #order(id: string, held: boolean, heldMs: number | undefined): Promise<void> {
    const start = this.#starter.workflow.start(held ? 'heldOrder' : 'quickOrder', {
      workflowId: id,
      taskQueue: TASK_QUEUE,
      typedSearchAttributes: new TypedSearchAttributes([{ key: TenantId, value: this.#tenant }]),
    });
    this.#starts.set(id, start);
    const handle = await start;
    if (held && heldMs !== undefined) {
      await delay(heldMs);
      if (!this.#told.has(id)) await this.tell(id);
    }
    const result: unknown = await handle.result();
    if (result !== (held ? 'go' : 'done')) this.failed.push(`${id} ended with ${String(result)}`);
  }

  async #noting(id: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.failed.push(`${id}: ${String(error)}`);
    }
  }

  async #close(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#clients.map((clients) => clients.close()));
  }
}

async function ferry(...args: string[]): Promise<number> {
  const io = { out: () => undefined, err: (text: string) => console.error(text) };
  return main(args, { TEMPORAL_CONFIG_FILE: world.stack.configFile }, io);
}

async function routeOf(tenant: string): Promise<Route | undefined> {
  try {
    const { memo } = await world.control.workflow.getHandle(tenantWorkflowId(tenant)).describe();
    return (memo as { route?: Route } | undefined)?.route;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** What the record says happened, by migration. */
async function eventsOf(tenant: string, about: RegExp): Promise<string[]> {
  const { history } = await world.control.workflow.getHandle(tenantWorkflowId(tenant)).query(recordQuery);
  return history.filter(({ event }) => about.test(event)).map(({ migration, event }) => `${migration}: ${event}`);
}

const count = (ran: Map<string, string>, side: string): number => [...ran.values()].filter((on) => on === side).length;

describe.concurrent('services start workflows all the time', () => {
  test('turned back in the bake, starts go back, and what was started on the target ends there', async () => {
    const plan = await world.load('turned', 6);
    await world.ferry();
    expect(await ferry('route', 'turned', '--to', 'cloud')).toBe(0);
    const from = nowSeconds() + 3;
    const service = new Service('turned');
    await delay(4_000);
    const handle = await world.migrate('migrate/turned', { tenant: 'turned', bake: '1 hour' });
    await untilPhase(handle, 'baking');
    const there = await routeOf('turned');
    expect(there).toMatchObject({ to: { cluster: 'selfhosted' }, from: { cluster: 'cloud' } });
    await handle.signal('rollback', { reason: 'p95 doubled' });

    const flipped = await waitFor({ what: 'the way back', timeoutMs: 60_000 }, async () => {
      const { phase, workflows } = await progressOf(handle);
      return phase === 'rolling-back' && workflows?.route?.to === 'cloud' && workflows.route;
    });
    await delay(Date.parse(flipped.at) + HOLD_AFTER_MS + 1_000 - Date.now());
    // No start reaches the target any more. What is open there is found, and can be told to end.
    const runs = await executionsOf(Object.values(world.sides), new Set());
    const staying = [...runs].flatMap(([id, [side]]) =>
      id.startsWith('turned-held-') && side === 'selfhosted' ? [id] : [],
    );
    expect(staying.length).toBeGreaterThan(3);
    for (const id of staying) expect(await service.state(id)).toBe('waiting');
    const [one = ''] = staying;
    await service.tell(one);
    await waitFor({ what: `the end of ${one}` }, async () => (await service.state(one)) === 'go');

    const result = await handle.result();
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      owner: 'cloud',
      reason: 'p95 doubled',
      workflows: {
        route: { from: 'selfhosted', to: 'cloud', at: flipped.at },
        open: staying.length - 1,
        drained: false,
        wrongSide: { count: 0, unexamined: 0 },
      },
    });
    expect(resultIsClean(result)).toBe(true);
    expect(result.notes.join('\n')).toMatch(new RegExp(`${staying.length - 1} workflows .*open on selfhosted`));
    const back = await routeOf('turned');
    expect(back).toMatchObject({ to: { cluster: 'cloud' }, from: { cluster: 'selfhosted' }, at: flipped.at });
    // Readers go on looking there.
    expect(back?.undrained).toContain('selfhosted');
    expect(await eventsOf('turned', /^workflows start on/)).toEqual([
      expect.stringMatching(/^an operator:/),
      'migrate/turned: workflows start on selfhosted',
      'migrate/turned: workflows start on cloud',
    ]);

    await delay(3_000);
    const ran = await service.end();
    expect(service.failed).toEqual([]);
    for (const id of staying) expect(ran.get(id)).toBe('selfhosted');
    expect([...ran.values()].at(-1)).toBe('cloud');
    expect(count(ran, 'selfhosted')).toBeGreaterThan(50);
    expect(count(ran, 'cloud')).toBeGreaterThan(50);
    await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
    // Now all of them have ended.
    await waitFor({ what: 'selfhosted to be seen empty', everyMs: 500 }, async () => {
      return (await ferry('route', 'turned', '--drained', 'selfhosted')) === 0;
    });
    expect((await routeOf('turned'))?.undrained).not.toContain('selfhosted');
    console.log(
      `turned back: ${ran.size} orders, each once; ${count(ran, 'selfhosted')} on selfhosted, ${staying.length} of them open at the end`,
    );
  });

  test('workers killed around each change of the route: it changes once each way, and nothing runs twice', async () => {
    const taskQueue = 'ferry-killed';
    const killed: string[] = [];
    const broken: string[] = [];
    const fleet = await Fleet.start({
      configFile: world.stack.configFile,
      dir: world.stack.dir,
      taskQueue,
      hear: () => undefined,
      died: (death) => {
        killed.push(nameOf(death.at));
        hurry(world.control, 'killed', death).catch((error: unknown) => broken.push(String(error)));
      },
      failed: (how) => broken.push(`a ferry worker ended by itself, with ${how}`),
    });
    undo.push(() => fleet.stop());
    const service = new Service('killed', 4_000);
    /** Every T that a reader could see. */
    const announced: string[] = [];
    const over = new AbortController();
    const watch = async (): Promise<void> => {
      for (; !over.signal.aborted; await delay(250)) {
        const at = (await routeOf('killed'))?.at;
        if (at && at !== announced.at(-1)) announced.push(at);
      }
    };
    const watched = watch().catch((error: unknown) => broken.push(String(error)));
    const leg = async (from: string, to: string, boundaries: Boundary[]): Promise<MigrationResult> => {
      killed.length = 0;
      fleet.arm(boundaries);
      const handle = await world.control.workflow.start<typeof MigrateTenant>('MigrateTenant', {
        workflowId: `migrate/killed-to-${to}`,
        taskQueue,
        args: [{ tenant: 'killed', from, to, schedules: 'none', bake: '0' }],
      });
      const result = await handle.result();
      expect(killed.toSorted()).toEqual(boundaries.map(nameOf).toSorted());
      expect(result).toMatchObject({
        outcome: 'completed',
        owner: to,
        workflows: { route: { from, to }, open: 0, drained: true, wrongSide: { count: 0, unexamined: 0 } },
      });
      expect(result).not.toHaveProperty('accepted');
      return result;
    };
    await delay(3_000);
    const there = await leg('cloud', 'selfhosted', [
      { activity: 'flipRoute', moment: 'begin' },
      { activity: 'flipRoute', moment: 'end' },
      { activity: 'flipRoute', moment: 'after' },
      { activity: 'lookAtWorkflows', moment: 'middle', nth: 1 },
      { activity: 'lookAtWorkflows', moment: 'end' },
      { activity: 'recordDrained', moment: 'begin' },
      { activity: 'recordDrained', moment: 'end' },
      { activity: 'recordDrained', moment: 'after' },
    ]);
    const back = await leg('selfhosted', 'cloud', [
      { activity: 'flipRoute', moment: 'end' },
      { activity: 'recordDrained', moment: 'end' },
    ]);
    over.abort();
    await watched;
    await delay(1_000);
    const ran = await service.end();
    expect(service.failed).toEqual([]);
    expect(broken).toEqual([]);
    expect(announced).toEqual([there.workflows?.route?.at, back.workflows?.route?.at]);
    expect(await eventsOf('killed', /^workflows start on|drained/)).toEqual([
      'migrate/killed-to-selfhosted: workflows start on selfhosted',
      expect.stringMatching(/^migrate\/killed-to-selfhosted: cloud is drained/),
      'migrate/killed-to-cloud: workflows start on cloud',
      expect.stringMatching(/^migrate\/killed-to-cloud: selfhosted is drained/),
    ]);
    expect(await routeOf('killed')).toMatchObject({ to: { cluster: 'cloud' }, undrained: [] });
    expect([...ran.values()].at(-1)).toBe('cloud');
    expect(count(ran, 'selfhosted')).toBeGreaterThan(50);
    expect(count(ran, 'cloud')).toBeGreaterThan(50);
    console.log(`workers killed 10 times: ${ran.size} orders, each once; ${count(ran, 'selfhosted')} on selfhosted`);
  });
});
