import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../../scripts/audit-scale.ts', import.meta.url));

/** 200,000 executions would take some 100 MB if they were kept; see `npm run audit-scale` for a million. */
test('200,000 executions are audited in a heap of 64 MB', { timeout: 120_000 }, async () => {
  const heap = ['--max-old-space-size=64', '--import', 'tsx'];
  const { stdout } = await promisify(execFile)(process.execPath, [...heap, script, '--executions', '200000']);
  const { executions, totals, expected }: { executions: number; totals: object; expected: object } = JSON.parse(stdout);
  expect(executions).toBe(200_000);
  expect(totals).toMatchObject(expected);
});
