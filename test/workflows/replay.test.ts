import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleWorkflows } from './harness.ts';
import { readHistory, recordedHistories } from './histories.ts';

/**
 * Histories recorded by earlier versions, named `<version>-<scenario>.json.gz`. Today's workflow code must make of them
 * what the code that recorded them did; a change that cannot needs a patch (`src/workflows/patches.ts`).
 *
 * To record: `FERRY_RECORD=1 npm run test:workflows`. Never re-record a version that was released.
 */
const files = await recordedHistories();

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
    await Worker.runReplayHistory({ workflowBundle }, await readHistory(file), 'migrate/recorded');
  });
});
