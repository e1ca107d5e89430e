import { describe, expect, test } from 'vitest';
import type { MigrationEnd, Surveyed } from '../../../src/activities/types.ts';
import { allBack, calledOff, startableBack, startedBack, toCallOff } from '../../../src/workflows/rollout/back.ts';
import { acknowledge, obey, readOrder, refuseOrder } from '../../../src/workflows/rollout/commands.ts';
import { readRolloutInput, type RolloutTenantsInput } from '../../../src/workflows/rollout/input.ts';
import { overviewOf, resultOf, type RolloutCommand, tenantsPage } from '../../../src/workflows/rollout/overview.ts';
import {
  began,
  ended,
  gateOf,
  inScope,
  judged,
  judging,
  newState,
  nextWave,
  type RolloutState,
  seen,
  startable,
  started,
  surveyed,
  tenantsOf,
  waveEnded,
} from '../../../src/workflows/rollout/state.ts';

const T0 = Date.parse('2026-11-28T08:00:00.000Z');
const at = (minutes: number): string => new Date(T0 + minutes * 60_000).toISOString();

/** A rollout in a test: three waves, of 1, 3 and 2 tenants. */
class Play {
  settings;
  state: RolloutState;
  minute = 0;

  constructor(more: Partial<RolloutTenantsInput> = {}, found: Partial<Record<string, Omit<Surveyed, 'tenant'>>> = {}) {
    const input = {
      waves: [
        { name: 'canary', tenants: ['a'] },
        { name: 'eu', tenants: ['b', 'c', 'd'], concurrency: 2 },
        { name: 'us', tenants: ['e', 'f'] },
      ],
      defaults: { bake: '0' },
      ...more,
    };
    this.settings = readRolloutInput([input]);
    const waves = this.settings.waves.map(({ tenants }) =>
      (Array.isArray(tenants) ? tenants : []).map((tenant): Surveyed => ({ tenant, is: 'waiting', ...found[tenant] })),
    );
    this.state = surveyed(newState(at(0)), { waves, searchAttributes: true });
  }

  /** As the workflow does it: approved, started and judged as far as it goes. */
  go(): this {
    for (let round = 0; round < 100; round++) {
      const before = this.state;
      const { stage, paused } = this.state;
      if (stage === 'before' && gateOf(this.state, this.settings) === null && !paused) this.state = began(this.state);
      const next = startable(this.state, this.settings);
      this.state = started(this.state, next, at(this.minute));
      if (waveEnded(this.state))
        this.state = nextWave(judged(judging(this.state), { verdict: 'successful', message: '' }));
      if (this.state.wave >= this.settings.waves.length) return this;
      if (JSON.stringify(before) === JSON.stringify(this.state)) return this;
    }
    throw new Error('It comes to no rest');
  }

  end(tenant: string, outcome: MigrationEnd['outcome'] = 'completed', why: string | null = null): this {
    this.minute += 10;
    this.state = seen(this.state, [{ tenant, end: { outcome, why, at: at(this.minute) } }]);
    return this;
  }

  back(): this {
    this.state = calledOff(this.state, toCallOff(this.state));
    this.state = startedBack(this.state, startableBack(this.state, this.settings), at(this.minute));
    return this;
  }

  send(command: RolloutCommand, argument?: unknown): string {
    const read = readOrder(command, argument);
    if ('refused' in read) return read.refused;
    const refused = refuseOrder(read.order, this.state, this.settings);
    if (refused !== null) return refused;
    const answer = acknowledge(read.order, this.state, this.settings);
    this.state = obey(read.order, this.state, this.settings, at(this.minute));
    return answer;
  }

  get overview() {
    return overviewOf(this.state, this.settings, at(this.minute));
  }

  is(status: string): string {
    return tenantsOf(this.state)
      .filter((each) => each.status === status)
      .map(({ tenant }) => tenant)
      .join('');
  }
}

