import fc from 'fast-check';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { recordOperation } from '../../../src/clusters/record-operation.ts';
import {
  type Change,
  type Destination,
  type Route,
  ANSWER_MS,
  HOLD_AFTER_MS,
  HOLD_BEFORE_MS,
  LEAD_MS,
  LEASE_MS,
  RECORD_MS,
  announce,
  clusterOf,
  clustersOf,
  destinationAt,
  drained,
  eraAt,
  openOn,
  startAt,
} from '../../../src/routes/route.ts';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const to = (cluster: string, split: Destination['split'] = null): Destination => ({ cluster, split });
const changed = (change: Change): Route => {
  if (!('route' in change)) throw new Error(`not changed: ${JSON.stringify(change)}`);
  return change.route;
};
const flip = (): Route => changed(announce(null, 'cloud', to('selfhosted'), NOW));
const T = NOW + LEAD_MS;

describe('a change of route', () => {
  test('is further away than every reader that has not heard of it can still be sending', () => {
    expect(LEAD_MS).toBeGreaterThanOrEqual(RECORD_MS + LEASE_MS + ANSWER_MS);
    expect(flip()).toEqual({
      to: to('selfhosted'),
      from: to('cloud'),
      at: new Date(T).toISOString(),
      undrained: ['cloud'],
    });
  });

  const operationOn = async (described: object | undefined) => {
    const describe = async (): Promise<object> => {
      if (described) return described;
      throw new WorkflowNotFoundError('there is none', 'tenant/acme', undefined);
    };
    const client = { workflow: { getHandle: () => ({ describe }) } } as unknown as Client;
    return (await recordOperation(client, 'acme', 'ferry')).startWorkflowOperation.options;
  };

  test('is dated by a task of the record that lasts no longer than is reckoned with', async () => {
    expect((await operationOn(undefined)).workflowTaskTimeout).toBe(RECORD_MS);
  });

  test('is known to a record that begins anew, from its first moment on', async () => {
    expect(await operationOn(undefined)).toMatchObject({ args: [{ tenant: 'acme' }] });
    expect(await operationOn(undefined)).not.toHaveProperty('memo');
    const memo = { owner: 'selfhosted', route: flip(), updatedAt: new Date(NOW).toISOString() };
    const seeded = await operationOn({ type: 'Tenant', memo });
    expect(seeded).toMatchObject({ memo, args: [{ tenant: 'acme', record: { ...memo, tenant: 'acme', lock: null } }] });
    // Somebody else's workflow, and a route that is none, are not believed.
    expect(await operationOn({ type: 'Other', memo })).toMatchObject({ args: [{ tenant: 'acme' }] });
    const bad = await operationOn({ type: 'Tenant', memo: { ...memo, route: { to: 'cloud' } } });
    expect(bad).toMatchObject({ args: [{ record: { owner: 'selfhosted', route: null } }] });
  });

  test('begins another stretch of time at T, and names none around it', () => {
    const eras = [NOW, T - 1, T, T + HOLD_AFTER_MS - 1, T + HOLD_AFTER_MS].map((now) => eraAt(flip(), now));
    expect(eras).toEqual([`before ${T}`, `before ${T}`, null, null, `since ${T}`]);
    const never: Route = { to: to('cloud'), from: null, at: null, undrained: [] };
    expect(eraAt(never, NOW)).toBe(eraAt(never, T));
    expect(eraAt(never, NOW)).not.toBeNull();
    // As of a flag: nobody says since when it is so.
    expect(eraAt({ ...never, undrained: ['selfhosted'] }, NOW)).toBeNull();
  });

  test.each([
    ['long before T: the old side, until T', NOW, { kind: 'send', cluster: 'cloud', others: [], withinMs: LEAD_MS }],
    [
      'just before the hold',
      T - HOLD_BEFORE_MS - 1,
      { kind: 'send', cluster: 'cloud', others: [], withinMs: HOLD_BEFORE_MS + 1 },
    ],
    ['the hold begins', T - HOLD_BEFORE_MS, { kind: 'hold', forMs: HOLD_BEFORE_MS + HOLD_AFTER_MS }],
    ['at T', T, { kind: 'hold', forMs: HOLD_AFTER_MS }],
    ['the end of the hold', T + HOLD_AFTER_MS - 1, { kind: 'hold', forMs: 1 }],
    [
      'after it: the new side, once the old one was asked',
      T + HOLD_AFTER_MS,
      { kind: 'send', cluster: 'selfhosted', others: ['cloud'], withinMs: null },
    ],
  ])('%s', (_when, now, start) => {
    expect(startAt(flip(), 'order-1', now)).toEqual(start);
  });

  test('takes effect for all else at T', () => {
    expect(destinationAt(flip(), T - 1)).toEqual(to('cloud'));
    expect(destinationAt(flip(), T)).toEqual(to('selfhosted'));
  });

  test('is not made again for the same destination, and waits for the one before', () => {
    const route = flip();
    expect(announce(route, 'cloud', to('selfhosted'), NOW + 1)).toEqual({ changed: false, route });
    const notBefore = new Date(T + HOLD_AFTER_MS).toISOString();
    expect(announce(route, 'cloud', to('cloud'), T + HOLD_AFTER_MS - 1)).toEqual({ notBefore });
    expect(announce(null, 'cloud', to('cloud'), NOW)).toEqual({
      changed: true,
      route: { to: to('cloud'), from: null, at: null, undrained: [] },
    });
  });

  test('back asks the side it goes back to until T: ids of before are open there', () => {
    const back = changed(announce(flip(), 'cloud', to('cloud'), T + HOLD_AFTER_MS));
    const before = startAt(back, 'order-1', T + HOLD_AFTER_MS + 1);
    expect(before).toMatchObject({ kind: 'send', cluster: 'selfhosted', others: ['cloud'] });
    const after = startAt(back, 'order-1', T + HOLD_AFTER_MS + LEAD_MS + HOLD_AFTER_MS);
    expect(after).toEqual({ kind: 'send', cluster: 'cloud', others: ['selfhosted'], withinMs: null });
    expect(startAt(drained(back, 'selfhosted'), 'order-1', Number.MAX_SAFE_INTEGER)).toMatchObject({ others: [] });
  });

  test('leaves closed workflows findable once the source is drained, and nothing open there', () => {
    const route = drained(flip(), 'cloud');
    expect(clustersOf(route)).toEqual(['selfhosted', 'cloud']);
    expect(openOn(route, T)).toEqual(['selfhosted', 'cloud']);
    expect(openOn(route, T + HOLD_AFTER_MS)).toEqual(['selfhosted']);
    expect(openOn(flip(), T + HOLD_AFTER_MS)).toEqual(['selfhosted', 'cloud']);
    expect(drained(route, 'cloud')).toBe(route);
  });

  test('whoever is told to send to one side after T, nobody is told to send to the other one around it', () => {
    const names = fc.constantFrom('a', 'b', 'c');
    const split = fc.option(fc.record({ cluster: names, percent: fc.double({ min: 0.1, max: 99.9, noNaN: true }) }), {
      nil: null,
    });
    const destinations = fc.array(fc.record({ cluster: names, split }), { minLength: 1, maxLength: 6 });
    const property = fc.property(
      destinations,
      fc.string(),
      fc.integer({ min: 0, max: LEAD_MS * 2 }),
      (steps, id, gap) => {
        let route: Route | null = null;
        let now = NOW;
        for (const step of steps) {
          const before: Route | null = route;
          const change = announce(route, 'a', step, now);
          route = changed(change);
          const at = route.at === null ? now : Date.parse(route.at);
          if (before !== null && 'changed' in change && change.changed) {
            // Who still has the route of before sends there until ANSWER_MS after its lease: no start is on the new side by then.
            const stale = startAt(before, id, at - 1);
            const fresh = startAt(route, id, at + HOLD_AFTER_MS);
            expect(startAt(route, id, at).kind === 'hold' || clusterOf(step, id) === clusterOf(before.to, id)).toBe(
              true,
            );
            // What may be open on any side a start was ever sent to is asked for.
            if (stale.kind === 'send' && fresh.kind === 'send' && stale.cluster !== fresh.cluster) {
              expect(fresh.others).toContain(stale.cluster);
            }
          }
          now = at + HOLD_AFTER_MS + gap;
        }
      },
    );
    fc.assert(property);
  });
});

