/** The product as people run it: its worker in a process of its own, and one `MigrateTenant`. */
import { controlClient } from '../../../src/compose.ts';
import type { MigrateTenant } from '../../../src/workflows/index.ts';
import { startFerryWorker } from '../ferry-worker.ts';
import type { Mover } from './movers.ts';

export async function ferryMover(options: { configFile: string; dir: string }): Promise<Mover> {
  const worker = await startFerryWorker(options);
  const control = controlClient(options);
  return {
    name: 'ferry',
    move: async ({ tenant, from, to }) => {
      // Without a bake: the others have none either.
      const args: Parameters<typeof MigrateTenant> = [{ tenant, workflows: 'none', from, to, bake: '0' }];
      const start = { workflowId: `migrate/${tenant}`, taskQueue: 'ferry', args };
      const handle = await control.client.workflow.start<typeof MigrateTenant>('MigrateTenant', start);
      const { outcome, audit } = await Promise.race([handle.result(), worker.died]);
      if (outcome !== 'completed') throw new Error(`the migration of ${tenant} ended ${outcome}`);
      const { runs, duplicates, missed, wrongSide } = audit;
      return { processes: 0, account: { runs, duplicates, missed, wrongSide } };
    },
    close: async () => {
      await control.close();
      await worker.terminate(10_000);
    },
  };
}
