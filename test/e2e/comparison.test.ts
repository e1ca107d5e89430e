import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectProfile } from '../../scripts/lib/profiles.ts';
import { type Stack, startStack } from '../../scripts/lib/stack.ts';
import { quietRuntime } from '../../scripts/lib/user-worker.ts';
import { main } from '../../src/cli/main.ts';
import type { Comparison } from '../../src/comparison/types.ts';
import { runWorkers } from '../../src/services/run-workers.ts';

const workflowsPath = fileURLToPath(new URL('../support/napping-workflows.ts', import.meta.url));
const TenantId = defineSearchAttributeKey('TenantId', 'KEYWORD');

let stack: Stack;
const undo: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  quietRuntime();
  stack = await startStack();
  undo.push(stack.stop);
});

afterAll(async () => {
  for (let step = undo.pop(); step; step = undo.pop()) await step();
});

async function ferry(...args: string[]) {
  const said = { out: [] as string[], err: [] as string[] };
  const env = { ...process.env, TEMPORAL_CONFIG_FILE: stack.configFile };
  const code = await main(args, env, { out: (text) => said.out.push(text), err: (text) => said.err.push(text) });
  return { code, out: said.out.join('\n'), err: said.err.join('\n') };
}

test('ferry compare tells what each cluster ran', async () => {
  const { configFile } = stack;
  const activities = { nap: (ms: number) => delay(ms, 'rested') };
  const workers = runWorkers({ configFile, taskQueue: 'compared', workflowsPath, activities });
  undo.push(workers.shutdown);
  const start = async (profile: string, type: string, count: number, ms: number): Promise<void> => {
    const { connection, namespace } = await connectProfile(profile, configFile);
    const client = new Client({ connection, namespace });
    const typedSearchAttributes = new TypedSearchAttributes([{ key: TenantId, value: 'acme' }]);
    const ids = Array.from({ length: count }, (_, index) => `${type}-${profile}-${index}`);
    const options = { taskQueue: 'compared', typedSearchAttributes, args: [ms] };
    const started = await Promise.all(ids.map((workflowId) => client.workflow.start(type, { ...options, workflowId })));
    await Promise.allSettled(started.map((handle) => handle.result()));
    await connection.close();
  };
  await start('cloud', 'napping', 12, 10);
  await start('selfhosted', 'napping', 8, 1_500);
  await start('selfhosted', 'failing', 2, 0);
  expect((await ferry('compare', 'nobody')).err).toMatch(
    /No run was found on cloud or selfhosted for TenantId = 'nobody'/,
  );
  // What has only just started is left out.
  await delay(32_000);

  const { code, out } = await ferry('compare', 'acme', '--json');
  expect(code).toBe(0);
  const { types }: Comparison = JSON.parse(out);
  expect(types).toMatchObject({
    napping: {
      cloud: { runs: 12, byStatus: { Completed: 12 }, failureRate: 0, durationMs: { read: 12 } },
      selfhosted: { runs: 8, byStatus: { Completed: 8 }, failureRate: 0, durationMs: { read: 8 } },
    },
    failing: {
      cloud: { runs: 0, failureRate: null },
      selfhosted: { runs: 2, byStatus: { Failed: 2 }, failureRate: 1 },
    },
  });
  expect(types.napping?.selfhosted?.durationMs.p50).toBeGreaterThan(1_500);
  const one = await ferry('compare', 'acme', '--type', 'failing');
  expect(one.out).toMatch(/failing\n +runs +failed .*\n +cloud +0 +0 +- .*\n +selfhosted +2 +2 +100\.00 %/);
  expect(one.out).not.toMatch('napping');
});
