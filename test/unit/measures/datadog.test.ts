import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SettingsOf } from '../../../src/gates/measure-input.ts';
import { Datadog } from '../../../src/measures/datadog.ts';
import { json, type MetricsListener, metricsListener, plain } from '../../support/metrics-listener.ts';
import { context } from './context.ts';

const KEYS = { apiKey: 'api-key-that-stays-here', appKey: 'app-key-that-stays-here' };
const settings: SettingsOf<'datadog'> = { kind: 'datadog', query: 'avg:errors{tenant:$tenant}', over: 300_000 };

let listener: MetricsListener;
beforeAll(async () => {
  listener = await metricsListener();
});
afterAll(() => listener.close());
beforeEach(() => {
  listener.asked.length = 0;
});

const measure = (timeoutMs?: number) =>
  new Datadog({ site: listener.url, ...KEYS }, timeoutMs).measure(settings, context());
const series = (...pointlists: unknown[]) =>
  json({ status: 'ok', series: pointlists.map((pointlist, i) => ({ scope: i === 0 ? '*' : `pod:${i}`, pointlist })) });

test('asks for the last five minutes, with both keys', async () => {
  listener.answer = series();
  await measure();
  expect(listener.asked).toMatchObject([
    {
      path: '/api/v1/query',
      method: 'GET',
      headers: { 'dd-api-key': KEYS.apiKey, 'dd-application-key': KEYS.appKey },
    },
  ]);
  const { from, to, query } = Object.fromEntries(listener.asked[0]?.parameters ?? []);
  expect([Number(to) - Number(from), query]).toEqual([300, 'avg:errors{tenant:acme}']);
  expect(Math.abs(Number(to) - Date.now() / 1000)).toBeLessThan(5);
});

const answers: [what: string, pointlists: unknown[], values: object[]][] = [
  ['no series', [], []],
  [
    'the newest point of each that has a value',
    [
      [
        [1, 0.5],
        [2, 0.25],
      ],
      [
        [1, 7],
        [2, null],
      ],
    ],
    [
      { labels: {}, value: 0.25 },
      { labels: { scope: 'pod:1' }, value: 7 },
    ],
  ],
  [
    'a series without a value is no number',
    [[[1, null]], []],
    [
      { labels: {}, value: NaN },
      { labels: { scope: 'pod:1' }, value: NaN },
    ],
  ],
];

test.each(answers)('%s', async (_what, pointlists, values) => {
  listener.answer = series(...pointlists);
  expect(await measure()).toEqual({ values, said: [] });
});

const errors: [what: string, answer: MetricsListener['answer'], message: string][] = [
  ['keys that are wrong', json({ errors: ['Forbidden'] }, 403), 'Datadog answered 403: Forbidden'],
  [
    'a query that is wrong',
    json({ status: 'error', error: 'Rule 1 timed out' }),
    'Datadog answered 200: Rule 1 timed out',
  ],
  ['too many queries', json({ errors: ['x'] }, 429), 'Datadog answered 429: more queries than the account may ask'],
  ['a page', plain('<html>', 502), 'Datadog answered 502: nothing its query API would say'],
  ['no series', json({ status: 'ok' }), 'Datadog answered 200: nothing its query API would say'],
  ['series without points', json({ status: 'ok', series: [{}] }), 'Datadog answered with a series without points'],
  [
    'a value in words',
    json({ status: 'ok', series: [{ pointlist: [[1, 'up']] }] }),
    'Datadog answered with a value that is no number',
  ],
  ['its keys repeated', json({ errors: [`no ${KEYS.appKey}`] }, 401), 'Datadog answered 401: no …'],
  ['a connection that breaks', (response) => response.destroy(), 'Datadog could not be asked: UND_ERR_SOCKET'],
];

test.each(errors)('could not measure: %s', async (_what, answer, message) => {
  listener.answer = answer;
  await expect(measure()).rejects.toThrow(new Error(message));
});

test('no answer in time', async () => {
  listener.answer = () => undefined;
  await expect(measure(100)).rejects.toThrow(new Error('Datadog did not answer within 0.1 s'));
});

test('nothing set', async () => {
  const of = (account?: ConstructorParameters<typeof Datadog>[0]) => new Datadog(account).measure(settings, context());
  const unset = 'this worker knows no Datadog account: set DD_API_KEY and DD_APP_KEY for it';
  await expect(of()).rejects.toThrow(unset);
  await expect(of({ site: 'datadoghq.com', apiKey: 'x' })).rejects.toThrow(unset);
  await expect(of({ site: 'not a site', ...KEYS })).rejects.toThrow(
    'FERRY_DATADOG_SITE is no site such as datadoghq.eu',
  );
});
