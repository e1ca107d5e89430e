import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_DETAILS_BYTES } from '../../../src/workflows/details.ts';
import { countsText, rolloutDetails } from '../../../src/workflows/rollout/details.ts';
import { readRolloutInput } from '../../../src/workflows/rollout/input.ts';
import { type Overview, overviewOf } from '../../../src/workflows/rollout/overview.ts';
import { newState } from '../../../src/workflows/rollout/state.ts';

const at = '2026-11-28T08:00:00.000Z';
const settings = readRolloutInput([{ waves: [{ name: 'eu', tenants: ['acme'] }] }]);
const overview = (more: Partial<Overview>): Overview => ({ ...overviewOf(newState(at), settings, at), ...more });

test('say where it stands, what it waits for, what went wrong and what to send, at a glance', () => {
  const text = rolloutDetails(
    'rollout/2026-11',
    overview({
      phase: 'stopped',
      wave: { name: 'eu', number: 2, of: 3 },
      total: 6,
      tenants: { done: 3, 'turned-back': 1, running: 1, waiting: 1 },
      waitingFor: 'acme is turned-back (p95): `proceed` goes on with the rest',
      accepts: ['rollback', 'pause', 'proceed', 'skip'],
      running: [{ tenant: 'globex', status: 'running', phase: 'settling', waits: '`proceed`' }],
      wrong: [{ tenant: 'acme', status: 'turned-back', why: 'p95' }],
      waves: [{ name: 'eu', total: 6, tenants: { done: 3 } }],
    }),
  );
  expect(text).toContain('STOPPED');
  expect(text).toContain(
    '**cloud → selfhosted**, wave 2 of 3 (eu), 6 tenants: 3 done, 1 running, 1 waiting, 1 turned-back',
  );
  expect(text).toContain('**Waits for:** acme is turned-back (p95)');
  expect(text).toContain('**Went wrong**\n- acme, turned-back: p95');
  expect(text).toContain('**Running**\n- globex, settling: waits for `proceed`');
  expect(text).toContain(
    'signal or update `proceed` goes on; signal or update `skip` leaves a tenant out: {"tenant": "…"}',
  );
  expect(text).toContain('| 1 eu | 6 | 3 done |');
  expect(countsText({})).toBe('not known yet');
});

test('stay under the limit of proxies, whatever users write and however many there are', () => {
  const nasty = fc.string({ unit: 'binary', maxLength: 500 });
  fc.assert(
    fc.property(nasty, fc.array(nasty, { maxLength: 50 }), (text, many) => {
      const details = rolloutDetails(
        text,
        overview({
          waitingFor: text,
          running: many.map((tenant) => ({ tenant, status: 'running', waits: text })),
          wrong: many.slice(0, 20).map((tenant) => ({ tenant, status: 'failed', why: text })),
          waves: many.map((name) => ({ name, total: 1, tenants: { done: 1 } })),
          notes: many.slice(0, 20),
        }),
      );
      expect(Buffer.byteLength(details)).toBeLessThanOrEqual(MAX_DETAILS_BYTES);
    }),
    { numRuns: 50 },
  );
});
