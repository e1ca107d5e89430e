import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { temporalCliPath, temporalServerPath } from '../../scripts/lib/binaries.ts';
import { cached } from '../../scripts/lib/cache.ts';
import { testServerPath } from '../../scripts/lib/test-server.ts';
import { waitFor } from '../../scripts/lib/wait.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ferry-cache-'));
  vi.stubEnv('FERRY_CACHE', dir);
  for (const name of ['TEMPORAL_CLI_PATH', 'TEMPORAL_SERVER_PATH', 'TEMPORAL_TEST_SERVER_PATH']) vi.stubEnv(name, '');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

const make = (content: string) => async (empty: string) => writeFile(join(empty, 'tool'), content);

test('what several callers want at once is made once, and the others get the same', async () => {
  let made = 0;
  const slowly = async (empty: string) => {
    made += 1;
    await new Promise((resolve) => setImmediate(resolve));
    await make('built')(empty);
  };
  const paths = await Promise.all([1, 2, 3].map(() => cached('tool-1/tool', slowly)));
  expect(new Set(paths).size).toBe(1);
  expect(made).toBe(1);
  expect(await readFile(paths[0] ?? '', 'utf8')).toBe('built');
  expect(await readdir(dir)).toEqual(['tool-1']);
});

test('a failed attempt leaves nothing behind, and the next one starts afresh', async () => {
  await expect(cached('tool-1/tool', () => Promise.reject(new Error('no disk')))).rejects.toThrow('no disk');
  expect(await readdir(dir)).toEqual([]);
  await cached('tool-1/tool', make('second'));
  expect(await readdir(dir)).toEqual(['tool-1']);
});

test('the lock of a program that is gone holds nobody up', async () => {
  // Larger than any process id in use.
  await writeFile(join(dir, 'tool-1.lock'), '999999999');
  await cached('tool-1/tool', make('built'));
  expect(await readdir(dir)).toEqual(['tool-1']);
});

test.each([
  ['TEMPORAL_CLI_PATH', temporalCliPath],
  ['TEMPORAL_SERVER_PATH', temporalServerPath],
  ['TEMPORAL_TEST_SERVER_PATH', testServerPath],
])('%s comes first, and a wrong one is named instead of passed over', async (name, resolve) => {
  const given = join(dir, 'mine');
  vi.stubEnv(name, given);
  await expect(resolve()).rejects.toThrow(`${name} is ${given}`);
  await writeFile(given, '');
  expect(await resolve()).toBe(given);
});

test('the CLI on the PATH comes before the cache', async () => {
  const bin = join(dir, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'temporal'), '', { mode: 0o755 });
  vi.stubEnv('PATH', bin);
  expect(await temporalCliPath()).toBe(join(bin, 'temporal'));
});

test('without Go the error says what to install or to set', async () => {
  vi.stubEnv('PATH', dir);
  await expect(temporalServerPath()).rejects.toThrow(/Go is not installed.*TEMPORAL_SERVER_PATH/);
});

test('what is in the cache is found at once, without asking the network', async () => {
  const fetched = vi.spyOn(globalThis, 'fetch').mockRejectedValue(new Error('offline'));
  vi.stubEnv('PATH', dir);
  await expect(temporalCliPath()).rejects.toThrow(/Go is not installed/);
  expect(fetched).toHaveBeenCalledOnce();
  await mkdir(join(dir, 'temporal-1.5.1'));
  await writeFile(join(dir, 'temporal-1.5.1/temporal'), '');
  expect(await temporalCliPath()).toBe(join(dir, 'temporal-1.5.1/temporal'));
  expect(fetched).toHaveBeenCalledOnce();
  fetched.mockRestore();
});

test('a wait that ends in vain says what for, and why as far as known', async () => {
  const never = waitFor({ what: 'rain', timeoutMs: 20, everyMs: 5 }, () => Promise.reject(new Error('dry')));
  await expect(never).rejects.toMatchObject({ message: 'waited 0.02 s for rain', cause: new Error('dry') });
});