describe('wave by wave', () => {
  test('in order, so many at a time as the wave says, and the next wave when all have ended', () => {
    const play = new Play().go();
    expect(play.is('running')).toBe('a');
    play.end('a').go();
    expect(play.is('running')).toBe('bc');
    play.end('c').go();
    expect(play.is('running')).toBe('bd');
    play.end('b').go();
    expect(play.overview.wave).toMatchObject({ name: 'eu', number: 2, of: 3 });
    play.end('d').go();
    expect(play.is('running')).toBe('e');
    play.end('e').go().end('f').go();
    expect(play.state.wave).toBe(3);
    const result = resultOf(ended(play.state, 'completed'), play.settings, 'completed', at(99));
    expect(result).toMatchObject({ outcome: 'completed', total: 6, tenants: { done: 6 }, except: [], accepted: [] });
  });

  test('what is there, what it has moved before, and what it has started before is not started again', () => {
    const play = new Play(
      {},
      {
        a: { is: 'there' },
        b: { is: 'moved', at: at(-60) },
        c: { is: 'moving', at: at(-5) },
        e: { is: 'waiting', holder: 'migrate/e' },
      },
    ).go();
    expect(play.is('running')).toBe('cd');
    expect(play.overview).toMatchObject({ tenants: { there: 1, done: 1, running: 2, waiting: 2 }, wrong: [] });
    expect(tenantsOf(play.state).find(({ tenant }) => tenant === 'e')?.why).toBe('held by migrate/e');
    expect(play.end('c').end('d').go().is('running')).toBe('e');
  });

  test.each(['failed', 'rolled-back', 'cut-off'] as const)(
    'a migration that %s stops it: those that run go on, the rest is untouched',
    (outcome) => {
      const play = new Play().go().end('a').go().end('b', outcome, 'p95   doubled').go();
      expect(play.overview).toMatchObject({ phase: 'stopped', tenants: { done: 1, running: 1, waiting: 3 } });
      expect(play.overview.waitingFor).toMatch(
        /^b is (failed|turned-back|cut-off) \(p95 doubled\): `proceed` goes on with the rest and leaves it/,
      );
      expect(play.overview.accepts).toEqual(['rollback', 'pause', 'proceed', 'skip']);
      play.end('c').go();
      expect(play.is('waiting')).toBe('def');
      expect(play.is('running')).toBe('');
    },
  );

  test('`proceed` after a stop goes on with the rest, and the result says what was let pass', () => {
    const play = new Play().go().end('a').go().end('b', 'rolled-back', 'p95').go();
    expect(play.send('proceed')).toBe('It goes on with the rest, and the result says so.');
    play.go();
    expect(play.is('running')).toBe('cd');
    expect(play.overview).toMatchObject({
      phase: 'rolling-out',
      accepted: [{ what: 'b turned-back (p95)' }],
      wrong: [{ tenant: 'b' }],
    });
    for (const tenant of ['c', 'd', 'e', 'f']) play.end(tenant).go();
    expect(resultOf(play.state, play.settings, 'completed', at(99))).toMatchObject({
      tenants: { done: 5, 'turned-back': 1 },
      except: [{ tenant: 'b', status: 'turned-back', why: 'p95' }],
    });
  });

  test('`proceed` with retry starts again what went wrong', () => {
    const play = new Play().go().end('a', 'failed', 'no poller').go();
    expect(play.send('proceed', { retry: true })).toBe('1 tenants are tried again.');
    expect(play.go().is('running')).toBe('a');
    expect(play.overview.accepted).toEqual([]);
    expect(play.send('proceed', { retry: true })).toBe('Nothing went wrong that could be tried again.');
  });

  test('`skip` leaves out one that waits, or one that went wrong; without others the rollout goes on', () => {
    const play = new Play().go();
    expect(play.send('skip', { tenant: 'c' })).toBe('c is left out.');
    play.end('a').go();
    expect(play.is('running')).toBe('bd');
    play.end('b', 'failed', 'x').end('d', 'rolled-back').go();
    play.send('skip', 'b');
    expect(play.overview.phase).toBe('stopped');
    play.send('skip', { tenant: 'd' });
    expect(play.overview).toMatchObject({ phase: 'rolling-out', tenants: { skipped: 3, done: 1, waiting: 2 } });
    expect(play.go().is('running')).toBe('e');
  });

  test('a pause starts nobody, also not the next wave; those that run end', () => {
    const play = new Play().go();
    expect(play.send('pause')).toContain('No further tenant starts');
    play.end('a').go();
    expect(play.overview).toMatchObject({
      phase: 'rolling-out',
      paused: true,
      waitingFor: '`resume`: it is paused',
      eta: null,
    });
    expect(play.is('running')).toBe('');
    play.send('resume');
    expect(play.go().is('running')).toBe('bc');
  });

  test('approval: before every wave but the first, or as the wave says; none where nothing is left to start', () => {
    const play = new Play({ approval: 'manual' }, { e: { is: 'there' }, f: { is: 'there' } }).go();
    expect(play.is('running')).toBe('a');
    play.end('a').go();
    expect(play.overview).toMatchObject({
      phase: 'awaiting-approval',
      accepts: ['rollback', 'pause', 'proceed', 'skip'],
    });
    expect(play.overview.waitingFor).toMatch(/^`proceed`, to start wave 2 of 3 \(eu\)/);
    expect(play.send('proceed')).toBe('Wave 2 of 3 (eu) starts.');
    for (const tenant of ['b', 'c', 'd']) play.go().end(tenant);
    expect(play.go().state.wave).toBe(3);
  });

  test('a verdict other than successful holds until a person lets it pass, which is kept', () => {
    const play = new Play().go().end('a');
    play.state = judged(judging(play.state), { verdict: 'failed', message: 'failed 3 > limit 2' });
    expect(play.overview).toMatchObject({ phase: 'stopped' });
    expect(play.overview.waitingFor).toMatch(
      /^the gate behind wave 1 of 3 \(canary\) is failed, failed 3 > limit 2: `proceed` goes on/,
    );
    play.send('proceed');
    expect(gateOf(play.state, play.settings)).toBeNull();
    expect(play.overview.accepted).toEqual([
      { at: at(10), what: 'the gate behind wave 1 of 3 (canary): failed 3 > limit 2' },
    ]);
    play.state = judged(play.state, { verdict: 'inconclusive', message: '3 runs, 10 needed' });
    expect(gateOf(play.state, play.settings)).toBe('verdict');
  });
});

