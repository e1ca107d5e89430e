/** Which schedules are meant: said the same way to every command that takes some of a tenant's. Pure. */
import { usage } from './exit.ts';
import type { Given, Kind } from './options.ts';

export const selectionOptions = {
  schedules: 'text',
  prefix: 'text',
  'all-schedules': 'flag',
} as const satisfies Record<string, Kind>;

/** As the workflows' inputs take it; undefined: nothing is said, and they have a default. */
export function readSelection(
  topic: string,
  given: Given<keyof typeof selectionOptions>,
): string | { prefix: string } | { all: true } | undefined {
  const query = given.text('schedules');
  const prefix = given.text('prefix');
  const all = given.flag('all-schedules');
  const found = [
    ...(query === undefined ? [] : ['--schedules']),
    ...(prefix === undefined ? [] : ['--prefix']),
    ...(all ? ['--all-schedules'] : []),
  ];
  if (found.length > 1) {
    throw usage(`${found.join(' and ')} are given; which schedules are meant is said by one of them.`, topic);
  }
  if (prefix !== undefined) return { prefix };
  return all ? { all } : query;
}
