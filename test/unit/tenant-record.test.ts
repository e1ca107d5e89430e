import { describe, expect, test } from 'vitest';
import { refuseRoute } from '../../src/workflows/route-request.ts';
import {
  announceRoute,
  claim,
  type ClaimRequest,
  drainedRoute,
  holderText,
  newRecord,
  recordOwner,
  release,
  type TenantRecord,
} from '../../src/workflows/tenant-record.ts';

const at = '2026-11-22T16:00:00.000Z';
const first = { migration: 'm1', runId: 'r1', from: 'cloud', to: 'selfhosted' };
const second = { migration: 'm2', runId: 'r2', from: 'selfhosted', to: 'cloud' };

function claimed(request: ClaimRequest = first, record = newRecord('acme')): TenantRecord {
  const [next, answer] = claim(record, request, at);
  expect(answer.granted).toBe(true);
  return next;
}

describe('one migration of a tenant at a time', () => {
  test('a second migration is refused and told which one holds the tenant', () => {
    const record = claimed();
    const [next, answer] = claim(record, second, at);
    expect(answer).toMatchObject({ granted: false, holder: { migration: 'm1', runId: 'r1' } });
    expect(next).toBe(record);
  });

  test('a claim whose answer was lost is granted again, and leaves one line of history', () => {
    const record = claimed();
    const [next, answer] = claim(record, first, 'later');
    expect(answer).toEqual({ granted: true, owner: null, tookOverFrom: null });
    expect(next).toBe(record);
  });

  test('the same workflow id started anew is another migration', () => {
    expect(claim(claimed(), { ...first, runId: 'r9' }, at)[1].granted).toBe(false);
  });

  test('a holder found dead is replaced, and only that one', () => {
    const record = claimed();
    expect(claim(record, { ...second, takeOverFrom: 'r0' }, at)[1].granted).toBe(false);
    const [next, answer] = claim(record, { ...second, takeOverFrom: 'r1' }, at);
    expect(answer).toEqual({ granted: true, owner: null, tookOverFrom: 'm1' });
    expect(next.lock).toMatchObject({ migration: 'm2', runId: 'r2', tookOverFrom: 'm1' });
    expect(next.history.at(-1)?.event).toContain('taken over from m1 (run r1)');
    // The first try may have gone through, and its answer been lost.
    expect(claim(next, { ...second, takeOverFrom: 'r1' }, at)[1]).toEqual(answer);
  });

  test('a late release of a migration that was replaced does not open the door behind its successor', () => {
    const record = claimed(second);
    const [next, released] = release(record, { ...first, event: 'late' }, at);
    expect(released).toBe(false);
    expect(next).toBe(record);
  });

  test('a release frees the tenant, once', () => {
    const [free, released] = release(claimed(), { ...first, event: 'done' }, at);
    expect(released).toBe(true);
    expect(free.lock).toBeNull();
    expect(release(free, { ...first, event: 'done' }, at)).toEqual([free, false]);
    expect(claim(free, second, at)[1].granted).toBe(true);
  });
});

describe('what an interrupted migration left behind is not forgotten', () => {
  test('until somebody settles who owns the tenant, every later claim hears of it', () => {
    const [taken] = claim(claimed(), { ...second, takeOverFrom: 'r1' }, at);
    const [free] = release(taken, { ...second, event: 'failed in preflight' }, at);
    const third = { ...first, migration: 'm3', runId: 'r3' };
    const [again, answer] = claim(free, third, at);
    expect(answer).toMatchObject({ granted: true, tookOverFrom: 'm1' });
    const [settled, recorded] = recordOwner(again, { ...third, owner: 'selfhosted', event: 'handed over' }, at);
    expect(recorded).toBe(true);
    expect(settled).toMatchObject({ owner: 'selfhosted', interrupted: null, lock: { tookOverFrom: null } });
    const [done] = release(settled, { ...third, event: 'completed' }, at);
    expect(claim(done, second, at)[1]).toEqual({ granted: true, owner: 'selfhosted', tookOverFrom: null });
  });
});

