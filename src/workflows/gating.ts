/**
 * A gate at work: which of its checks are due, what their measurements add up to. A measurement is an activity; its answer
 * is judged there, so the workflow only counts.
 */
import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { MeasureCheckInput } from '../activities/types.ts';
import type { Taken } from '../gates/measurement.ts';
import { type CheckSettings, everyMsOf, type GatesSettings } from '../gates/settings.ts';
import { addTaken, emptyTally, type Tally, verdictOf } from '../gates/tally.ts';
import { type GateStatus, gateStatus } from '../gates/verdict.ts';
import * as activities from './activities.ts';
import { reasonOf } from './failures.ts';

/** What one measurement is told beside its check. */
export type Measured = Omit<MeasureCheckInput, 'check'>;

interface Check {
  settings: CheckSettings;
  everyMs: number;
  /** Unix ms. */
  dueAt: number;
  tally: Tally;
}

export class Gating {
  #checks: Check[];

  /** `lengthMs`: how long the gate is; its clock starts now. */
  constructor({ checks }: GatesSettings, lengthMs: number) {
    this.#checks = checks.map((settings) => ({
      settings,
      everyMs: everyMsOf(settings, checks.length, lengthMs),
      dueAt: Date.now() + settings.initialDelayMs,
      tally: emptyTally(),
    }));
  }

  /** Unix ms of the next measurement; Infinity when every check has its verdict. */
  get nextAt(): number {
    return Math.min(...this.#open().map(({ dueAt }) => dueAt));
  }

  /** The clock stood still for so long. */
  delay(ms: number): void {
    for (const check of this.#checks) check.dueAt += ms;
  }

  /** `over`: no more is measured. */
  status(over: boolean): GateStatus {
    return gateStatus(
      this.#checks.map(({ settings: { name, limits, dryRun }, tally }) => ({ name, limits, dryRun, tally })),
      over,
    );
  }

  /** Takes every measurement that is due. True when there was any. */
  async measureDue(input: Measured): Promise<boolean> {
    const due = this.#open().filter(({ dueAt }) => dueAt <= Date.now());
    await Promise.all(
      due.map(async (check) => {
        check.tally = addTaken(check.tally, await measure({ ...input, check: check.settings }));
        check.dueAt = Date.now() + check.everyMs;
      }),
    );
    return due.length > 0;
  }

  #open(): Check[] {
    return this.#checks.filter(({ tally, settings }) => verdictOf(tally, settings.limits).verdict === 'running');
  }
}

async function measure(input: MeasureCheckInput): Promise<Taken> {
  try {
    return await activities.measureCheck(input);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    return {
      at: new Date(Date.now()).toISOString(),
      phase: 'error',
      value: null,
      message: reasonOf(error).slice(0, 300),
    };
  }
}
