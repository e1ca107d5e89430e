/** What the workers of `runWorkers` run in its tests. */
import { ApplicationFailure, proxyActivities } from '@temporalio/workflow';

const { nap } = proxyActivities<{ nap: (ms: number) => Promise<string> }>({ startToCloseTimeout: '1 minute' });

export async function napping(ms: number): Promise<string> {
  return await nap(ms);
}

export async function failing(): Promise<never> {
  throw ApplicationFailure.nonRetryable('on purpose');
}
