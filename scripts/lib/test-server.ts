/**
 * The time-skipping test server, for workflow tests:
 *
 *     TestWorkflowEnvironment.createTimeSkipping({ server: await testServer() })
 *
 * The SDK downloads a native build by itself, but only from a host of its own. Where that is out of reach, the same
 * server comes from Maven and runs on the JVM.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TimeSkippingTestWorkflowEnvironmentOptions } from '@temporalio/testing';
import { cached, exists, findOnPath } from './cache.ts';
import { messageOf } from './errors.ts';
import { mavenJars } from './maven.ts';

const version = '1.38.0';

// Serial collector and first-tier compiler: it lives for seconds and shares the machine with the tests.
const wrapper = `#!/bin/sh
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$(dirname "$0")/lib/*" io.temporal.testserver.TestServer "$@"
`;

/** For `existing-path`; `undefined` leaves it to the SDK's own download. */
export async function testServerPath(): Promise<string | undefined> {
  const given = process.env.TEMPORAL_TEST_SERVER_PATH;
  if (given) {
    if (!(await exists(given))) throw new Error(`TEMPORAL_TEST_SERVER_PATH is ${given}, and nothing is there`);
    return given;
  }
  if (!(await findOnPath('java'))) return undefined;
  try {
    return await cached(`test-server-${version}/temporal-test-server`, make);
  } catch (error) {
    // Not the end: the SDK may still reach its download. Said aloud, because if it cannot, this is the reason to fix.
    console.error(`The time-skipping server could not be had from Maven: ${messageOf(error)}`);
    return undefined;
  }
}

/** The `server` option of `TestWorkflowEnvironment.createTimeSkipping`. */
export async function testServer(): Promise<TimeSkippingTestWorkflowEnvironmentOptions['server']> {
  const path = await testServerPath();
  return path ? { executable: { type: 'existing-path', path } } : undefined;
}

async function make(dir: string): Promise<void> {
  await mavenJars({ groupId: 'io.temporal', artifactId: 'temporal-test-server', version }, join(dir, 'lib'));
  const script = join(dir, 'temporal-test-server');
  await writeFile(script, wrapper);
  await chmod(script, 0o755);
}
