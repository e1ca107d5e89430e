/**
 * Where servers are kept once they have been downloaded or built. Several processes may want the same one at the same
 * moment (a demo beside a test run), so whatever enters the cache is made aside, under a lock, and renamed into place.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, link, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from './errors.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** `FERRY_CACHE`, else `.cache` in the checkout. */
export function cacheDir(): string {
  return process.env.FERRY_CACHE || join(repository, '.cache');
}

export async function exists(path: string, mode = constants.F_OK): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

/** The program's path, as a shell would find it. */
export async function findOnPath(program: string): Promise<string | undefined> {
  for (const dir of (process.env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const candidate = join(dir, program);
    if (await exists(candidate, constants.X_OK)) return candidate;
  }
  return undefined;
}

/**
 * The path of `name` in the cache; `make` fills an empty directory with it on first use. `name` may have folders, e.g.
 * `cli-1.5.1/temporal`: the first is what is renamed into place.
 */
export async function cached(name: string, make: (emptyDir: string) => Promise<void>): Promise<string> {
  const path = join(cacheDir(), name);
  if (await exists(path)) return path;
  const [entry = name] = name.split('/');
  await mkdir(cacheDir(), { recursive: true });
  return withLock(join(cacheDir(), `${entry}.lock`), async () => {
    if (await exists(path)) return path;
    const aside = await mkdtemp(join(cacheDir(), `${entry}.making-`));
    try {
      await make(aside);
      // What an earlier version of this code left there is incomplete, or `path` would exist.
      await rm(join(cacheDir(), entry), { recursive: true, force: true });
      await rename(aside, join(cacheDir(), entry));
    } finally {
      await rm(aside, { recursive: true, force: true });
    }
    if (!(await exists(path))) throw new Error(`${name} was made, but ${path} is not there`);
    return path;
  });
}

async function withLock<T>(lock: string, task: () => Promise<T>): Promise<T> {
  const claim = `${lock}.${randomUUID()}`;
  await mkdir(dirname(lock), { recursive: true });
  await writeFile(claim, String(process.pid));
  try {
    // link() appears with its content at once and fails when the name exists: no half-written lock can be read.
    while (!(await tryLink(claim, lock))) {
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      // Two waiters may both find the lock stale and both make the entry: wasteful, but the rename keeps it whole.
      if (holder && !isRunning(holder)) await rm(lock, { force: true });
      else await delay(500);
    }
    try {
      return await task();
    } finally {
      await rm(lock, { force: true });
    }
  } finally {
    await rm(claim, { force: true });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
