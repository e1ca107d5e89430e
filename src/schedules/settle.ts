/**
 * Settle: on one side, every due time of its own range near the boundary must have its run. What is missing is first
 * looked for by exact id (strongly consistent), then explained by the schedule's own policies, and only then run, under
 * the id the scheduler would have used.
 */
import type { Audit } from '../activities/types.ts';
import type { Asking } from './asking.ts';
import { noteRun } from './audit.ts';
import { asksItsScheduler } from './fill.ts';
import { MAX_WRITES, accounted, isOurs, runMissing } from './missing.ts';
import { NominalTimes } from './nominals.ts';
import type { Missing } from './overlap.ts';
import type { Described, ScheduleCluster, Time } from './ports.ts';
import type { Range, Settled, Settling } from './settling.ts';
import { mayWait, standing } from './standing.ts';
import { durationMs } from './times.ts';
import { type Due, ranAs, withBounds } from './verdicts.ts';

/** Long enough for everything that is waited for here; the step is tried again. */
const SETTLE_LIMIT_MS = 300_000;
/** A time that may wait in a buffer is waited for this long; then nothing is proven yet. */
const BUFFER_LIMIT_MS = 60_000;

export async function settle(
  cluster: ScheduleCluster,
  time: Time,
  id: string,
  described: Described,
  range: Range,
  audit: Audit,
  asking: Asking,
  /** The other side: what already ran there is not filled here. */
  other?: ScheduleCluster,
): Promise<Settled> {
  const nominals = new NominalTimes(cluster, described, range);
  const settling: Settling = {
    due: [],
    ran: 0,
    uncounted: 0,
    started: 0,
    byId: [],
    wrote: [],
    unproven: false,
    after: described,
    nominalOf: (d) => nominals.of(d),
    asking,
    range,
  };
  const tracked = asksItsScheduler(described);
  const settled = new Set<number>();
  let untilMs = 0;
  const deadline = Math.max(time.now(), range.untilMs) + SETTLE_LIMIT_MS;
  const bufferDeadline = Math.max(time.now(), range.untilMs) + BUFFER_LIMIT_MS;
  for (let wait = 100; ; wait = Math.min(wait * 2, 1000)) {
    // A fill that is asked of a V2 scheduler is a write, which drops what is due around it like any other.
    const jitter = durationMs(settling.after.schedule.spec?.jitter);
    const last = Math.max(range.untilMs, ...settling.wrote.map(({ toMs }) => toMs + jitter));
    if (last > untilMs) {
      untilMs = last;
      const listed = await cluster.matchingTimes(id, range.afterNominalMs, untilMs);
      settling.due = withBounds(listed, range.afterNominalMs).filter((d) => d.dueMs >= range.fromDueMs);
    }
    const { after } = settling;
    const late: Due[] = [];
    let pending = false;
    let waits = false;
    for (const d of settling.due) {
      if (settled.has(d.dueMs)) continue;
      const stands = standing(d, after, range, time, tracked && settling.wrote.length < MAX_WRITES);
      if (stands === 'stuck') throw new Error(stuck(cluster, id, d));
      if (stands === 'late') late.push(d);
      else if (stands === 'pending') pending = true;
      else if (stands !== 'ahead') {
        settling.ran++;
        noteRun(audit, d.dueMs, stands.startedMs);
      }
      if (typeof stands === 'object' || stands === 'late') settled.add(d.dueMs);
    }
    const missing: Missing[] = [];
    for (const d of late) {
      const nominalMs = await nominals.of(d);
      if (nominalMs !== undefined && !isOurs(d, nominalMs, range, settling.wrote)) continue;
      if (nominalMs !== undefined && mayWait(d, nominalMs, after, range)) {
        const base = after.schedule.action?.startWorkflow?.workflowId ?? '';
        if (!(await asking.decided(nominalMs, base))) {
          settled.delete(d.dueMs);
          pending = waits = true;
          continue;
        }
      }
      if (await accounted(settling, cluster, time, id, d, nominalMs, audit, other)) continue;
      if (range.decided) audit.explained++;
      else if (nominalMs !== undefined) missing.push({ due: d, nominalMs });
    }
    if (missing.length > 0 && (await asking.news())) {
      // Another attempt decides of them.
      for (const { due } of missing) settled.delete(due.dueMs);
      pending = true;
    } else if (missing.length > 0) await runMissing(settling, cluster, time, id, missing, audit, other);
    if (settling.unproven) break;
    if (!pending && settling.wrote.every(({ toMs }) => toMs + jitter <= untilMs)) break;
    if (waits && time.now() > bufferDeadline) {
      settling.unproven = true;
      break;
    }
    if (time.now() > deadline)
      throw new Error(`${nameOf(cluster, id)} did not settle: what is due there keeps changing`);
    await time.sleep(wait);
    const again = await cluster.describe(id);
    if (!again) break;
    settling.after = again;
  }
  return counted(settling, cluster, id);
}

/** A scheduler tells its last ten runs: one that is not among them was started by id, or is older than they. */
async function counted(settling: Settling, cluster: ScheduleCluster, id: string): Promise<Settled> {
  const { byId, due, ran, started, unproven, nominalOf } = settling;
  const settled = { due, ran, uncounted: 0, started, unproven, nominalOf, after: settling.after };
  if (byId.length === 0 || !settled.after.schedule.state?.limitedActions) return settled;
  const after = (await cluster.describe(id)) ?? settled.after;
  const oldest = after.recent.length < 10 ? 0 : Math.min(...after.recent.map(({ startedMs }) => startedMs));
  const uncounted = byId.filter(({ due, startMs }) => startMs >= oldest && !ranAs(due, after.recent)).length;
  return { ...settled, uncounted, after };
}

function nameOf(cluster: ScheduleCluster, id: string): string {
  return `schedule ${id} on ${cluster.profile}`;
}

function stuck(cluster: ScheduleCluster, id: string, due: Due): string {
  return (
    `${nameOf(cluster, id)} has not started its run due ${new Date(due.dueMs).toISOString()}: ` +
    `is the cluster's scheduler working?`
  );
}
