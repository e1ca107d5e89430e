/** Follows a migration to its end, telling every change. */
import type { Progress } from '../workflows/progress.ts';
import type { Control, Ending, Found } from './control.ts';

export interface Following {
  control: Control;
  /** Called with every snapshot that came, also when nothing changed. */
  seen: (progress: Progress) => void;
  /** No worker answers, or one does again. */
  silent: (silent: boolean) => void;
  pause: (ms: number) => Promise<void>;
}

const EVERY_MS = 1_000;

export async function follow({ control, seen, silent, pause }: Following, first: Found): Promise<Ending> {
  let wasSilent = false;
  for (;;) {
    const now = (await control.find(first.workflowId, first.runId)) ?? first;
    if (now.status !== 'RUNNING') return await control.ending(now);
    const progress = await control.progress(now);
    if ((progress === undefined) !== wasSilent) {
      wasSilent = !wasSilent;
      silent(wasSilent);
    }
    if (progress) seen(progress);
    await pause(EVERY_MS);
  }
}
