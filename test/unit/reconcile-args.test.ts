import { expect, test } from 'vitest';
import { readArguments } from '../../src/cli/args.ts';
import { readReconcileInput } from '../../src/workflows/reconcile-input.ts';

test('ferry reconcile: defaults, a selection, and an id of its own', () => {
  expect(readArguments(['reconcile', 'acme'])).toEqual({
    do: 'reconcile',
    input: { tenant: 'acme' },
    workflowId: 'reconcile/acme',
    json: false,
  });
  const some = ['reconcile', 'acme', '--prefix', 'acme-', '--page-size', '20', '--workflow-id', 'mine', '--json'];
  expect(readArguments(some)).toEqual({
    do: 'reconcile',
    input: { tenant: 'acme', schedules: { prefix: 'acme-' }, pageSize: 20 },
    workflowId: 'mine',
    json: true,
  });
});

test('what the workflow would refuse is refused before anything is sent', () => {
  const refused = (...args: string[]) => expect(() => readArguments(['reconcile', ...args]));
  refused().toThrow(/came without the name of a tenant/);
  refused('acme', '--prefix', 'a', '--all-schedules').toThrow(
    '--prefix and --all-schedules are given; which schedules are meant is said by one of them.',
  );
  refused('acme', '--page-size', 'many').toThrow(/pageSize/);
  refused('acme', '--from', 'selfhosted').toThrow(/to/);
  expect(() => readReconcileInput([{ tenant: 'acme', schedule: 'all' }])).toThrow(/schedule/);
});