describe('the way back', () => {
  const half = (): Play => new Play().go().end('a').go().end('c').go().end('b').go();

  test('of the wave: those that run are called off, those that have moved go back, the last first', () => {
    const play = half();
    expect(play.send('rollback', { scope: 'wave', reason: 'p95' })).toContain('wave 2 of 3 (eu) goes back');
    expect(toCallOff(play.state)).toEqual(['d']);
    play.back();
    // Two at a time, as the wave went forward: d turns back, and b, which was moved last, goes back beside it.
    expect([play.is('turning-back'), play.is('going-back'), play.is('done')]).toEqual(['d', 'b', 'ac']);
    play.end('d', 'rolled-back').back();
    expect([play.is('going-back'), play.is('back')]).toEqual(['bc', 'd']);
    play.end('b').end('c');
    expect(allBack(play.state)).toBe(true);
    expect(play.overview).toMatchObject({ phase: 'rolling-back', tenants: { done: 1, back: 3, waiting: 2 } });
    expect(resultOf(play.state, play.settings, 'rolled-back', at(99))).toMatchObject({
      scope: 'wave',
      reason: 'p95',
      except: [],
    });
  });

  test('of all: in reverse order over the waves; what was there before stays', () => {
    const play = new Play(
      {
        waves: [
          { name: 'x', tenants: ['a', 'b', 'c'] },
          { name: 'y', tenants: ['d'] },
        ],
      },
      {
        a: { is: 'there' },
        b: { is: 'moved', at: at(-60) },
      },
    ).go();
    play.end('c').go().end('d');
    play.send('rollback', { scope: 'all' });
    const order: string[] = [];
    while (!allBack(play.state)) {
      const [next, ...more] = startableBack(play.state, play.settings);
      expect(more).toEqual([]);
      order.push(next ?? '');
      play.back().end(next ?? '');
    }
    expect(order).toEqual(['d', 'c', 'b']);
    expect(play.overview.tenants).toEqual({ there: 1, back: 3 });
  });

  test('without a scope it is the last wave that has changed anything; it can be widened, and not narrowed', () => {
    const play = half();
    for (const tenant of ['d']) play.end(tenant);
    expect(play.send('rollback', 'too slow')).toContain('wave 2 of 3 (eu)');
    expect(inScope(play.state).map(({ tenant }) => tenant)).toEqual(['b', 'c', 'd']);
    expect(play.send('rollback')).toBe('It is rolling back already: the wave.');
    expect(play.send('rollback', { scope: 'all' })).toContain('Everything this rollout has moved');
    expect(inScope(play.state)).toHaveLength(6);
    expect(play.send('rollback', { scope: 'all' })).toBe('It is rolling back already: everything.');
    expect(play.overview.rollback).toEqual({ scope: 'all', reason: 'too slow' });
  });

  test('a migration that completes although it was called off goes back like those that had moved', () => {
    const play = new Play().go();
    play.send('rollback');
    play.back().end('a');
    expect(play.is('done')).toBe('a');
    expect(play.back().is('going-back')).toBe('a');
    expect(allBack(play.end('a').state)).toBe(true);
  });

  test('one that was cut off goes back too; one that failed or turned back is back', () => {
    const play = new Play({ waves: [{ name: 'x', tenants: ['a', 'b', 'c'], concurrency: 3 }] }).go();
    play.end('a', 'cut-off', 'terminated').end('b', 'failed').end('c', 'rolled-back');
    play.send('rollback');
    expect(startableBack(play.state, play.settings)).toEqual(['a']);
  });

  test('one that does not get back holds up nobody, and waits for a person: again, or left where it is', () => {
    const play = half();
    play.send('rollback');
    play.back().end('b', 'rolled-back', 'no poller on cloud').end('d', 'rolled-back').back().end('c');
    expect(play.overview).toMatchObject({ phase: 'rolling-back', accepts: ['proceed', 'skip', 'rollback'] });
    expect(play.overview.waitingFor).toBe(
      'b is stuck (no poller on cloud): `proceed` tries again, `skip` leaves one where it is',
    );
    play.send('proceed');
    play.back();
    expect(play.is('going-back')).toBe('b');
    play.end('b', 'failed', 'x');
    expect(play.send('skip', { tenant: 'b' })).toBe('b is left where it is.');
    expect(allBack(play.state)).toBe(true);
    expect(resultOf(play.state, play.settings, 'rolled-back', at(99)).except).toEqual([
      { tenant: 'b', status: 'left', why: 'x' },
    ]);
  });
});

