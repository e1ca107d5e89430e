import { readdir, readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows, historiesDir } from './harness.ts';

/**
 * Histories recorded by earlier versions, named `<version>-<scenario>.json.gz`. Today's workflow code must make of them
 * what the code that recorded them did; a change that cannot needs a patch (`src/workflows/patches.ts`).
 *
 * To record: `FERRY_RECORD=1 npm run test:workflows`. Never re-record a version that was released.
 */
const files = (await readdir(historiesDir)).filter((file) => file.endsWith('.json.gz')).toSorted();

describe('a migration started by an earlier version goes on under this one', () => {
  let workflowBundle: Awaited<ReturnType<typeof bundleWorkflows>>;
  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    workflowBundle = await bundleWorkflows();
  });

  test('there are histories to replay', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(files)('%s', async (file) => {
    const history = historyFromJSON(JSON.parse(gunzipSync(await readFile(new URL(file, historiesDir))).toString()));
    await Worker.runReplayHistory({ workflowBundle }, history, 'migrate/recorded');
  });
});
