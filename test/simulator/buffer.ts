/** ProcessBuffer of service/worker/scheduler/buffer.go, which both engines use: what the overlap policy does with starts. */
import proto from '@temporalio/proto';
import type { OverlapPolicy } from '../../src/schedules/ports.ts';

export const Policy = proto.temporal.api.enums.v1.ScheduleOverlapPolicy;

export interface Buffered<T> {
  /** ALLOW_ALL: all at once. */
  overlapping: T[];
  /** Of the others at most one starts now. */
  start?: T;
  keep: T[];
  skipped: T[];
  cancel: boolean;
  terminate: boolean;
}

export function processBuffer<T>(buffer: T[], isRunning: boolean, policyOf: (start: T) => OverlapPolicy): Buffered<T> {
  const result: Buffered<T> = { overlapping: [], keep: [], skipped: [], cancel: false, terminate: false };
  for (const start of buffer) {
    const policy = policyOf(start);
    if (policy === Policy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL) {
      result.overlapping.push(start);
    } else if (!isRunning && result.start === undefined) {
      result.start = start;
    } else if (policy === Policy.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE) {
      (result.keep.length === 0 ? result.keep : result.skipped).push(start);
    } else if (policy === Policy.SCHEDULE_OVERLAP_POLICY_BUFFER_ALL) {
      result.keep.push(start);
    } else if (
      policy === Policy.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER ||
      policy === Policy.SCHEDULE_OVERLAP_POLICY_TERMINATE_OTHER
    ) {
      if (isRunning) {
        if (policy === Policy.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER) result.cancel = true;
        else result.terminate = true;
        result.keep.push(start);
      } else {
        // Not running yet, only about to be started: replaced.
        if (result.start !== undefined) result.skipped.push(result.start);
        result.start = start;
      }
    } else {
      result.skipped.push(start);
    }
  }
  if (result.cancel || result.terminate) {
    result.skipped.push(...result.overlapping);
    result.overlapping = [];
  }
  return result;
}

export function resolvePolicy(
  asked: OverlapPolicy | null | undefined,
  own: OverlapPolicy | null | undefined,
): OverlapPolicy {
  return asked || own || Policy.SCHEDULE_OVERLAP_POLICY_SKIP;
}