describe('what makes no sense now, or cannot be read, is refused in a sentence', () => {
  const running = (): Play => new Play().go();
  const cases: [string, Play, RolloutCommand, unknown, string | RegExp][] = [
    ['resume', running(), 'resume', undefined, 'It is not paused: there is nothing to resume.'],
    [
      'proceed',
      running(),
      'proceed',
      undefined,
      'It is rolling-out and waits for nobody: there is nothing to proceed with.',
    ],
    ['proceed with something', running(), 'proceed', { retyr: true }, '`proceed` takes nothing or {"retry": true}.'],
    [
      'another scope',
      running(),
      'rollback',
      { scope: 'everything' },
      /takes \{"scope": "wave"\} or \{"scope": "all"\}/,
    ],
    ['skip nobody', running(), 'skip', undefined, '`skip` takes the tenant to leave out: {"tenant": "…"}.'],
    ['skip a stranger', running(), 'skip', 'zz', 'There is no tenant zz in this rollout: see the query `tenants`.'],
    [
      'skip a running one',
      running(),
      'skip',
      'a',
      'a is running: its migration runs, and takes a `rollback` of its own. There is nothing to skip.',
    ],
  ];
  test.each(cases)('%s', (_what, play, command, argument, sentence) => {
    const before = play.state;
    expect(play.send(command, argument)).toMatch(
      sentence instanceof RegExp
        ? sentence
        : new RegExp(`^${sentence.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`),
    );
    expect(play.state).toEqual(before);
  });

  test('after its end, and in a rollback', () => {
    const play = running();
    play.send('rollback');
    expect(play.send('pause')).toBe('It is rolling back, which is not interrupted: there is nothing to pause.');
    play.state = ended(play.state, 'completed');
    expect(play.send('rollback')).toBe(
      'The rollout to selfhosted is completed. To go back, start RolloutTenants with `from` and `to` swapped.',
    );
    expect(play.send('skip', 'a')).toBe('The rollout is completed: nobody is left to skip.');
  });

  test('what comes besides is told, and the command is obeyed', () => {
    expect(readOrder('rollback', { reason: 'x', urgency: 1 })).toEqual({
      order: { command: 'rollback', scope: 'wave', reason: 'x' },
      odd: '`rollback` came with an object with urgency, and is obeyed',
    });
    expect(readOrder('pause', 1)).toMatchObject({ odd: '`pause` came with an input, which it does not take' });
  });
});

