/** Which times a V2 scheduler lost by itself, for the independent ledger. */
import Long from 'long';
import type { PlannedSchedule } from '../../scripts/lib/tenant-load.ts';
import { milliseconds, type Outage, type Run, type Side, type Write } from './runs.ts';

interface Due {
  side: string;
  /** Its nominal time and the jitter that side gives it. */
  dueMs: number;
}

export interface Circumstances {
  outages: Outage[];
  /** Those to this schedule, ascending. */
  writes: Write[];
}

/** When V2 schedulers meant to start what they did not, in their own words. */
export class V2Dues {
  readonly #sides: Side[];
  readonly #known = new Map<string, Due[]>();

  constructor(sides: Side[]) {
    this.#sides = sides;
  }

  of(id: string, time: number): Due[] {
    return this.#known.get(`${id} ${time}`) ?? [];
  }

  async find({ id, intent: { jitter } }: PlannedSchedule, missedTimes: number[]): Promise<void> {
    if (jitter === 0) return;
    for (const time of missedTimes) {
      if (!this.#known.has(`${id} ${time}`)) this.#known.set(`${id} ${time}`, await this.#ask(id, time, jitter));
    }
  }

  async #ask(scheduleId: string, time: number, jitter: number): Promise<Due[]> {
    const found: Due[] = [];
    for (const { name, connection, namespace } of this.#sides) {
      // The first time after this one's predecessor: no jitter reaches the next nominal time.
      const { startTime } = await connection.workflowService.listScheduleMatchingTimes({
        namespace,
        scheduleId,
        startTime: { seconds: Long.fromNumber(time - 1), nanos: 999_000_000 },
        endTime: { seconds: Long.fromNumber(time + jitter) },
      });
      const [due] = startTime ?? [];
      if (due) found.push({ side: name, dueMs: milliseconds(due) });
    }
    return found;
  }
}

/** For so long after a restart timers and ends of runs from before it are still coming in. */
const CATCH_UP_MS = 10_000;

/**
 * Server 1.32, with a migration or without: whenever its generator runs and finds nothing to start, it puts its mark at
 * now (`lastAction := end` in chasm/lib/scheduler/spec_processor.go) and goes on with nominal times after the mark, so one
 * that has passed with its jitter still ahead is lost. It runs at the end of every run of the schedule
 * (`HandleNexusCompletion` in scheduler.go), and right after a restart, for timers that were to fire meanwhile. Granted
 * only with such a moment to show, between the time and its due moment; only on the side that had the time, as the last
 * update before it says; and only if nobody wrote to the schedule in that while: what a write drops, we have to make good.
 */
export function lostByV2(due: Due, time: number, all: Run[], { outages, writes }: Circumstances): boolean {
  const { side, dueMs } = due;
  const nominalMs = time * 1_000;
  const earlier = writes.filter((write) => write.side === side && write.atMs <= dueMs);
  if (earlier.some(({ atMs }) => atMs >= nominalMs)) return false;
  const open = earlier.findLast((write) => write.open)?.open;
  const had = open
    ? !open.paused && open.fromMs <= nominalMs && nominalMs <= open.untilMs
    : all.findLast((run) => run.nominal < time)?.side === side;
  if (!had) return false;
  const ended = all.some(
    (run) => run.side === side && run.nominal < time && run.closeMs + 1_000 >= nominalMs && run.closeMs < dueMs,
  );
  const restarted = outages.some(
    (outage) => outage.side === side && outage.fromMs < dueMs && outage.toMs + CATCH_UP_MS >= nominalMs,
  );
  return ended || restarted;
}
