/** What the schedules of the conformance scripts start: it takes as long as it is told, and fails if told to. */
import { ApplicationFailure, sleep } from '@temporalio/workflow';

export async function behave(takesMs: number, fails: boolean): Promise<void> {
  if (takesMs > 0) await sleep(takesMs);
  if (fails) throw ApplicationFailure.nonRetryable('as told');
}
