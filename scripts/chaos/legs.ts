/** One migration under fire, with an operator who knows nothing but what the runbook says: look, wait, `proceed`. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { AuditSchedules, MigrateTenant } from '../../src/workflows/index.ts';
import type { ProgressMemo } from '../../src/workflows/progress.ts';
import type { MigrationResult } from '../../src/workflows/result.ts';

export interface LegPlan {
  /** Workflow id. */
  id: string;
  tenant: string;
  schedules: { prefix: string };
  from: string;
  to: string;
  /** Sends `rollback` this long after the phase was first seen; absent: lets it complete. */
  turnBack?: { phase: string; afterMs: number };
}

export interface Leg extends LegPlan {
  /** Epoch ms. */
  startedAt: number;
  endedAt: number;
  outcome: 'completed' | 'rolled-back' | 'failed';
  /** Who owns the tenant after it. */
  owner: string;
  /** Of a migration that came to a result. */
  audit?: MigrationResult['audit'];
  /** Why it failed. */
  failure?: string;
  /** What it waited for a person with, in its words. */
  holds: string[];
}

const LOOK_EVERY_MS = 400;

/** The control cluster may be away at any moment: whatever is asked of it is asked again. */
async function insist<T>(task: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (attempt >= 60 || error instanceof WorkflowNotFoundError) throw error;
      await delay(1_000);
    }
  }
}

export async function runLeg(client: Client, plan: LegPlan, say: (text: string) => void): Promise<Leg> {
  const startedAt = Date.now();
  const handle = await insist(() => started(client, plan));
  const holds = await follow(handle, plan, say);
  const { status } = await insist(() => handle.describe());
  const end = { ...plan, startedAt, endedAt: Date.now(), holds };
  if (status.name !== 'COMPLETED') {
    const failure = await handle.result().then(
      () => status.name,
      (error: unknown) => (error instanceof Error ? causeOf(error) : String(error)),
    );
    return { ...end, endedAt: Date.now(), outcome: 'failed', owner: plan.from, failure: `${status.name}: ${failure}` };
  }
  const { outcome, owner, audit } = await insist(() => handle.result());
  if (outcome === 'planned' || owner === null) throw new Error(`${plan.id} was not a dry run, and ended as one`);
  return { ...end, endedAt: Date.now(), outcome, owner, audit };
}

/** The product's own audit, which must come to its end as well. What it says of outages is not judged here. */
export async function runAudit(client: Client, id: string, { tenant, schedules }: LegPlan): Promise<void> {
  await insist(() =>
    client.workflow.start<typeof AuditSchedules>('AuditSchedules', {
      workflowId: id,
      workflowIdConflictPolicy: 'USE_EXISTING',
      taskQueue: 'ferry',
      args: [{ tenant, schedules, since: '2 minutes', pageSize: 10 }],
    }),
  );
  await insist(() => client.workflow.getHandle<typeof AuditSchedules>(id).result());
}

async function started(client: Client, plan: LegPlan): Promise<WorkflowHandle<typeof MigrateTenant>> {
  const { id, tenant, schedules, from, to } = plan;
  try {
    return await client.workflow.start<typeof MigrateTenant>('MigrateTenant', {
      workflowId: id,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      taskQueue: 'ferry',
      args: [
        { tenant, schedules, workflows: 'none', from, to, bake: '4 seconds', bakeCheckEvery: '1 second', pageSize: 10 },
      ],
    });
  } catch (error) {
    // The answer of an earlier try was lost with the server.
    if (error instanceof WorkflowExecutionAlreadyStartedError)
      return client.workflow.getHandle<typeof MigrateTenant>(id);
    throw error;
  }
}

/** Until it has ended. Returns the holds it came to. */
async function follow(
  handle: WorkflowHandle<typeof MigrateTenant>,
  { turnBack }: LegPlan,
  say: (text: string) => void,
): Promise<string[]> {
  const holds: string[] = [];
  let phase = '';
  let answered = '';
  let turnBackAt = Infinity;
  for (;;) {
    const seen = await handle.describe().catch(() => undefined);
    const kept = seen?.memo?.progress;
    const progress = isProgress(kept) ? kept : undefined;
    if (seen && seen.status.name !== 'RUNNING') return holds;
    if (progress && progress.phase !== phase) {
      phase = progress.phase;
      say(phase);
      if (phase === turnBack?.phase) turnBackAt = Math.min(turnBackAt, Date.now() + turnBack.afterMs);
    }
    if (Date.now() >= turnBackAt) {
      turnBackAt = Infinity;
      say('asked to roll back');
      await insist(() => handle.signal('rollback', { reason: 'chaos' })).catch(ignoreEnded);
    }
    if (progress?.waitingFor && progress.updatedAt !== answered) {
      answered = progress.updatedAt;
      holds.push(progress.waitingFor);
      say(`waits for ${progress.waitingFor}`);
      await delay(2_000);
      await insist(() => handle.signal('proceed')).catch(ignoreEnded);
    }
    await delay(LOOK_EVERY_MS);
  }
}

function isProgress(kept: unknown): kept is ProgressMemo {
  return typeof kept === 'object' && kept !== null && 'phase' in kept;
}

function causeOf({ message, cause }: Error): string {
  return cause instanceof Error ? cause.message : message;
}

/** It ended between the look and the signal; the next look sees it. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
