import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';

/** A server that takes its time over a SIGTERM, and a program that waits for it until the second Ctrl-C. */
const program = `
  import { onInterrupt } from './scripts/lib/interrupt.ts';
  import { startProcess, temporaryDir } from './scripts/lib/process.ts';
  const interrupt = onInterrupt();
  const dir = await temporaryDir();
  const server = await startProcess('slow', ['sh', '-c', 'trap "echo told" TERM; echo ready; while :; do sleep 0.1; done'], dir.path);
  console.log(server.pid + ' ' + dir.path);
  await interrupt.asked;
  await server.terminate(60_000);`;

test('the second signal ends the program, a server it waits for, and its directory', { timeout: 30_000 }, async () => {
  const child = execFile(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const started = new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (data) => resolve(String(data).trim()));
    void ended.then(() => reject(new Error('ended early')));
  });
  const [group, dir = ''] = (await started).split(' ');
  const runs = (): boolean => {
    try {
      return process.kill(-Number(group), 0);
    } catch {
      return false;
    }
  };
  expect([runs(), existsSync(dir)]).toEqual([true, true]);
  await waitFor({ what: 'the server to listen for signals', timeoutMs: 10_000 }, async () =>
    readFileSync(join(dir, 'slow.log'), 'utf8').includes('ready'),
  );

  child.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect([child.exitCode, runs()]).toEqual([null, true]);

  child.kill('SIGTERM');
  expect(await ended).toEqual([130, null]);
  await waitFor({ what: 'the server to be gone', timeoutMs: 5_000 }, async () => !runs());
  expect(existsSync(dir)).toBe(false);
});
