import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeTenant } from './fake-tenant.ts';
import { type Harness, startHarness } from './harness.ts';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

describe('the way through', () => {
  test('a migration with a bake of 24 hours completes with every schedule on the target', async () => {
    await harness.play(
      new FakeTenant(40),
      async ({ start, fake, record, tenant }) => {
        const handle = await start({ bake: '24 hours' });
        const result = await handle.result();
        expect(result).toMatchObject({
          tenant,
          outcome: 'completed',
          owner: 'selfhosted',
          schedules: { total: 40, copied: 40, verified: 40, handedOver: 40, failed: 0 },
          audit: { runs: 40, duplicates: 0, missed: 0, wrongSide: 0 },
        });
        expect(fake.ownedBy('selfhosted')).toBe(40);
        expect(Date.parse(result.finishedAt) - Date.parse(result.startedAt)).toBeGreaterThanOrEqual(24 * 3600_000);
        expect(await record()).toMatchObject({ owner: 'selfhosted', lock: null, interrupted: null });
      },
      { recordAs: 'completed' },
    );
  });
});
