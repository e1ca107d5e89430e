/** What the tenants of demo and tests run. Their input is encrypted and does not matter here, so none takes any. */
import { ApplicationFailure, condition, continueAsNew, executeChild, sleep, workflowInfo } from '@temporalio/workflow';

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

/** Work that goes on by itself on the cluster it was started on: a child every other second, with the tenant's name. */
export async function family(children: number): Promise<void> {
  const { typedSearchAttributes } = workflowInfo();
  for (let n = 0; n < children; n++) {
    await sleep('2 s');
    await executeChild(quick, { typedSearchAttributes });
  }
}

/** The same as one run after another. */
export async function chain(links: number): Promise<void> {
  await sleep('4 s');
  if (links > 1) await continueAsNew<typeof chain>(links - 1);
}

/** Well on `cloud`, and fails in the namespace of `selfhosted`: what a gate is for. */
export async function sours(): Promise<string> {
  if (workflowInfo().namespace === 'prod') throw ApplicationFailure.nonRetryable('the new side does not suit it');
  return 'done';
}
