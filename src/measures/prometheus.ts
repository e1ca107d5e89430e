/** Prometheus and what speaks its query API (Thanos, Mimir, VictoriaMetrics): instant and range queries. */
import type { SettingsOf } from '../gates/measure-input.ts';
import type { Measurement, Sample } from '../gates/measurement.ts';
import { type Answer, ask, isObject, type Question, quoted } from './http.ts';
import { filledIn, type Measure, type MeasureContext } from './measure.ts';
import { PRESET_QUERIES, type PresetQuery } from './presets.ts';

export interface PrometheusServer {
  /** Base address, such as `https://prometheus.example`, with a path where it is served under one. */
  url: string;
  /** Sent as a bearer token. */
  token?: string;
}

const SERVER = 'Prometheus';
const MAX_SERIES_LABELS = 6;

export class Prometheus implements Measure<SettingsOf<'prometheus'>> {
  readonly #server: PrometheusServer | undefined;
  readonly #timeoutMs: number | undefined;

  constructor(server: PrometheusServer | undefined, timeoutMs?: number) {
    this.#server = server;
    this.#timeoutMs = timeoutMs;
  }

  async measure(settings: SettingsOf<'prometheus'>, context: MeasureContext): Promise<Measurement> {
    const { query, unit } = queryOf(settings);
    const { range, step } = settings;
    const parameters: Record<string, string> = { query: filledIn(query, context) };
    if (range === undefined) return this.#ask('query', parameters, unit, context.signal);
    const end = Date.now() / 1000;
    Object.assign(parameters, { start: String(end - range / 1000), end: String(end), step: String(step / 1000) });
    return this.#ask('query_range', parameters, unit, context.signal);
  }

  async #ask(
    path: string,
    parameters: Record<string, string>,
    unit: string | undefined,
    signal: AbortSignal,
  ): Promise<Measurement> {
    const { url, token } = this.#configured();
    const question: Question = {
      server: SERVER,
      url,
      method: 'POST',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body: new URLSearchParams(parameters),
      secrets: [token],
      signal,
      timeoutMs: this.#timeoutMs,
    };
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/${path}`;
    const { data, warnings } = readAnswer(await ask(question), question);
    return { values: readData(data), unit, said: warnings };
  }

  #configured(): { url: URL; token?: string } {
    if (!this.#server) throw new Error('this worker knows no Prometheus: set FERRY_PROMETHEUS_URL for it');
    const { url, token } = this.#server;
    if (!URL.canParse(url)) throw new Error('FERRY_PROMETHEUS_URL is no address such as http://prometheus:9090');
    return { url: new URL(url), token };
  }
}

function queryOf({ query, preset }: SettingsOf<'prometheus'>): PresetQuery {
  if (preset !== undefined) return PRESET_QUERIES[preset];
  if (query === undefined) throw new Error('neither a query nor a preset was given');
  return { query };
}

function readAnswer({ status, json }: Answer, question: Question): { data: unknown; warnings: string[] } {
  if (!isObject(json) || typeof json.status !== 'string') {
    const redirected = status >= 300 && status < 400 ? ', a redirect, which is not followed' : '';
    throw new Error(`${SERVER} answered ${status}${redirected} and nothing its query API would say`);
  }
  if (json.status !== 'success') {
    const type = quoted(json.errorType, question) || 'error';
    throw new Error(`${SERVER} answered ${status} (${type}): ${quoted(json.error, question)}`);
  }
  const warnings = Array.isArray(json.warnings) ? json.warnings : [];
  return { data: json.data, warnings: warnings.slice(0, 3).map((each) => `warned: ${quoted(each, question)}`) };
}

/** Every point of every series. What is no number in a number's place is an error, never a value. */
function readData(data: unknown): Sample[] {
  if (!isObject(data)) throw new Error(`${SERVER} answered without data`);
  const { resultType, result } = data;
  if (resultType === 'scalar') return [{ labels: {}, value: pointOf(result) }];
  if ((resultType !== 'vector' && resultType !== 'matrix') || !Array.isArray(result)) {
    throw new Error(`${SERVER} answered with a ${String(resultType)}, which has no numbers`);
  }
  return result.flatMap((series: unknown): Sample[] => {
    if (!isObject(series)) throw new Error(`${SERVER} answered with a series that is none`);
    if ('histogram' in series || 'histograms' in series) {
      throw new Error(`${SERVER} answered with a native histogram: take a number of it with histogram_quantile`);
    }
    const labels = labelsOf(series.metric);
    const points = resultType === 'vector' ? [series.value] : series.values;
    if (!Array.isArray(points)) throw new Error(`${SERVER} answered with a series without points`);
    return points.map((point: unknown) => ({ labels, value: pointOf(point) }));
  });
}

/** `[1764291600, "0.5"]`; also `"NaN"`, `"+Inf"` and `"-Inf"`. */
function pointOf(point: unknown): number {
  const text: unknown = Array.isArray(point) ? point[1] : undefined;
  if (text === 'NaN') return NaN;
  if (text === '+Inf' || text === '-Inf') return text === '+Inf' ? Infinity : -Infinity;
  const value = typeof text === 'string' && text.trim() !== '' ? Number(text) : NaN;
  if (Number.isNaN(value)) throw new Error(`${SERVER} answered with a value that is no number`);
  return value;
}

function labelsOf(metric: unknown): Record<string, string> {
  const entries = isObject(metric) ? Object.entries(metric) : [];
  return Object.fromEntries(entries.slice(0, MAX_SERIES_LABELS).map(([name, value]) => [name, String(value)]));
}
