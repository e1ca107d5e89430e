/** How late runs started on the cluster that ran them, before and after a move. */
import { expectedTimes, type Run, type Side } from '../../../test/support/ledger.ts';
import { duration } from '../payloads.ts';
import type { PlannedSchedule } from '../tenant-load.ts';
import { dueByNominal } from './figures.ts';

/** The range that was read, epoch seconds, and the move, epoch ms. */
export interface Moments {
  from: number;
  to: number;
  movedFrom: number;
  movedTo: number;
  /** Nothing moved: no run is the first on the target. */
  stays?: boolean;
}

/** Milliseconds. */
export interface Lateness {
  first: number[];
  source: number[];
  target: number[];
  /** Ids of the schedules that ran on the target. */
  arrived: string[];
}

export async function lateness(
  { cloud, selfhosted }: { cloud: Side; selfhosted: Side },
  plan: readonly PlannedSchedule[],
  all: Map<string, Run[]>,
  moments: Moments,
): Promise<Lateness> {
  const { from, to, movedFrom, movedTo, stays } = moments;
  const late: Lateness = { first: [], source: [], target: [], arrived: [] };
  for (const schedule of plan) {
    const nominals = expectedTimes(schedule.intent, from, to);
    const known = new Set(nominals);
    const runs = (all.get(schedule.id) ?? []).filter(({ nominal }) => known.has(nominal));
    for (const side of [cloud, selfhosted]) {
      const here = runs.filter((run) => run.side === side.name).toSorted((a, b) => a.nominal - b.nominal);
      if (here.length === 0) continue;
      const due = await dueTimes(side, schedule, nominals, to);
      const lateBy = ({ startMs, nominal, workflowId }: Run): number => {
        const dueMs = due(nominal);
        if (dueMs === undefined) throw new Error(`${side.name} says of no time that ${workflowId} was due`);
        return startMs - dueMs;
      };
      if (side === cloud) {
        late.source.push(...here.filter(({ nominal }) => nominal * 1_000 < movedFrom).map(lateBy));
        continue;
      }
      const [first, ...rest] = here;
      late.target.push(...rest.filter(({ nominal }) => nominal * 1_000 > movedTo).map(lateBy));
      if (!first || stays) continue;
      late.first.push(lateBy(first));
      late.arrived.push(schedule.id);
    }
  }
  return late;
}

/**
 * When a nominal time was due on that cluster, ms. With jitter the cluster itself is asked, since jitter depends on its
 * namespace; without, it is the nominal time.
 */
async function dueTimes(
  { connection, namespace }: Side,
  { id, intent }: PlannedSchedule,
  nominals: readonly number[],
  to: number,
): Promise<(nominal: number) => number | undefined> {
  const [first] = nominals;
  if (intent.jitter === 0 || first === undefined) return (nominal) => nominal * 1_000;
  const { startTime } = await connection.workflowService.listScheduleMatchingTimes({
    namespace,
    scheduleId: id,
    startTime: duration(first - 1),
    endTime: duration(to + intent.jitter),
  });
  const dues = (startTime ?? []).map(({ seconds, nanos }) => Number(seconds) * 1_000 + (nanos ?? 0) / 1e6);
  // Of the last nominal times the jitter may lie behind the range that was asked for.
  const byNominal = dueByNominal(expectedTimes(intent, first, to + intent.jitter), dues);
  return (nominal) => byNominal.get(nominal);
}
