import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SettingsOf } from '../../../src/gates/measure-input.ts';
import { PRESETS } from '../../../src/gates/measures.ts';
import { judge } from '../../../src/gates/measurement.ts';
import { PRESET_QUERIES } from '../../../src/measures/presets.ts';
import { Prometheus } from '../../../src/measures/prometheus.ts';
import { json, type MetricsListener, metricsListener, plain } from '../../support/metrics-listener.ts';
import { context } from './context.ts';

const TOKEN = 'token-that-stays-here';

let listener: MetricsListener;
beforeAll(async () => {
  listener = await metricsListener();
});
afterAll(() => listener.close());
beforeEach(() => {
  listener.asked.length = 0;
});

const instant = (query = 'up'): SettingsOf<'prometheus'> => ({ kind: 'prometheus', query, step: 15_000 });
const success = (resultType: string, result: unknown, more: object = {}) =>
  json({ status: 'success', data: { resultType, result }, ...more });

function measure(settings = instant(), change = {}, timeoutMs?: number) {
  return new Prometheus({ url: `${listener.url}/base/`, token: TOKEN }, timeoutMs).measure(settings, context(change));
}

/** An error's whole text, and the certainty that it tells no secret. */
async function errorOf(measuring: Promise<unknown>): Promise<string> {
  const error = await measuring.then(
    (measured) => new Error(`Measured: ${JSON.stringify(measured)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('thrown was no error');
  const { host, hostname } = new URL(listener.url);
  for (const secret of [TOKEN, host, hostname]) expect(`${error.message} ${String(error.cause)}`).not.toContain(secret);
  return error.message;
}

describe('what it asks', () => {
  test('an instant query, with the token, under the path it is served under', async () => {
    listener.answer = success('vector', []);
    await measure(instant('sum(x{namespace="$namespace", tenant="$tenant"}) / $tenantless'), { tenant: 'a"b\\c' });
    expect(listener.asked).toMatchObject([
      { path: '/base/api/v1/query', method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } },
    ]);
    expect(Object.fromEntries(listener.asked[0]?.parameters ?? [])).toEqual({
      query: 'sum(x{namespace="selfhosted-ns", tenant="a\\"b\\\\c"}) / $tenantless',
    });
  });

  test('no header without a token', async () => {
    listener.answer = success('vector', []);
    await new Prometheus({ url: listener.url }).measure(instant(), context());
    expect(listener.asked[0]?.path).toBe('/api/v1/query');
    expect(listener.asked[0]?.headers).not.toHaveProperty('authorization');
  });

  test('a range query in seconds, up to now', async () => {
    listener.answer = success('matrix', []);
    await measure({ kind: 'prometheus', query: 'up', range: 300_000, step: 30_000 });
    const { path, parameters } = listener.asked[0] ?? {};
    expect(path).toBe('/base/api/v1/query_range');
    const { start, end, step } = Object.fromEntries(parameters ?? []);
    expect([Number(end) - Number(start), step]).toEqual([300, '30']);
    expect(Math.abs(Number(end) - Date.now() / 1000)).toBeLessThan(5);
  });

  test.each(PRESETS)('the preset %s, with its unit', async (preset) => {
    listener.answer = success('vector', [{ metric: {}, value: [1, '2'] }]);
    const { unit } = await measure({ kind: 'prometheus', preset, step: 15_000 });
    const asked = listener.asked[0]?.parameters.get('query');
    expect(asked).toBe(PRESET_QUERIES[preset].query.replaceAll('$namespace', 'selfhosted-ns'));
    expect(unit).toBe(PRESET_QUERIES[preset].unit);
  });
});

describe('what it makes of answers', () => {
  const answers: [what: string, answer: MetricsListener['answer'], values: object[]][] = [
    ['a scalar', success('scalar', [1, '0.5']), [{ labels: {}, value: 0.5 }]],
    [
      'a vector',
      success('vector', [
        { metric: { pod: 'a' }, value: [1, '1e3'] },
        { metric: { pod: 'b' }, value: [1, '-2'] },
      ]),
      [
        { labels: { pod: 'a' }, value: 1000 },
        { labels: { pod: 'b' }, value: -2 },
      ],
    ],
    [
      'a matrix: every point',
      success('matrix', [
        {
          metric: {},
          values: [
            [1, '1'],
            [2, '2'],
          ],
        },
      ]),
      [
        { labels: {}, value: 1 },
        { labels: {}, value: 2 },
      ],
    ],
    ['an empty vector', success('vector', []), []],
    ['an empty matrix', success('matrix', []), []],
    [
      'numbers that are none, and infinite ones',
      success(
        'vector',
        ['NaN', '+Inf', '-Inf'].map((text) => ({ metric: {}, value: [1, text] })),
      ),
      [NaN, Infinity, -Infinity].map((value) => ({ labels: {}, value })),
    ],
  ];

  test.each(answers)('%s', async (_what, answer, values) => {
    listener.answer = answer;
    expect(await measure()).toEqual({ values, unit: undefined, said: [] });
  });

  test('warnings are told, and the values stay what they are', async () => {
    const warnings = ['partial response: 1 store of 3', 'x'.repeat(400), 'third', 'fourth'];
    listener.answer = success('vector', [{ metric: {}, value: [1, '0.02'] }], { warnings });
    const measured = await measure();
    expect(measured.said).toHaveLength(3);
    expect(judge(measured, { success: { op: '<=', limit: 0.01 } })).toMatchObject({
      phase: 'failed',
      message: expect.stringMatching(/^0.02 > 0.01; warned: partial response: 1 store of 3; warned: x+…/) as string,
    });
  });
});

describe('could not measure', () => {
  const errors: [what: string, answer: MetricsListener['answer'], message: string][] = [
    [
      'a query that is wrong',
      json({ status: 'error', errorType: 'bad_data', error: 'parse error at char 3' }, 400),
      'Prometheus answered 400 (bad_data): parse error at char 3',
    ],
    [
      'a query that takes too long there',
      json({ status: 'error', errorType: 'timeout', error: 'query timed out' }, 503),
      'Prometheus answered 503 (timeout): query timed out',
    ],
    ['a page', plain('<html>', 502), 'Prometheus answered 502 and nothing its query API would say'],
    ['a page of success', plain('<html>', 200), 'Prometheus answered 200 and nothing its query API would say'],
    ['an empty answer', plain('', 200), 'Prometheus answered 200 and nothing its query API would say'],
    ['other JSON', json([1]), 'Prometheus answered 200 and nothing its query API would say'],
    [
      'a redirect to a login',
      plain('', 302, { location: '/login' }),
      'Prometheus answered 302, a redirect, which is not followed and nothing its query API would say',
    ],
    ['no data', json({ status: 'success' }), 'Prometheus answered without data'],
    ['a string', success('string', [1, 'up']), 'Prometheus answered with a string, which has no numbers'],
    ['a value that is a word', success('scalar', [1, 'up']), 'Prometheus answered with a value that is no number'],
    ['a value that is empty', success('scalar', [1, '']), 'Prometheus answered with a value that is no number'],
    ['a value that is JSON', success('scalar', [1, 5]), 'Prometheus answered with a value that is no number'],
    [
      'a native histogram',
      success('vector', [{ metric: {}, histogram: [1, {}] }]),
      'Prometheus answered with a native histogram: take a number of it with histogram_quantile',
    ],
    ['series without points', success('matrix', [{ metric: {} }]), 'Prometheus answered with a series without points'],
    ['too much', plain('x'.repeat(4 * 1024 * 1024 + 1)), 'Prometheus answers with more than 4 MB: aggregate the query'],
    ['a connection that breaks', (response) => response.destroy(), 'Prometheus could not be asked: UND_ERR_SOCKET'],
  ];

  test.each(errors)('%s', async (_what, answer, message) => {
    listener.answer = answer;
    expect(await errorOf(measure())).toBe(message);
  });

  test('what it says of its address or the token is left out', async () => {
    const { host } = new URL(listener.url);
    const error = `no store at http://${host}/x for ${TOKEN}`;
    listener.answer = json({ status: 'error', errorType: 'internal', error }, 500);
    expect(await errorOf(measure())).toBe('Prometheus answered 500 (internal): no store at …/x for …');
  });

  test('no answer in time, also one that stops in the middle', async () => {
    listener.answer = () => undefined;
    expect(await errorOf(measure(instant(), {}, 100))).toBe('Prometheus did not answer within 0.1 s');
    listener.answer = (response) => void response.writeHead(200).write('{"status":');
    expect(await errorOf(measure(instant(), {}, 100))).toBe('Prometheus did not answer within 0.1 s');
  });

  test('cancelled is cancelled', async () => {
    const abort = new AbortController();
    listener.answer = () => abort.abort(new Error('the bake is over'));
    await expect(measure(instant(), { signal: abort.signal })).rejects.toThrow('the bake is over');
  });

  test('nobody there', async () => {
    const gone = await metricsListener();
    await gone.close();
    const measuring = new Prometheus({ url: gone.url, token: TOKEN }).measure(instant(), context());
    expect(await errorOf(measuring)).toBe('Prometheus could not be asked: ECONNREFUSED');
  });

  test('nothing set, or no address', async () => {
    const of = (url?: string) => new Prometheus(url === undefined ? undefined : { url }).measure(instant(), context());
    expect(await errorOf(of())).toBe('this worker knows no Prometheus: set FERRY_PROMETHEUS_URL for it');
    expect(await errorOf(of('prometheus'))).toBe('FERRY_PROMETHEUS_URL is no address such as http://prometheus:9090');
  });
});
