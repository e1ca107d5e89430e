/**
 * Random operations of two services on a tenant's schedules, beside a hand-over there and back, with lost answers, in
 * virtual time: both sides end equal, what was acknowledged is there, and what was refused never was.
 */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Dual, type DualCase, type Operation, type Step } from '../../../simulator/dual.ts';

const RUNS = Number(process.env['FERRY_DUAL_RUNS'] ?? 300);
const SEED = Number(process.env['FERRY_SIM_SEED'] ?? 20_261_127);

const on = (id: string, ...operations: Operation[]): fc.Arbitrary<Step> =>
  fc.record({
    id: fc.constant(id),
    does: fc.constantFrom(...operations),
    thenMs: fc.oneof(fc.nat(500), fc.nat(6_000)),
  });

const steps = fc.array(
  fc.oneof(
    on('t', 'update', 'pause', 'unpause', 'trigger', 'describe'),
    on('f', 'update', 'unpause', 'backfill', 'describe'),
    on('d', 'create', 'delete', 'update', 'pause', 'describe', 'create'),
  ),
  { minLength: 5, maxLength: 40 },
);

const engine = fc.constantFrom('v1' as const, 'v2' as const);

const cases = (lostPercent: fc.Arbitrary<number>): fc.Arbitrary<DualCase> =>
  fc.record({
    seed: fc.nat(),
    engines: fc.tuple(engine, engine),
    services: fc.tuple(steps, steps),
    moves: fc.array(fc.integer({ min: 500, max: 20_000 }), { minLength: 1, maxLength: 3 }),
    lostPercent,
    applyMs: fc.constantFrom(50, 300, 1_000),
  });

async function holds(it: DualCase): Promise<void> {
  const dual = new Dual(it);
  await dual.play();
  if (dual.wrong.length === 0) return;
  const again = new Dual(it, true);
  await again.play();
  expect.fail(`${dual.wrong.join('\n')}\n\n${again.world.told.join('\n')}`);
}

test.each([
  ['with every call answered', fc.constant(0)],
  ['with answers lost', fc.constantFrom(1, 3, 8)],
])('both sides end equal and as they were written, %s', { timeout: 600_000 }, async (_title, lost) => {
  await fc.assert(fc.asyncProperty(cases(lost), holds), {
    numRuns: RUNS,
    seed: SEED,
    endOnFailure: !process.env['FERRY_SHRINK'],
  });
});
