/** The tenant's workflows on demand before a migration: can they be found on both sides, and where do they start now? */
import { status } from '@grpc/grpc-js';
import { codeOf } from '../clusters/calls.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { countRuns, onDemand } from '../clusters/on-demand.ts';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Route } from '../routes/route.ts';
import { routeSentence } from '../routes/sentence.ts';
import { tenantWorkflowId } from '../workflows/messages.ts';
import type { TenantMemo } from '../workflows/tenant.ts';
import type { FerryDeps } from './deps.ts';
import type { Survey } from './preflight-survey.ts';
import type { PreflightInput, Reason, WorkflowsFound } from './types.ts';
import { openByType } from './workflows.ts';

/** Undefined where the source cannot be asked; the reason is among the blockers then. */
export async function surveyWorkflows(
  deps: FerryDeps,
  sides: { source: Cluster; target: Cluster },
  input: PreflightInput & { workflows: string },
  { survey, blockers, warnings }: { survey: Survey; blockers: Reason[]; warnings: Reason[] },
): Promise<WorkflowsFound | undefined> {
  const { tenant, from, to, workflows: query } = input;
  const route = await routeOf(deps, tenant);
  const starts = route === null ? [] : [route.to.cluster, ...(route.to.split ? [route.to.split.cluster] : [])];
  const elsewhere = starts.filter((name) => name !== from && name !== to);
  if (elsewhere.length > 0) {
    blockers.push({
      object: `route of ${tenant}`,
      code: 'route-elsewhere',
      found: `its workflows ${routeSentence(route)}: ${elsewhere.join(' and ')} is neither ${from} nor ${to}`,
      remedy: `migrate it from there, set its route with \`ferry route\`, or say "workflows": "none"`,
    });
  }
  const unreadable: Reason[] = [];
  const ever = await readable(sides.source, query, unreadable);
  await readable(sides.target, query, unreadable);
  blockers.push(...unreadable);
  if (ever === undefined) return undefined;
  const { open, byType, runs } = await openByType(sides.source, query);
  for (const { type, taskQueue } of runs)
    survey.needs(taskQueue, `open workflows of type ${type} run on it on ${from}`);
  if (ever === 0) {
    warnings.push({
      object: `workflows of ${tenant} on ${from}`,
      code: 'no-workflows',
      found: `none started on demand matches ${query}, open or closed`,
      remedy:
        'nothing if it has none; else say in `workflows` how they are found, or let services set the attribute. ' +
        'What is not found is not waited for, and not missed on the wrong side',
    });
  }
  return { open, byType, ever, route };
}

/** How many match, open or closed; undefined when the cluster cannot read the query. */
async function readable(cluster: Cluster, query: string, blockers: Reason[]): Promise<number | undefined> {
  try {
    return await countRuns(cluster, onDemand(query));
  } catch (error) {
    if (codeOf(error) !== status.INVALID_ARGUMENT) throw error;
    blockers.push({
      object: `workflows query ${query} on ${cluster.profile}`,
      code: 'workflows-unreadable',
      found: error instanceof Error ? error.message : String(error),
      remedy:
        'register the search attribute it names there (temporal operator search-attribute create), correct `workflows`, ' +
        'or write "none" where only schedules move',
    });
    return undefined;
  }
}

async function routeOf({ control }: FerryDeps, tenant: string): Promise<Route | null> {
  try {
    const { memo } = await control.workflow.getHandle(tenantWorkflowId(tenant)).describe();
    return (memo as TenantMemo | undefined)?.route ?? null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
