/** What the services of the load test start: half ends at once, half waits for a signal that comes seconds later. */
import { condition, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';

export const goSignal = defineSignal<[text: string]>('go');
export const stateQuery = defineQuery<string>('state');

export async function quickOrder(): Promise<string> {
  return 'done';
}

export async function heldOrder(): Promise<string> {
  let got: string | undefined;
  setHandler(goSignal, (text) => {
    got = text;
  });
  setHandler(stateQuery, () => got ?? 'waiting');
  await condition(() => got !== undefined);
  return got ?? '';
}