describe('the owner', () => {
  test('cannot be written by a migration that does not hold the tenant', () => {
    const record = claimed();
    expect(recordOwner(record, { ...second, owner: 'cloud', event: 'x' }, at)).toEqual([record, false]);
  });

  test('can be written when the record has been created anew meanwhile', () => {
    const [next, recorded] = recordOwner(newRecord('acme'), { ...first, owner: 'selfhosted', event: 'x' }, at);
    expect(recorded).toBe(true);
    expect(next.owner).toBe('selfhosted');
  });

  test('written twice leaves one line of history', () => {
    const [once] = recordOwner(claimed(), { ...first, owner: 'selfhosted', event: 'handed over' }, at);
    const [twice] = recordOwner(once, { ...first, owner: 'selfhosted', event: 'handed over' }, 'later');
    expect(twice).toBe(once);
  });
});

describe('the route', () => {
  const to = { cluster: 'selfhosted', split: null };
  const here = { cluster: 'cloud', split: null };
  const T = '2026-11-22T16:00:25.000Z';

  test('of a tenant nobody has migrated is registered at once', () => {
    const [next, answer] = announceRoute(newRecord('acme'), { to: here, event: 'start on cloud' }, at);
    expect(answer).toEqual({ changed: true, route: { to: here, from: null, at: null, undrained: [] } });
    expect(next.route).toEqual({ to: here, from: null, at: null, undrained: [] });
    expect(next.history.at(-1)).toEqual({ at, migration: 'an operator', event: 'start on cloud' });
  });

  test('changes at T for who holds the tenant, from where its owner is', () => {
    const [owned] = recordOwner(claimed(), { ...first, owner: 'cloud', event: 'x' }, at);
    const [next, answer] = announceRoute(owned, { ...first, to, event: 'start on selfhosted' }, at);
    expect(answer).toEqual({ changed: true, route: { to, from: here, at: T, undrained: ['cloud'] } });
    expect(next.history.at(-1)).toMatchObject({ migration: 'm1' });
  });

  test('asked again after a lost answer it has the same T, and leaves one line of history', () => {
    const request = { ...first, current: 'cloud', to, event: 'start on selfhosted' };
    const [once] = announceRoute(claimed(), request, at);
    const [twice, answer] = announceRoute(once, request, '2026-11-22T16:00:02.000Z');
    expect(twice).toBe(once);
    expect(answer).toMatchObject({ changed: false, route: { at: T } });
  });

  test('is not called off before its T and the hold have passed', () => {
    const [going] = announceRoute(claimed(), { ...first, current: 'cloud', to, event: 'there' }, at);
    const back = { ...first, to: here, event: 'back' };
    expect(announceRoute(going, back, '2026-11-22T16:00:05.000Z')).toEqual([
      going,
      { notBefore: '2026-11-22T16:00:28.000Z' },
    ]);
    const [, answer] = announceRoute(going, back, '2026-11-22T16:00:28.000Z');
    expect(answer).toMatchObject({ changed: true, route: { to: here, from: to, undrained: ['cloud', 'selfhosted'] } });
  });

  test('belongs to the migration that holds the tenant, and to nobody else', () => {
    const record = claimed();
    const held = { held: record.lock };
    expect(announceRoute(record, { to, event: 'x' }, at)).toEqual([record, held]);
    expect(announceRoute(record, { ...second, to, event: 'x' }, at)).toEqual([record, held]);
    expect(drainedRoute(record, { cluster: 'cloud', event: 'x' }, at)).toEqual([record, held]);
  });

  test('an operator may say that a cluster is drained beside a migration, once the change is through', () => {
    const [going] = announceRoute(claimed(), { ...first, current: 'cloud', to, event: 'there' }, at);
    const request = { cluster: 'cloud', event: 'cloud is gone for good' };
    const notBefore = '2026-11-22T16:00:28.000Z';
    expect(drainedRoute(going, request, '2026-11-22T16:00:27.999Z')).toEqual([going, { notBefore }]);
    const [next, answer] = drainedRoute(going, request, '2026-11-22T16:00:28.000Z');
    expect(answer).toMatchObject({ route: { to, undrained: [] } });
    expect(next.lock).toEqual(going.lock);
    expect(next.history.at(-1)).toMatchObject({ migration: 'an operator', event: 'cloud is gone for good' });
  });

  test('a drained cluster is asked first no longer; said twice it leaves one line of history', () => {
    const [going] = announceRoute(claimed(), { ...first, current: 'cloud', to, event: 'there' }, at);
    const request = { ...first, cluster: 'cloud', event: 'cloud is drained' };
    const later = '2026-11-22T16:00:28.000Z';
    // Until then workflows start there, whoever asks, and also where no migration holds the tenant.
    for (const record of [going, { ...going, lock: null }]) {
      expect(drainedRoute(record, request, at)).toEqual([record, { notBefore: later }]);
    }
    const [next, answer] = drainedRoute(going, request, later);
    expect(answer).toMatchObject({ route: { to, undrained: [] } });
    expect(next.history.at(-1)?.event).toBe('cloud is drained');
    expect(drainedRoute(next, request, later)[0]).toBe(next);
    expect(drainedRoute(newRecord('acme'), request, at)[1]).toEqual({ route: null });
  });

  test.each([
    ['nothing', undefined],
    ['no destination', { event: 'x' }],
    ['a destination that is a name', { to: 'cloud', event: 'x' }],
    ['no split', { to: { cluster: 'cloud' }, event: 'x' }],
    ['a split of everything', { to: { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 100 } }, event: 'x' }],
    ['a split with itself', { to: { cluster: 'cloud', split: { cluster: 'cloud', percent: 5 } }, event: 'x' }],
    ['a profile that is none', { to: { cluster: 'my cloud', split: null }, event: 'x' }],
    ['no event', { to: here }],
    ['an empty migration', { to: here, event: 'x', migration: '' }],
  ])('a request with %s is refused', (_what, request) => {
    expect(refuseRoute(request)).toMatch(/It takes \{"to"/);
  });

  test('a request of a migration, and of an operator, are taken', () => {
    expect(refuseRoute({ ...first, current: 'cloud', to, event: 'x' })).toBeNull();
    const split = { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 20 } };
    expect(refuseRoute({ to: split, event: 'x' })).toBeNull();
  });
});

