/** Reads only: where a rollout's tenants are, and how its migrations go, from the control namespace's own records. */
import { status } from '@grpc/grpc-js';
import { sleep } from '@temporalio/activity';
import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import PQueue from 'p-queue';
import { codeOf } from '../clusters/calls.ts';
import { tenantsOf } from '../clusters/inventory.ts';
import { UnknownProfile } from '../clusters/profiles.ts';
import { refusal } from '../errors.ts';
import { tenantWorkflowId } from '../workflows/messages.ts';
import type { MigrateTenant } from '../workflows/migrate-tenant.ts';
import type { ProgressMemo } from '../workflows/progress.ts';
import { MAX_TENANTS } from '../workflows/rollout/input.ts';
import { clip } from '../workflows/rollout/state.ts';
import type { TenantMemo } from '../workflows/tenant.ts';
import type { FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import type { MigrationEnd, MigrationSeen, Survey, Surveyed, SurveyInput, Watched } from './types.ts';

/** Calls to the control namespace at a time. */
const CONCURRENCY = 16;

export async function surveyTenants(deps: FerryDeps, input: SurveyInput): Promise<Survey> {
  const { control } = deps;
  let looked = 0;
  const pulse = heartbeating(() => ({ looked }));
  try {
    const members = await membersOf(deps, input);
    const waves: Surveyed[][] = [];
    for (const tenants of members) {
      waves.push(
        await together(tenants, async (tenant) => {
          const found = await survey(control, input, tenant);
          looked++;
          return found;
        }),
      );
    }
    return { waves, searchAttributes: await deps.searchAttributesRegistered() };
  } finally {
    pulse.stop();
  }
}

/** A tenant is in one wave: where it is named, else the first whose query finds it. */
async function membersOf({ clusters }: FerryDeps, { from, to, waves }: SurveyInput): Promise<string[][]> {
  const [source] = [from, to].map((profile) => {
    try {
      return clusters.get(profile);
    } catch (error) {
      if (!(error instanceof UnknownProfile)) throw error;
      throw refusal('InvalidInput', `The worker cannot roll out from ${from} to ${to}: ${error.message}.`);
    }
  });
  const taken = new Set(waves.flatMap((wave) => (Array.isArray(wave) ? wave : [])));
  const members: string[][] = [];
  for (const [index, wave] of waves.entries()) {
    if (Array.isArray(wave) || !source) {
      members.push(Array.isArray(wave) ? wave : []);
      continue;
    }
    const found = await readable(index, from, wave.query, () => tenantsOf(source, wave.query, MAX_TENANTS));
    const fresh = found.filter((tenant) => !taken.has(tenant));
    for (const tenant of fresh) taken.add(tenant);
    members.push(fresh);
    if (found.length <= MAX_TENANTS && taken.size <= MAX_TENANTS) continue;
    throw refusal(
      'InvalidInput',
      `The waves have more than ${MAX_TENANTS} tenants with those that waves[${index}].tenants.query finds on ${from}: ` +
        'narrow the query, or make two rollouts of it.',
    );
  }
  return members;
}

async function readable<T>(index: number, from: string, query: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (codeOf(error) !== status.INVALID_ARGUMENT || !(error instanceof Error)) throw error;
    throw refusal(
      'InvalidInput',
      `waves[${index}].tenants.query: found "${query.slice(0, 80)}", which ${from} cannot read (${error.message}); ` +
        'accepted is a visibility query for schedules, such as "TenantId IS NOT NULL".',
    );
  }
}

async function survey(control: Client, { rollout, to }: SurveyInput, tenant: string): Promise<Surveyed> {
  const [record, ours] = await Promise.all([
    described(control, tenantWorkflowId(tenant)),
    described(control, `${rollout}/${tenant}`),
  ]);
  if (ours && isOpen(ours.status.name)) return { tenant, is: 'moving', at: ours.startTime.toISOString() };
  const { owner, lock }: TenantMemo = record?.memo ?? {};
  if (lock) return { tenant, is: 'waiting', holder: lock.migration };
  if (owner !== to) return { tenant, is: 'waiting' };
  const memo = progressOf(ours?.memo);
  const movedByUs = memo?.phase === 'completed' && memo.to === to;
  return movedByUs ? { tenant, is: 'moved', at: ours?.closeTime?.toISOString() } : { tenant, is: 'there' };
}

