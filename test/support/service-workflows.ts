/** What services run in the tests of the client library. */
import { proxyActivities } from '@temporalio/workflow';

const { nap } = proxyActivities<{ nap: (ms: number) => Promise<string> }>({ startToCloseTimeout: '1 minute' });

export async function napping(ms: number): Promise<string> {
  return await nap(ms);
}
