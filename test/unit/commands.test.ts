import { describe, expect, test } from 'vitest';
import {
  acceptedCommands,
  acknowledge,
  type Moment,
  oddInput,
  readReason,
  refuseCommand,
} from '../../src/workflows/commands.ts';
import { type Command, newProgress, type Phase, type Progress } from '../../src/workflows/progress.ts';
import { readMigrateTenantInput } from '../../src/workflows/input.ts';

function progress(moment: Partial<Moment>, more: Partial<Progress> = {}): Progress {
  const full: Moment = { phase: 'copying', paused: false, gate: null, closed: false, ...moment };
  const base = newProgress(readMigrateTenantInput([{ tenant: 'acme' }]), '2026-11-22T16:00:00.000Z');
  return { ...base, phase: full.phase, paused: full.paused, accepts: acceptedCommands(full), ...more };
}

const forward: Phase[] = ['claiming', 'preflight', 'copying', 'verifying', 'cutting-over', 'settling'];
test.each(forward)('while %s it can be paused and rolled back, and waits for nobody', (phase) => {
  expect(progress({ phase }).accepts).toEqual(['rollback', 'pause']);
});

const refusals: [Command, Partial<Moment>, string][] = [
  ['proceed', {}, 'acme is copying and waits for nobody: there is nothing to proceed with.'],
  ['resume', {}, 'acme is not paused: there is nothing to resume.'],
  ['pause', { paused: true }, 'acme is paused already: `resume` goes on.'],
  [
    'rollback',
    { phase: 'completed' },
    'acme is completed on selfhosted: to go back, start MigrateTenant with "from": "selfhosted" and "to": "cloud".',
  ],
  ['proceed', { phase: 'completed' }, 'acme is completed on selfhosted: there is nothing to proceed with.'],
  ['rollback', { phase: 'rolled-back' }, 'acme is rolled-back: there is nothing to roll back.'],
  ['rollback', { phase: 'rolling-back', closed: true }, 'acme is rolling back to cloud already.'],
  [
    'pause',
    { phase: 'rolling-back', closed: true },
    'acme is rolling back to cloud, which is not interrupted: there is nothing to pause.',
  ],
  ['pause', { phase: 'baking', closed: true }, 'acme is just ending: it is too late to pause.'],
];
test.each(refusals)('%s at %j is refused in one plain sentence', (command, moment, sentence) => {
  expect(refuseCommand(command, progress(moment))).toBe(sentence);
});

test('a second rollback is told that the first is on its way', () => {
  expect(refuseCommand('rollback', progress({ closed: true }, { rollbackReason: 'x' }))).toBe(
    'acme turns back to cloud already.',
  );
});

test.each([
  ['rollback', {}],
  ['rollback', { paused: true }],
  ['rollback', { phase: 'awaiting-approval', gate: 'approval' }],
  ['proceed', { phase: 'awaiting-approval', gate: 'approval' }],
  ['proceed', { phase: 'baking', gate: 'bake' }],
  ['proceed', { phase: 'settling', gate: 'hold' }],
  ['proceed', { phase: 'rolling-back', gate: 'undo', closed: true }],
  ['resume', { phase: 'baking', gate: 'bake', paused: true }],
] as [Command, Partial<Moment>][])('%s at %j is taken', (command, moment) => {
  expect(refuseCommand(command, progress(moment))).toBeNull();
});

test('a `proceed` taken while paused says that it waits for `resume`', () => {
  const moment = { phase: 'awaiting-approval', gate: 'approval', paused: true } as const;
  expect(acknowledge('proceed', progress(moment))).toBe('acme proceeds once it is resumed.');
  expect(acknowledge('proceed', progress({ ...moment, paused: false }))).toBe('acme proceeds.');
});

test.each<[Command, unknown, string | null]>([
  ['pause', undefined, null],
  ['pause', null, null],
  ['pause', { reason: 'x' }, '`pause` came with an input, which it does not take'],
  ['rollback', { reason: 'x' }, null],
  ['rollback', ['x'], '`rollback` came with a list; it takes nothing or {"reason": "…"}, and is obeyed'],
])('%s with %j: the person who sent it hears what was not used', (command, argument, odd) => {
  expect(oddInput(command, argument)).toBe(odd);
});

describe('a rollback is obeyed whatever came with it', () => {
  test.each([
    [undefined, null, null],
    [null, null, null],
    [{ reason: 'slow' }, 'slow', null],
    ['slow', 'slow', null],
    [{ reason: '  two\n lines ' }, 'two lines', null],
    [{}, null, null],
    [42, null, 'a number'],
    [['x'], null, 'a list'],
    [{ reason: 7 }, null, 'a reason that is a number'],
    [{ raeson: 'x' }, null, 'an object with raeson'],
    [true, null, 'a boolean'],
  ])('%j', (argument, reason, odd) => {
    expect(readReason(argument)).toEqual({ reason, odd });
  });
});
