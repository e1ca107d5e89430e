import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type World, createWorld, expectExactlyOnce, nowSeconds, resultIsClean } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(['mixed'], { selfhosted: 'v2' });
});

afterAll(async () => {
  await world?.stop();
});

/** V2 drops what is due around every write, and a pause there does not stop what is under way. */
test('a tenant moves from the V1 to the V2 scheduler of a real temporal-server and back', async () => {
  const plan = await world.load('mixed', 20);
  const ferry = await world.ferry();
  const from = nowSeconds() + 3;
  await waitFor({ what: 'the load to run' }, async () => nowSeconds() > from + 3);

  const there = await (await world.migrate('migrate/mixed', { tenant: 'mixed', bake: '0' })).result();
  expect(there).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  expect(resultIsClean(there)).toBe(true);

  const input = { tenant: 'mixed', from: 'selfhosted', to: 'cloud', bake: '0' };
  const plannedHandle = await world.migrate('plan/mixed', { ...input, dryRun: true });
  const planned = await plannedHandle.result();
  expect(planned.plan?.facts).toMatchObject({ from: { engine: 'v2' }, to: { engine: 'v1' } });

  const back = await (await world.migrate('migrate/mixed', input)).result();
  expect(back).toMatchObject({ outcome: 'completed', owner: 'cloud' });
  expect(resultIsClean(back)).toBe(true);
  await waitFor({ what: 'cloud to run on' }, async () => Date.now() > Date.parse(back.finishedAt) + 4_000);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
  await ferry.stop();
});
