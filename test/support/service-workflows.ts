/** What a service's workflows are made of: everything a client can ask of one. */
import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';

export const noteSignal = defineSignal<[string]>('note');
export const finishSignal = defineSignal('finish');
export const goOnSignal = defineSignal('go-on');
export const notesQuery = defineQuery<string[]>('notes');
export const addUpdate = defineUpdate<number, [string]>('add');
/** Ends the run that it is applied to. */
export const endUpdate = defineUpdate<number>('end');

/** Open until it is told to finish; its result is all it was told. */
export async function order(...first: string[]): Promise<string[]> {
  const notes = [...first];
  let finished = false;
  let goOn = false;
  setHandler(noteSignal, (note) => void notes.push(note));
  setHandler(finishSignal, () => {
    finished = true;
  });
  setHandler(goOnSignal, () => {
    goOn = true;
  });
  setHandler(notesQuery, () => notes);
  setHandler(addUpdate, (note) => notes.push(note));
  setHandler(endUpdate, () => {
    finished = true;
    return notes.length;
  });
  await condition(() => finished || goOn);
  await condition(allHandlersFinished);
  if (goOn) await continueAsNew<typeof order>(...notes);
  return notes;
}

export async function quick(said: string): Promise<string> {
  return said;
}

const { later } = proxyActivities<{ later(): Promise<string> }>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 1 },
});

/** Its activity is completed by a client. */
export async function completedByClient(): Promise<string> {
  return later();
}
