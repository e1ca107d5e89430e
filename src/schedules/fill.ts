/**
 * Running what nobody ran. By exact id where overlap does not matter: whoever comes second is refused, so this can be
 * done again at will. Otherwise the scheduler itself is asked, by a backfill, so that its overlap policy knows the run;
 * that request is not idempotent on V2, so what it would start is looked for first and after.
 */
import { untilQuietMoment } from './boundary.ts';
import { reread } from './change.ts';
import { IN_ORDER, type Missing, allowsOverlap } from './overlap.ts';
import type { BackfillRange, Described, ScheduleCluster, Time } from './ports.ts';
import { isoSeconds, runId } from './times.ts';

const EVIDENCE_LIMIT_MS = 20_000;

/** A limited schedule's count is made right by counting runs, which a backfill would leave uncounted and unknown. */
export function tracksFills(described: Described): boolean {
  return !allowsOverlap(described) && !described.schedule.state?.limitedActions;
}

/** Starts one time under the id its scheduler would use; with a delay where it is due later. `exists`: somebody ran it. */
export async function fillById(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  described: Described,
  { due, nominalMs }: Missing,
): Promise<'started' | 'exists'> {
  return cluster.startExactly(id, described.schedule, nominalMs, Math.max(0, due.dueMs - time.now()));
}

/**
 * Has the scheduler run these, ascending, one after the other. Returns once the first has started or all of them wait in
 * its buffer behind an open run.
 */
export async function fillTracked(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  missing: Missing[],
): Promise<Described> {
  const [first] = missing;
  let described = await reread(cluster, id);
  if (!first) return described;
  const base = described.schedule.action?.startWorkflow?.workflowId ?? '';
  const firstId = runId(base, first.nominalMs);
  const taken = async (): Promise<boolean> =>
    described.buffered >= missing.length || (await cluster.describeRun(firstId)) !== undefined;
  if (await taken()) return described;
  const loud = untilQuietMoment(described, time.now());
  if (loud > 0) await time.sleep(loud);
  const minute = Math.floor(time.now() / 60_000);
  const answer = await cluster.backfill(
    id,
    rangesOf(missing),
    IN_ORDER,
    `ferry/${isoSeconds(first.nominalMs)}/${minute}`,
  );
  if (answer !== 'gone') {
    const deadline = time.now() + EVIDENCE_LIMIT_MS;
    for (let wait = 50; time.now() < deadline; wait = Math.min(wait * 2, 1_000)) {
      await time.sleep(wait);
      described = await reread(cluster, id);
      if (await taken()) return described;
    }
  }
  throw new Error(
    `schedule ${id} on ${cluster.profile} has not run its time ${isoSeconds(first.nominalMs)}, which it was asked to: ` +
      `is the cluster's scheduler working?`,
  );
}

/** A backfill looks at nominal times from its start and at due times up to its end: each is named by these two. */
function rangesOf(missing: Missing[]): BackfillRange[] {
  return missing.map(({ due, nominalMs }) => ({ fromMs: nominalMs, toMs: due.dueMs }));
}