test('the history stays bounded, so that it can be carried through continue-as-new', () => {
  let record = newRecord('acme');
  for (let n = 0; n < 500; n++) {
    [record] = claim(record, first, at);
    [record] = release(record, { ...first, event: `end ${n}` }, at);
  }
  expect(record.history).toHaveLength(200);
  expect(record.history.at(-1)?.event).toBe('end 499');
});

describe('a single step holds the tenant too, and hands nothing over', () => {
  const step = { migration: 'pause', runId: 's1', from: 'cloud', to: 'cloud', step: 'PauseSchedules' } as const;

  test('it and a migration refuse each other, and the holder says what it is', () => {
    const held = claimed(step);
    expect(claim(held, first, at)[1]).toMatchObject({ granted: false, holder: { step: 'PauseSchedules' } });
    if (!held.lock) throw new Error('no lock');
    expect(holderText(held.lock)).toBe('PauseSchedules pause (on cloud)');
    expect(held.history.at(-1)?.event).toBe('claimed for PauseSchedules on cloud');
    expect(claim(claimed(), step, at)[1]).toMatchObject({ granted: false, holder: { migration: 'm1' } });
  });

  test('one that was cut off is no migration to go on with', () => {
    const [record, answer] = claim(claimed(step), { ...second, takeOverFrom: 's1' }, at);
    expect(answer).toEqual({ granted: true, owner: null, tookOverFrom: null });
    expect(record).toMatchObject({ interrupted: null, lock: { migration: 'm2', tookOverFrom: null } });
    expect(record.lock).not.toHaveProperty('step');
    expect(record.history.at(-1)?.event).toContain('taken over from pause (run s1)');
  });

  test('a migration that was cut off before it is still to be gone on with, whatever becomes of the step', () => {
    const [taken, answer] = claim(claimed(), { ...step, takeOverFrom: 'r1' }, at);
    expect(answer).toMatchObject({ tookOverFrom: 'm1' });
    expect(taken.interrupted).toBe('m1');
    // It ended.
    const [ended] = release(taken, { ...step, event: 'done' }, at);
    expect(claim(ended, second, at)[1]).toMatchObject({ tookOverFrom: 'm1' });
    // It was cut off as well.
    const [next, after] = claim(taken, { ...second, takeOverFrom: 's1' }, at);
    expect(after).toMatchObject({ tookOverFrom: 'm1' });
    expect(next.interrupted).toBe('m1');
    // The record was terminated too, and began anew with what it had published.
    const { owner, route, lock } = taken;
    const anew = { ...newRecord('acme'), owner, route, lock };
    expect(claim(anew, { ...second, takeOverFrom: 's1' }, at)[1]).toMatchObject({ tookOverFrom: 'm1' });
  });
});
