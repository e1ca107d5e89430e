/** Reads only. Every reason against the crossing is gathered before any is reported. */
import { status } from '@grpc/grpc-js';
import PQueue from 'p-queue';
import { codeOf } from '../clusters/calls.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { walk } from '../clusters/inventory.ts';
import { readNote } from '../schedules/note.ts';
import type { FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import { type SideFacts, inspectSide, sameCluster, skewBetween } from './preflight-clusters.ts';
import { Survey } from './preflight-survey.ts';
import { checkAttributes, checkQueues } from './preflight-target.ts';
import { surveyWorkflows } from './preflight-workflows.ts';
import type { ClusterFacts, Crossing, PreflightInput, PreflightReport, Reason, WorkflowsFound } from './types.ts';

const CONCURRENCY = 16;
const MAX_PLANNED = 200;
/** The rest is counted: a report must fit into one payload, whatever is wrong with 30,000 schedules. */
const MAX_REASONS = 200;

export async function preflight(deps: FerryDeps, input: PreflightInput): Promise<PreflightReport> {
  const blockers: Reason[] = [];
  const warnings: Reason[] = environmentWarnings(deps);
  const survey = new Survey(input);
  let workflows: WorkflowsFound | undefined;
  let looked = 0;
  const pulse = heartbeating(() => ({ looked }));
  try {
    const from = await inspectSide(deps, input.from, blockers);
    const to = await inspectSide(deps, input.to, blockers);
    if (from && to) {
      if (sameCluster(from, to)) blockers.push(sameClusterReason(input, from));
      else {
        if (typeof input.workflows === 'string') {
          const onDemand = { ...input, workflows: input.workflows };
          const sides = { source: from.cluster, target: to.cluster };
          workflows = await surveyWorkflows(deps, sides, onDemand, { survey, blockers, warnings });
        }
        const unreadable = await surveySource(from.cluster, input, survey, () => looked++);
        if (unreadable) blockers.push(unreadable);
        else {
          await findConflicts(to.cluster, input, survey);
          survey.concludeSelection(blockers, { resuming: input.resuming, routed: isRouted(input, workflows) });
        }
        blockers.push(...survey.blockers);
        await checkAttributes(from.cluster, to.cluster, survey, blockers, warnings);
        await checkQueues(to.cluster, survey, blockers);
      }
    }
    const skew = from && to ? await skewBetween(from, to, warnings) : undefined;
    const planned = survey.plan();
    return {
      blockers: capped(blockers),
      warnings: capped(warnings),
      schedules: survey.counts,
      ...(workflows && { workflows }),
      facts: {
        from: factsOf(input.from, from, survey.engineOf('source')),
        to: factsOf(input.to, to, survey.engineOf('target')),
        clockSkewMs: skew?.skewMs ?? null,
        clockSkewErrorMs: skew?.errorMs ?? null,
      },
      plan: {
        schedules: planned.slice(0, MAX_PLANNED),
        omitted: Math.max(0, planned.length - MAX_PLANNED),
        rpcEstimate: survey.rpcEstimate(),
      },
    };
  } finally {
    pulse.stop();
  }
}

/** Its workflows are where they shall be, or do not move. */
function isRouted({ to, workflows: query }: PreflightInput, found: WorkflowsFound | undefined): boolean {
  if (typeof query !== 'string') return true;
  return found?.route?.to.cluster === to && found.route.to.split === null && found.open === 0;
}

/** The reason, if the server cannot read the selection's query. */
async function surveySource(
  source: Cluster,
  input: Crossing,
  survey: Survey,
  looked: () => void,
): Promise<Reason | undefined> {
  const queue = new PQueue({ concurrency: CONCURRENCY });
  const failures: unknown[] = [];
  try {
    for await (const { id } of walk(source, input.selection)) {
      await queue.onSizeLessThan(CONCURRENCY * 2);
      void queue.add(async () => {
        try {
          const described = await source.describe(id);
          if (described) survey.see(id, described);
          looked();
        } catch (error) {
          failures.push(error);
        }
      });
    }
  } catch (error) {
    if (codeOf(error) !== status.INVALID_ARGUMENT || !('query' in input.selection)) throw error;
    return {
      object: `schedules query ${input.selection.query}`,
      code: 'query-unreadable',
      found: error instanceof Error ? error.message : String(error),
      remedy: `correct \`schedules\`: a visibility query such as TenantId = 'acme', {"prefix": "…"} or {"all": true}`,
    };
  } finally {
    await queue.onIdle();
  }
  if (failures.length > 0) throw failures[0];
  return undefined;
}

/** Another tenant may hold an id of ours on the target, so the whole namespace is listed; Describe decides. */
async function findConflicts(target: Cluster, input: Crossing, survey: Survey): Promise<void> {
  if ('none' in input.selection) return;
  for await (const { id, notes } of walk(target, { all: true }, 1000)) {
    // Any schedule of the namespace tells which engine serves it; where there is none yet, it stays unknown.
    if (survey.engineOf('target') !== 'unknown') {
      if (!survey.has(id)) continue;
      const { mark } = readNote(notes);
      if (mark?.kind === 'standby' && mark.owner === input.from) {
        survey.copied(id, mark);
        continue;
      }
    }
    const described = await target.describe(id);
    if (described) survey.seeTarget(id, described);
  }
}

function capped(reasons: Reason[]): Reason[] {
  const more = reasons.length - MAX_REASONS;
  if (more <= 0) return reasons;
  const remedy = 'remedy the ones listed first, then look again';
  return [
    ...reasons.slice(0, MAX_REASONS),
    { object: 'more', code: 'not-listed', found: `${more} further reasons of the same kinds`, remedy },
  ];
}

function environmentWarnings(deps: FerryDeps): Reason[] {
  return (deps.ignoredEnvironment ?? []).map((name) => ({
    object: `environment variable ${name}`,
    code: 'environment-ignored',
    found: `it is set where the worker runs, and would override every profile`,
    remedy: `nothing: profiles are read from the file alone; unset it to be rid of this line`,
  }));
}

function sameClusterReason(input: Crossing, side: SideFacts): Reason {
  return {
    object: `profiles ${input.from} and ${input.to}`,
    code: 'same-cluster',
    found: `both reach cluster ${side.clusterId}, namespace ${side.cluster.namespace}`,
    remedy: `correct address or namespace of one of them in temporal.toml`,
  };
}

function factsOf(profile: string, side: SideFacts | undefined, engine: ClusterFacts['engine']): ClusterFacts {
  return {
    profile,
    namespace: side?.cluster.namespace ?? '',
    clusterId: side?.clusterId ?? '',
    serverVersion: side?.serverVersion ?? 'unknown',
    engine,
  };
}
