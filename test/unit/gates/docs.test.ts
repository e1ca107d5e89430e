import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { LEDGER_FIGURES, PERCENTILES, PRESETS, QUEUE_FIGURES, SCHEDULE_FIGURES } from '../../../src/gates/measures.ts';
import { readMigrateTenantInput } from '../../../src/workflows/input.ts';

const page = await readFile(new URL('../../../docs/gates.md', import.meta.url), 'utf8');

test('what the page shows is accepted as it stands', () => {
  const [, json = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
  const { gates } = readMigrateTenantInput([JSON.parse(json)]);
  expect(gates?.checks.map(({ measure }) => measure.kind)).toEqual([
    'workflow-failures',
    'schedule-health',
    'task-queues',
    'prometheus',
  ]);
});

test('the page names all there is to choose from', () => {
  const names = [...PRESETS, ...SCHEDULE_FIGURES, ...QUEUE_FIGURES, ...PERCENTILES, 'lateness'];
  expect(names.filter((name) => !page.includes(`\`${name}\``) && !page.includes(`\`"${name}"\``))).toEqual([]);
  expect(LEDGER_FIGURES.filter((name) => !page.includes(name))).toEqual([]);
});
