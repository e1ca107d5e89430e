/** The service of the README, as its reader would make it: the package packed and installed, checked by tsc, and run. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { run } from '../../scripts/lib/run.ts';
import { type Stack, startStack } from '../../scripts/lib/stack.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

let stack: Stack;
let dir: string;

beforeAll(async () => {
  stack = await startStack();
  dir = await mkdtemp(join(tmpdir(), 'service-'));
});

afterAll(async () => {
  await stack?.stop();
  await rm(dir, { recursive: true, force: true });
});

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(dir, file)), { recursive: true });
  await writeFile(join(dir, file), text);
}

/** The code blocks of the README that begin with the name of a file. */
async function snippets(): Promise<Map<string, string>> {
  const text = await readFile(join(root, 'README.md'), 'utf8');
  const blocks = [...text.matchAll(/```ts\n\/\/ (\w+\.ts)\n([\s\S]*?)```/g)];
  return new Map(blocks.map(([, file = '', code = '']) => [file, code]));
}

const around: Record<string, string> = {
  'package.json': JSON.stringify({ name: 'orders', private: true, type: 'module' }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'es2023',
      strict: true,
      skipLibCheck: true,
      types: ['node'],
      outDir: 'out',
    },
    include: ['*.ts'],
  }),
  'activities.ts': 'export const greet = async (order: string): Promise<string> => `processed ${order}`;\n',
  'workflows.ts': `
    import { proxyActivities } from '@temporalio/workflow';
    import type * as activities from './activities.js';
    const { greet } = proxyActivities<typeof activities>({ startToCloseTimeout: '10 s' });
    export const processOrder = (order: string): Promise<string> => greet(order);
  `,
  'main.ts': `
    import { close, placeOrder } from './service.js';
    console.log(await placeOrder('acme', '4711'));
    console.log(await placeOrder('typo', '4712').catch((error: Error) => String(error.cause ?? error)));
    await close();
  `,
};

test('it type-checks against the packed package, runs, and refuses a tenant nobody registered', async () => {
  const code = await snippets();
  expect([...code.keys()]).toEqual(['service.ts', 'worker.ts']);
  for (const [file, text] of [...code, ...Object.entries(around)]) await write(file, text);
  await run('npm', ['run', 'build'], { cwd: root });
  await run('npm', ['pack', '--pack-destination', dir], { cwd: root });
  await run('tar', ['xzf', join(dir, 'temporal-ferry-0.1.0.tgz'), '-C', dir]);
  await mkdir(join(dir, 'node_modules'));
  await cp(join(dir, 'package'), join(dir, 'node_modules', 'temporal-ferry'), { recursive: true });
  // What npm would install beside it, from here: the registry is not what is tested.
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const folders = Object.keys(dependencies).map((name) => name.split('/', 1)[0] ?? name);
  for (const name of new Set([...folders, '@types'])) {
    await symlink(join(root, 'node_modules', name), join(dir, 'node_modules', name));
  }
  await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', dir], { cwd: dir });

  const env = { ...process.env, TEMPORAL_CONFIG_FILE: stack.configFile };
  const ferry = join(dir, 'node_modules', 'temporal-ferry', 'bin', 'ferry.js');
  const ferryWorker = spawn(process.execPath, [ferry, 'worker'], { cwd: dir, env, stdio: 'ignore' });
  const worker = spawn(process.execPath, ['out/worker.js'], { cwd: dir, env, stdio: 'ignore' });
  onTestFinished(() => {
    for (const program of [ferryWorker, worker]) program.kill('SIGKILL');
  });
  const placed = async (): Promise<string[]> =>
    (await run(process.execPath, ['out/main.js'], { cwd: dir, env })).trim().split('\n');
  await run(process.execPath, [ferry, 'route', 'acme', '--to', 'cloud'], { cwd: dir, env });
  expect(await placed()).toEqual(['processed 4711', expect.stringMatching(/^UnknownTenant: .*"typo".*ferry route/)]);

  worker.kill('SIGTERM');
  expect(await once(worker, 'exit')).toEqual([0, null]);
});