describe('a split', () => {
  const half = to('cloud', { cluster: 'selfhosted', percent: 50 });

  test('is stable by id, and more percent only ever add ids', () => {
    const property = fc.property(fc.string(), fc.integer({ min: 1, max: 98 }), (id, percent) => {
      const at = (share: number) => clusterOf(to('cloud', { cluster: 'selfhosted', percent: share }), id);
      expect(at(percent)).toBe(at(percent));
      if (at(percent) === 'selfhosted') expect(at(percent + 1)).toBe('selfhosted');
    });
    fc.assert(property);
    expect(['order-1', 'order-2', 'order-3', 'order-4'].map((id) => clusterOf(half, id))).toMatchInlineSnapshot(`
      [
        "cloud",
        "selfhosted",
        "cloud",
        "cloud",
      ]
    `);
  });

  test.each([1, 10, 50, 90])('of %i percent takes that many of ids that differ in their end only', (percent) => {
    const split = to('cloud', { cluster: 'selfhosted', percent });
    const ids = Array.from({ length: 20_000 }, (_, i) => `order-${i}`);
    const share = (ids.filter((id) => clusterOf(split, id) === 'selfhosted').length / ids.length) * 100;
    expect(Math.abs(share - percent)).toBeLessThan(1);
  });

  test('holds only the ids that change sides', () => {
    const route = changed(announce({ to: to('cloud'), from: null, at: null, undrained: [] }, 'cloud', half, NOW));
    const ids = Array.from({ length: 1_000 }, (_, i) => `order-${i}`);
    const held = ids.filter((id) => startAt(route, id, T).kind === 'hold');
    expect(held).toEqual(ids.filter((id) => clusterOf(half, id) === 'selfhosted'));
    const [stays] = ids.filter((id) => !held.includes(id));
    expect(startAt(route, stays ?? '', T)).toEqual({ kind: 'send', cluster: 'cloud', others: [], withinMs: null });
  });
});
