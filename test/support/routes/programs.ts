/** Programs of their own that can be killed: services, their workers, the ferry worker. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../../../scripts/lib/wait.ts';

export interface Program {
  /** SIGKILL, and the same program again. */
  killAndStart: () => Promise<void>;
  /** SIGTERM; returns when it has ended by itself, with its exit code. */
  end: () => Promise<number | null>;
  kill: () => void;
}

/** For the programs: they load the machine, so they end with whoever started them, however that ends. */
export function endWithParent(): void {
  process.stdin.resume().once('end', () => process.exit(1));
}

export async function startProgram(file: URL, env: NodeJS.ProcessEnv, ready: string): Promise<Program> {
  const start = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(file)], {
      env: { ...process.env, ...env },
      // Nobody writes to it: its end tells a program that this one is gone.
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let printed = '';
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    await waitFor({ what: `"${ready}" of ${file.pathname}`, timeoutMs: 60_000 }, async () => printed.includes(ready));
    return child;
  };
  let child = await start();
  return {
    killAndStart: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      child = await start();
    },
    end: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}
