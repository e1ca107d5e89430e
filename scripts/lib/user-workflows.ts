/** What the tenants of demo and tests run. Their input is encrypted and does not matter here, so none takes any. */
import { condition, sleep } from '@temporalio/workflow';

/** Done at once. */
export async function quick(): Promise<string> {
  return 'done';
}

/** Open for a moment, so that overlap policies have something to look at. */
export async function brief(): Promise<string> {
  await sleep('100 ms');
  return 'done';
}

/** Open for longer than the interval of its schedule; ends at once when it is asked to cancel. */
export async function slow(): Promise<string> {
  await sleep('10 s');
  return 'done';
}

/** Open until it is asked to cancel, or its time is up. */
export async function endless(): Promise<void> {
  await condition(() => false);
}
