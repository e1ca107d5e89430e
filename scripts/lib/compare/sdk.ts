/** The concurrent script, kept up between moves like the product's worker: neither is to pay for starting Node. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Mover } from './movers.ts';
import type { ScriptAnswer } from './sdk-script.ts';

const script = fileURLToPath(new URL('./sdk-script.ts', import.meta.url));

export async function sdkMover({ configFile }: { configFile: string }): Promise<Mover> {
  const env = { ...process.env, TEMPORAL_CONFIG_FILE: configFile };
  const child = fork(script, [], { env, execArgv: ['--import', 'tsx'] });
  const ended = once(child, 'exit');
  const failed = ended.then(([code]): ScriptAnswer => ({ error: `it ended with ${String(code)}` }));
  const answered = async (): Promise<void> => {
    const answer = new Promise<ScriptAnswer>((resolve) => {
      child.once('message', (message: ScriptAnswer) => resolve(message));
    });
    const { error } = await Promise.race([answer, failed]);
    if (error !== undefined) throw new Error(`the script with the SDK failed: ${error}`);
  };
  await answered();
  return {
    name: 'sdk',
    move: async (order) => {
      const done = answered();
      child.send(order);
      await done;
      return { processes: 0 };
    },
    close: async () => {
      child.kill();
      await ended;
    },
  };
}
