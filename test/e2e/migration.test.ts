import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type World, createWorld, expectExactlyOnce, nowSeconds, resultIsClean } from '../support/world.ts';

let world: World;

beforeAll(async () => {
  world = await createWorld(['acme', 'globex']);
});

afterAll(async () => {
  await world?.stop();
});

test('a tenant with live schedules moves there and back, and every time runs exactly once', async () => {
  const plan = await world.load('acme', 22);
  const neighbour = await world.load('globex', 11);
  const ferry = await world.ferry();
  const from = nowSeconds() + 3;
  await waitFor({ what: 'the load to run' }, async () => nowSeconds() > from + 4);

  const there = await world.migrate('migrate/acme', { tenant: 'acme', workflows: 'none', bake: '5 seconds' });
  const moved = await there.result();
  expect(moved).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
  expect(resultIsClean(moved)).toBe(true);
  expect(moved.schedules).toMatchObject({ handedOver: 22, failed: 0 });
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted'] });

  const again = await world.migrate('again/acme', { tenant: 'acme', workflows: 'none', bake: '0' });
  const refused: unknown = await again.result().catch((error: unknown) => error);
  expect(refused).toMatchObject({ cause: { type: 'PreflightFailed' } });
  expect(refused).toMatchObject({
    cause: { message: expect.stringContaining('all its 22 schedules run on selfhosted already') },
  });

  const back = await world.migrate('migrate/acme', {
    tenant: 'acme',
    workflows: 'none',
    from: 'selfhosted',
    to: 'cloud',
    bake: '0',
  });
  const returned = await back.result();
  expect(returned).toMatchObject({ outcome: 'completed', owner: 'cloud' });
  expect(resultIsClean(returned)).toBe(true);
  await waitFor({ what: 'cloud to run on' }, async () => Date.now() > Date.parse(returned.finishedAt) + 5_000);
  await expectExactlyOnce(world, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
  await expectExactlyOnce(world, neighbour, { from, path: ['cloud'] });
  await ferry.stop();
});
