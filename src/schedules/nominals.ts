import type { Described, ScheduleCluster } from './ports.ts';
import type { Range } from './settling.ts';
import { durationMs } from './times.ts';
import type { Due } from './verdicts.ts';

/** Nominal time of a due time. Without jitter they are the same; with it the server is asked, as few times as possible. */
export class NominalTimes {
  #listed?: { untilMs: number; times: Promise<number[]> };
  readonly #list: (untilMs: number) => Promise<number[]>;
  readonly #range: Range;
  readonly #jittered: boolean;
  constructor(cluster: ScheduleCluster, { schedule }: Described, range: Range) {
    this.#range = range;
    this.#jittered = durationMs(schedule.spec?.jitter) > 0;
    this.#list = (untilMs) => cluster.nominalTimes(schedule, range.afterNominalMs, untilMs);
  }

  async of(due: Due): Promise<number | undefined> {
    if (!this.#jittered) return due.dueMs;
    if (!this.#listed || this.#listed.untilMs < due.dueMs) {
      const untilMs = Math.max(this.#range.untilMs, due.dueMs);
      this.#listed = { untilMs, times: this.#list(untilMs) };
    }
    return (await this.#listed.times).findLast((nominal) => nominal > due.afterMs && nominal <= due.dueMs);
  }
}
