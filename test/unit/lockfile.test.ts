import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';

interface Lock {
  packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
}

/**
 * npm leaves out of the lock file what it cannot fetch for another platform, and `npm ci` then refuses to install on
 * every machine. It goes unnoticed where node_modules exists already.
 */
test('the lock file names the packages of every platform', async () => {
  const { packages }: Lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  const paths = Object.keys(packages);
  const missing = Object.values(packages)
    .flatMap((each) => Object.entries(each.optionalDependencies ?? {}))
    .filter(
      ([name]) => !paths.some((path) => path === `node_modules/${name}` || path.endsWith(`/node_modules/${name}`)),
    )
    .map(([name, version]) => `${name}@${version}`);
  expect(missing).toEqual([]);
});
