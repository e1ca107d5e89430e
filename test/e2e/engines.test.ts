import { afterEach, describe, expect, test } from 'vitest';
import type { Engine } from '../../scripts/lib/stack.ts';
import { waitFor } from '../../scripts/lib/wait.ts';
import { type World, createWorld, expectExactlyOnce, nowSeconds, resultIsClean } from '../support/world.ts';

let world: World | undefined;

afterEach(async () => {
  await world?.stop();
  world = undefined;
});

const engineOf = (server: Engine) => (server === 'v2' ? 'v2' : 'v1');

/**
 * `dev` is server 1.29.1 with V1, `v1` and `v2` are a real temporal-server 1.32.1. V1 to V1 of the same version is in
 * migration.test.ts. V2 drops what is due around every write, and a pause there does not stop what is under way.
 */
describe.each<[from: Engine, to: Engine]>([
  ['dev', 'v2'],
  ['v2', 'dev'],
  ['v2', 'v2'],
  ['dev', 'v1'],
])('from %s to %s', (cloud, selfhosted) => {
  test('a tenant with live schedules moves there and back', { timeout: 600_000 }, async () => {
    const here = await createWorld(['mixed'], { cloud, selfhosted });
    world = here;
    const plan = await here.load('mixed', 20);
    const ferry = await here.ferry();
    const from = nowSeconds() + 3;
    await waitFor({ what: 'the load to run' }, async () => nowSeconds() > from + 3);

    const there = await (
      await here.migrate('migrate/mixed', { tenant: 'mixed', workflows: 'none', bake: '0' })
    ).result();
    expect(there).toMatchObject({ outcome: 'completed', owner: 'selfhosted' });
    expect(resultIsClean(there)).toBe(true);

    const input = { tenant: 'mixed', workflows: 'none', from: 'selfhosted', to: 'cloud', bake: '0' };
    const planned = await (await here.migrate('plan/mixed', { ...input, dryRun: true })).result();
    expect(planned.plan?.facts).toMatchObject({
      from: { engine: engineOf(selfhosted) },
      to: { engine: engineOf(cloud) },
    });

    const back = await (await here.migrate('migrate/mixed', input)).result();
    expect(back).toMatchObject({ outcome: 'completed', owner: 'cloud' });
    expect(resultIsClean(back)).toBe(true);
    await waitFor({ what: 'cloud to run on' }, async () => Date.now() > Date.parse(back.finishedAt) + 4_000);
    await expectExactlyOnce(here, plan, { from, path: ['cloud', 'selfhosted', 'cloud'] });
    await ferry.stop();
  });
});
