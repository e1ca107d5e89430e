import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Route, LEASE_MS } from '../../../src/routes/route.ts';
import { BadRoute, RouteUnavailable, UnknownTenant } from '../../../src/services/errors.ts';
import { readRoute } from '../../../src/routes/read-route.ts';
import { RouteReader, type RouteReaderOptions } from '../../../src/services/route-reader.ts';
import { FakeRecord, routeTo, settled, virtualTime } from '../../support/fake-services.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function reading(record: FakeRecord, more: Partial<RouteReaderOptions> = {}): RouteReader {
  const present = ['cloud', 'selfhosted'];
  return new RouteReader({
    tenant: 'acme',
    ask: record.ask,
    time: virtualTime(),
    controlProfile: 'control',
    present,
    ...more,
  });
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('the lease', () => {
  test('is counted from before the question, and one question answers all who wait', async () => {
    const record = new FakeRecord(routeTo('cloud'));
    record.latencyMs = 1_000;
    const reader = reading(record);
    const began = Date.now();
    const all = await settled(Promise.all(Array.from({ length: 50 }, () => reader.read())));
    expect(record.asked).toBe(1);
    expect(new Set(all.map(({ route }) => route)).size).toBe(1);
    expect(all[0]?.until).toBe(began + 15_000);
    vi.setSystemTime(began + LEASE_MS - 1);
    expect(reader.fresh()).toBeDefined();
    vi.setSystemTime(began + LEASE_MS);
    expect(reader.fresh()).toBeUndefined();
  });

  test.each([
    ['while the machine is suspended', { now: 60_000, monotonic: 0 }],
    ['while the clock is set back', { now: -60_000, monotonic: LEASE_MS }],
  ])('runs out %s', async (_title, { now, monotonic }) => {
    const record = new FakeRecord(routeTo('cloud'));
    const time = virtualTime();
    const off = { now: 0, monotonic: 0 };
    const reader = reading(record, {
      time: { ...time, now: () => time.now() + off.now, monotonic: () => time.monotonic() + off.monotonic },
    });
    await settled(reader.read());
    expect(reader.fresh()).toBeDefined();
    Object.assign(off, { now, monotonic });
    expect(reader.fresh()).toBeUndefined();
  });

  test('is renewed in the background from its half on, so nobody who uses it waits or is without', async () => {
    const record = new FakeRecord(routeTo('cloud'));
    const reader = reading(record);
    await settled(reader.read());
    for (let i = 0; i < 1_200; i++) {
      expect(reader.fresh()).toBeDefined();
      await pass(100);
    }
    // Two minutes: once every half lease.
    expect(record.asked).toBeGreaterThan(20);
    expect(record.asked).toBeLessThan(28);
    await pass(60_000);
    expect(record.asked).toBeLessThan(28);
  });

  test('a change is seen within it', async () => {
    const record = new FakeRecord(routeTo('cloud'));
    const reader = reading(record);
    await settled(reader.read());
    record.published = { route: routeTo('selfhosted') };
    for (let i = 0; i < LEASE_MS / 100; i++) {
      reader.fresh();
      await pass(100);
    }
    expect(reader.fresh()?.route.to.cluster).toBe('selfhosted');
  });
});

describe('a record that cannot be read', () => {
  const down = new Error('connect ECONNREFUSED');

  test('disturbs nobody while the lease lasts; then calls wait, and are refused at the limit', async () => {
    const record = new FakeRecord(routeTo('cloud'));
    const reader = reading(record);
    await settled(reader.read());
    record.failing = down;
    for (let i = 0; i < 99; i++) {
      expect(reader.fresh()).toBeDefined();
      await pass(100);
    }
    const asked = record.asked;
    expect(asked).toBeLessThan(30);
    await pass(200);
    const began = Date.now();
    const refused: unknown = await settled(reader.read()).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(RouteUnavailable);
    expect(Date.now() - began).toBeGreaterThanOrEqual(10_000);
    expect(refused).toMatchObject({
      tenant: 'acme',
      cause: down,
      message: expect.stringMatching(/tenant\/acme.*"control".*ECONNREFUSED.*last-known/),
    });
  });

  test('is waited for: the first answer ends the waiting', async () => {
    const record = new FakeRecord(routeTo('cloud'));
    record.failing = down;
    const reader = reading(record);
    const read = reader.read();
    await pass(3_000);
    record.failing = undefined;
    expect((await settled(read)).route.to.cluster).toBe('cloud');
    await expect(settled(reading(Object.assign(new FakeRecord(), { failing: down })).once())).rejects.toThrow(
      RouteUnavailable,
    );
  });

  test('`last-known` goes on with what was read, and refuses where nothing ever was', async () => {
    const record = new FakeRecord(routeTo('cloud'));
    const reader = reading(record, { whenUnreadable: 'last-known' });
    await settled(reader.read());
    record.failing = down;
    await pass(LEASE_MS);
    expect(await settled(reader.read())).toEqual({ route: routeTo('cloud'), until: Infinity });
    const never = reading(Object.assign(new FakeRecord(), { failing: down }), { whenUnreadable: 'last-known' });
    await expect(settled(never.read())).rejects.toThrow(RouteUnavailable);
  });

  test('a record that ended is nobody’s any more', async () => {
    const record = new FakeRecord();
    record.published = { route: routeTo('cloud'), ended: 'TERMINATED' };
    await expect(settled(reading(record).read())).rejects.toThrow(/its workflow is TERMINATED/);
    record.published = { route: routeTo('cloud') };
  });
});

