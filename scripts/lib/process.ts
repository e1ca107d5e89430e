/** Server processes that never outlive the program that started them, however it ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ServerProcess {
  logFile: string;
  pid: number;
  /** Rejects when the process ends before it is stopped. */
  died: Promise<never>;
  /** At once. */
  stop: () => Promise<void>;
  /** SIGTERM first; what has not ended after `graceMs` is stopped. */
  terminate: (graceMs: number) => Promise<void>;
}

/**
 * The shell in between holds our end of a pipe. When this program ends, SIGKILL included, the pipe closes and the shell
 * kills the server; when the server ends first, so does the shell, with its exit code. Killed outright: the state is
 * in memory or on a disk that outlives a kill, so there is nothing to close down in order. A SIGTERM to the group is for
 * the server: both shells stay. The one at the pipe has to: this program may end while the server takes its time.
 * Set before each fork, so that no moment is without: a trap with a command is not inherited, an ignored signal is.
 */
const watchdog = `
  exec 3<&0
  trap : TERM
  "$@" </dev/null 3<&- & server=$!
  trap '' TERM
  { read -r _ <&3; kill -KILL $server; } 2>/dev/null &
  trap : TERM
  exec 3<&-
  while :; do
    wait $server; code=$?
    kill -0 $server 2>/dev/null || exit $code
  done`;

export async function startProcess(
  title: string,
  command: string[],
  dir: string,
  env = process.env,
): Promise<ServerProcess> {
  const logFile = join(dir, `${title}.log`);
  // A server that is started again goes on in its log.
  const log = createWriteStream(logFile, { flags: 'a' });
  await once(log, 'open');
  // Its own group: Ctrl-C in the terminal reaches this program alone, which takes things down in order.
  const child = spawn('sh', ['-c', watchdog, title, ...command], { detached: true, env, stdio: ['pipe', log, log] });
  log.close();
  // Writing is not what the pipe is for; that it breaks when the server ends is expected.
  child.stdin.on('error', () => undefined);
  let stopping = false;
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const died = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      child.stdin.destroy();
      if (stopping) return;
      void readFile(logFile, 'utf8')
        .catch(() => '(no log)')
        .then((text) => reject(new Error(`${title} ended with ${String(signal ?? code)}:\n${text.slice(-2_000)}`)));
    });
  });
  // Whoever races against it still sees the rejection; without this line an unobserved one would end the program.
  died.catch(() => undefined);
  return {
    logFile,
    pid: child.pid ?? 0,
    died,
    stop: async () => {
      stopping = true;
      child.stdin.destroy();
      await exited;
    },
    terminate: async (graceMs) => {
      stopping = true;
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, 'SIGTERM');
      const { pid } = child;
      const kill = setTimeout(() => {
        if (pid !== undefined && child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL');
      }, graceMs);
      await exited;
      clearTimeout(kill);
    },
  };
}

/**
 * Free TCP ports, all different, held together while choosing, then let go for the server to take. Below the range the
 * system takes ports of outgoing connections from: in it, somebody's connection may hold the port when the server comes, or
 * comes back, and a client that tries it may reach itself.
 */
export async function lastingPorts(count: number): Promise<number[]> {
  const holders = await Promise.all(Array.from({ length: count }, holdLasting));
  const ports = holders.map(portOf);
  await Promise.all(holders.map(closed));
  return ports;
}

async function holdLasting(): Promise<Server> {
  for (;;) {
    const holder = await hold(15_000 + Math.floor(Math.random() * 15_000)).catch(() => undefined);
    if (holder) return holder;
  }
}

async function hold(port: number): Promise<Server> {
  const holder = createServer();
  holder.listen(port, '127.0.0.1');
  await once(holder, 'listening');
  return holder;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a TCP port');
  return address.port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
  });
}

/** Removed by `remove`, and where the program ends before it comes to that, with its end; only a SIGKILL leaves it. */
export async function temporaryDir(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'ferry-'));
  const atExit = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', atExit);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true });
      process.off('exit', atExit);
    },
  };
}
