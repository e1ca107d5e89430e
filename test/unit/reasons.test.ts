import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { REASON_CODES } from '../../src/reasons.ts';

test('the runbook says of every reason what to do, and of no other', async () => {
  const runbook = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const tables = runbook
    .split('\n## ')
    .filter((section) => /^(Preflight|Copy and hand-over|Single steps):/.test(section));
  const rows = tables.flatMap((section) => [...section.matchAll(/^\| `([a-z-]+)` \|/gm)]);
  expect(rows.map(([, code]) => code ?? '').toSorted()).toEqual([...REASON_CODES].toSorted());
});