describe('a tenant without a route', () => {
  test.each([
    ['no record', undefined, 'there is no workflow tenant/acme'],
    ['a record without one', {}, 'tenant/acme has no route'],
  ])('%s: is unknown, at once', async (_title, published, found) => {
    const record = new FakeRecord();
    record.published = published;
    const refused: unknown = await settled(reading(record).read(), 1_000).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UnknownTenant);
    expect(refused).toMatchObject({ message: expect.stringContaining(found) });
    expect(refused).toMatchObject({ message: expect.stringContaining('ferry route acme --to cloud') });
    expect(refused).toMatchObject({ message: expect.stringContaining('"cloud", "selfhosted"') });
  });

  test('is where `assume` says, until it has one', async () => {
    const record = new FakeRecord();
    const reader = reading(record, { assume: 'selfhosted' });
    expect((await settled(reader.read())).route).toEqual(routeTo('selfhosted'));
    record.published = { route: routeTo('cloud') };
    await pass(LEASE_MS);
    expect((await settled(reader.read())).route.to.cluster).toBe('cloud');
    // A record that has lost its route is not one that never had any.
    record.published = {};
    await pass(LEASE_MS);
    const lost: unknown = await settled(reader.read(), 11_000).catch((error: unknown) => error);
    expect(lost).toBeInstanceOf(RouteUnavailable);
    expect(lost).toMatchObject({ message: expect.stringContaining('it had a route, and has none any more') });
  });
});

describe('where another cluster was assumed', () => {
  const readWith = async (route: Route, assume?: string): Promise<Route> =>
    (await settled(reading(new FakeRecord(route), { assume }).read())).route;

  test('a first route leaves it undrained: some processes knew of it later than others', async () => {
    expect(await readWith(routeTo('selfhosted'), 'cloud')).toEqual(routeTo('selfhosted', { undrained: ['cloud'] }));
    expect(await readWith(routeTo('cloud'), 'cloud')).toEqual(routeTo('cloud'));
    expect(await readWith(routeTo('selfhosted'))).toEqual(routeTo('selfhosted'));
  });

  test('a change says itself what is drained', async () => {
    const from = { cluster: 'cloud', split: null };
    const changed = routeTo('selfhosted', { from, at: '2026-11-27T12:00:00.000Z' });
    expect(await readWith(changed, 'cloud')).toEqual(changed);
  });
});

describe('a memo that is no route', () => {
  test.each([
    ['a text', 'cloud', ''],
    ['nothing in it', {}, 'to'],
    ['no cluster', routeTo(''), 'to.cluster'],
    [
      'a split of all',
      { ...routeTo('cloud'), to: { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 100 } } },
      'to.split.percent',
    ],
    ['a time that is none', { ...routeTo('cloud'), from: routeTo('cloud').to, at: 'soon' }, 'at'],
    ['a time without what held before', { ...routeTo('cloud'), at: '2026-11-27T12:00:00.000Z' }, '`from` and `at`'],
    ['undrained that is no list', { ...routeTo('cloud'), undrained: 'cloud' }, 'undrained'],
  ])('%s: is refused, and where', async (_title, published, where) => {
    const record = new FakeRecord();
    record.published = { route: published };
    const refused: unknown = await settled(reading(record, { assume: 'cloud' }).read(), 1_000).catch(
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(BadRoute);
    expect(refused).toMatchObject({ message: expect.stringContaining(`is no route: ${where}`) });
  });

  test('a moment that no clock knows is refused: it would compare as never', () => {
    const route = { ...routeTo('cloud'), from: { cluster: 'b', split: null }, at: '2026-11-28T01:00:00+01' };
    expect(readRoute(route)).toMatchObject({ problem: expect.stringContaining('at: ') });
  });

  test('what a newer ferry adds is left out', () => {
    expect(readRoute({ ...routeTo('cloud'), more: 1 })).toEqual({ route: routeTo('cloud') });
    const moved = {
      ...routeTo('cloud'),
      from: { cluster: 'b', split: null },
      at: '2026-11-27T12:00:00.000Z',
      undrained: ['b'],
    };
    expect(readRoute(moved)).toEqual({ route: moved });
  });
});
