/**
 * One service process: starts workflows through its tenant's client at a steady rate until SIGTERM, some of them together
 * with the other services under the same id; signals, queries and awaits those that are held. After a SIGKILL it takes
 * up what its journal says was wanted and not got.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isGrpcServiceError, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { TenantClients } from '../../../src/services/tenant-clients.ts';
import { Journal } from './journal.ts';
import { endWithParent } from './programs.ts';
import { goSignal, stateQuery } from './workflows.ts';

export interface ServiceSettings {
  name: string;
  configFile: string;
  tenant: string;
  taskQueue: string;
  /** Starts a second. */
  rate: number;
  /** Every so many milliseconds, on the clock, all services start the same id. */
  sharedEveryMs: number;
  journal: string;
}

endWithParent();
const settings: ServiceSettings = JSON.parse(process.env.SERVICE_SETTINGS ?? '');
const { name, configFile, tenant, taskQueue, rate, sharedEveryMs } = settings;
const before = Journal.read(settings.journal);
const journal = new Journal(settings.journal);
const clients = new TenantClients({ configFile });
const client = clients.tenant(tenant);
const pending = new Set<Promise<void>>();
let stopping = false;
process.on('SIGTERM', () => {
  stopping = true;
});

/** A cluster that is away is what the test does, not what the migration does: tried again until it is back. */
async function persistently<T>(id: string, doing: string, call: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      if (attempt >= 60 || !isAway(error)) throw error;
      journal.write({ retried: id, doing, error: textOf(error) });
      await delay(500);
    }
  }
}

function isAway(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!isGrpcServiceError(cause)) continue;
    return cause.code === status.UNAVAILABLE || cause.code === status.DEADLINE_EXCEEDED;
  }
  return false;
}

function textOf(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) parts.push(`${cause.name}: ${cause.message}`);
  return parts.join(' <- ').slice(0, 1_000);
}

/** `again`: an earlier life of this process may have done any part of it. */
async function order(id: string, held: boolean, again: boolean): Promise<void> {
  let doing = 'start';
  try {
    await persistently(id, doing, async () => {
      try {
        await client.workflow.start(held ? 'heldOrder' : 'quickOrder', {
          workflowId: id,
          taskQueue,
          workflowIdReusePolicy: 'REJECT_DUPLICATE',
        });
      } catch (error) {
        // Another service, or this one before it was killed.
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    });
    journal.write({ got: id });
    if (!held) return;
    const handle = client.workflow.getHandle(id);
    await delay(1_000 + Math.random() * 9_000);
    doing = 'query';
    journal.write({ asked: `${id} state`, answer: await persistently(id, doing, () => handle.query(stateQuery)) });
    doing = 'signal';
    await persistently(id, doing, () => handle.signal(goSignal, `from ${name}`)).catch((error: unknown) => {
      if (!again || !(error instanceof WorkflowNotFoundError)) throw error;
    });
    doing = 'result';
    journal.write({ asked: `${id} result`, answer: await persistently(id, doing, () => handle.result()) });
  } catch (error) {
    journal.write({ failed: id, doing, error: textOf(error) });
  }
}

function run(id: string, held: boolean, again = false): void {
  const running = order(id, held, again).finally(() => pending.delete(running));
  pending.add(running);
}

const got = new Set(before.flatMap((entry) => ('got' in entry ? [entry.got] : [])));
const resulted = new Set(before.flatMap((entry) => ('asked' in entry ? [entry.asked] : [])));
for (const entry of before) {
  if (!('want' in entry)) continue;
  if (!got.has(entry.want) || (entry.held && !resulted.has(`${entry.want} result`))) run(entry.want, entry.held, true);
}

process.stdout.write('service ready\n');
const generation = `${name}-${Date.now().toString(36)}`;
let next = Date.now();
let lastShared = Math.floor(Date.now() / sharedEveryMs);
for (let n = 0; !stopping;) {
  for (; next <= Date.now(); next += 1000 / rate) {
    const id = `${generation}-${n++}`;
    const held = n % 5 === 0;
    journal.write({ want: id, held });
    run(id, held);
  }
  const slot = Math.floor(Date.now() / sharedEveryMs);
  if (slot > lastShared) {
    lastShared = slot;
    const id = `shared-${slot}`;
    journal.write({ want: id, held: false });
    run(id, false);
  }
  await delay(5);
}
await Promise.all(pending);
await clients.close();
process.stdout.write('service done\n');
process.stdin.destroy();