export interface Watching {
  /** How long a look may hold while nothing happens. */
  holdMs: number;
  /** How long news of no weight, such as the next phase, may be kept back: each answer costs the rollout history. */
  settleMs: number;
  pollMs: number;
}

const WATCHING: Watching = { holdMs: 15 * 60_000, settleMs: 20_000, pollMs: 2_000 };
/** With many migrations the looks get rarer. */
const MS_EACH = 100;

export async function watchMigrations(
  { control, stopping = () => false }: Pick<FerryDeps, 'control' | 'stopping'>,
  { migrations }: { migrations: Watched[] },
  { holdMs, settleMs, pollMs }: Watching = WATCHING,
): Promise<MigrationSeen[]> {
  const startedAt = Date.now();
  let looks = 0;
  const pulse = heartbeating(() => ({ looks }));
  try {
    for (;;) {
      const found = await together(migrations, (each) => look(control, each));
      const news = found.filter((each) => each !== undefined);
      looks++;
      const held = Date.now() - startedAt;
      const urgent = news.some((each) => isUrgent(each, migrations));
      if (urgent || stopping() || held >= holdMs || (news.length > 0 && held >= settleMs)) return news;
      await sleep(Math.max(pollMs, migrations.length * MS_EACH));
    }
  } finally {
    pulse.stop();
  }
}

/** It has ended, or waits for something else. */
function isUrgent(seen: MigrationSeen, migrations: readonly Watched[]): boolean {
  if ('end' in seen) return true;
  return seen.waits !== (migrations.find(({ tenant }) => tenant === seen.tenant)?.waits ?? null);
}

/** Undefined: nothing new. */
async function look(control: Client, { tenant, migration, phase, waits }: Watched): Promise<MigrationSeen | undefined> {
  const found = await described(control, migration);
  const at = (found?.closeTime ?? new Date()).toISOString();
  if (!found) return { tenant, end: { outcome: 'cut-off', why: 'its history is gone', at } };
  if (found.type !== 'MigrateTenant') {
    return { tenant, end: { outcome: 'failed', why: `${migration} is the id of another workflow, ${found.type}`, at } };
  }
  if (!isOpen(found.status.name)) {
    return { tenant, end: { ...(await outcomeOf(control, migration, found.runId, found.status.name)), at } };
  }
  const memo = progressOf(found.memo);
  if (!memo) return undefined;
  // As the rollout keeps it, or it would be news for ever.
  const now = memo.waitingFor ? clip(memo.waitingFor) : null;
  return memo.phase === phase && now === waits ? undefined : { tenant, phase: memo.phase, waits: now };
}

async function outcomeOf(
  control: Client,
  migration: string,
  runId: string,
  state: string,
): Promise<Pick<MigrationEnd, 'outcome' | 'why'>> {
  if (state === 'CANCELLED') return { outcome: 'rolled-back', why: 'cancelled' };
  if (state !== 'COMPLETED' && state !== 'FAILED') return { outcome: 'cut-off', why: state.toLowerCase() };
  try {
    const { outcome, reason } = await control.workflow.getHandle<typeof MigrateTenant>(migration, runId).result();
    if (outcome === 'planned') return { outcome: 'failed', why: 'it was a dry run' };
    return { outcome, why: reason === undefined ? null : clip(reason) };
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return { outcome: 'failed', why: clip(error.cause?.message ?? error.message) };
  }
}

/** A paused workflow goes on one day. */
function isOpen(state: string): boolean {
  return state === 'RUNNING' || state === 'PAUSED';
}

async function described(control: Client, workflowId: string) {
  try {
    return await control.workflow.getHandle(workflowId).describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

function progressOf(memo: Record<string, unknown> | undefined): ProgressMemo | undefined {
  return (memo as { progress?: ProgressMemo } | undefined)?.progress;
}

async function together<T, R>(items: readonly T[], each: (item: T) => Promise<R>): Promise<R[]> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  return await queue.addAll(items.map((item) => () => each(item)));
}