describe('when it will be done', () => {
  const waves = [
    { name: 'x', tenants: ['a', 'b', 'c'] },
    { name: 'y', tenants: ['d', 'e', 'f', 'g', 'h'], concurrency: 2, bake: '30 min' },
  ];
  const three = (more: Partial<RolloutTenantsInput> = {}): Play => {
    const play = new Play({ waves, ...more });
    for (const tenant of ['a', 'b', 'c']) play.go().end(tenant);
    return play.go();
  };

  test('is told once three have been moved: the middle one of what they took, and the bake of each wave', () => {
    // 10 minutes each, and a bake of 30: two run now, then the other three in two rounds.
    expect(three().overview.eta).toBe(at(30 + 40 + 2 * 40));
    const two = new Play({ waves });
    two.go().end('a').go().end('b').go();
    expect(two.overview.eta).toBeNull();
  });

  test('is not told where a person has a say before the end, or it does not go forward', () => {
    expect(three({ defaults: { approval: 'manual' } }).overview.eta).toBeNull();
    const stopped = three().end('d', 'failed');
    expect(stopped.overview).toMatchObject({ phase: 'stopped', eta: null });
    const back = three();
    back.send('rollback');
    expect(back.overview.eta).toBeNull();
    const later = [...waves, { name: 'z', tenants: ['z'], approval: 'manual' as const }];
    expect(three({ waves: later }).overview.eta).toBeNull();
  });
});

test('the tenants, a page at a time, of one wave or one status', () => {
  const { state, settings } = new Play().go().end('a').go();
  expect(tenantsPage(state, settings, { from: 1, limit: 2 })).toMatchObject({
    total: 6,
    tenants: [
      { tenant: 'b', wave: 'eu', status: 'running' },
      { tenant: 'c', wave: 'eu', status: 'running' },
    ],
    next: 3,
  });
  expect(tenantsPage(state, settings, { status: 'waiting', wave: 'us' })).toMatchObject({ total: 2, next: null });
  expect(tenantsPage(state, settings, ['what?'])).toMatchObject({ total: 6, next: null });
});

test('the state of 500 tenants is well under 100 kB; where every one of them went wrong it is no more than 150', () => {
  const tenants = Array.from({ length: 500 }, (_, n) => `tenant-${String(n).padStart(4, '0')}`);
  const waves = [{ name: 'all', tenants, concurrency: 50 }];
  const good = new Play({ waves });
  for (const tenant of tenants) good.go().end(tenant);
  expect(good.overview.tenants).toEqual({ done: 500 });
  expect(JSON.stringify(good.state).length).toBeLessThan(70_000);
  const bad = new Play({ waves });
  for (const tenant of tenants) {
    bad.go().end(tenant, 'rolled-back', 'x'.repeat(1000));
    bad.send('proceed');
  }
  expect(bad.overview.tenants).toEqual({ 'turned-back': 500 });
  expect(JSON.stringify(bad.state).length).toBeLessThan(150_000);
});
