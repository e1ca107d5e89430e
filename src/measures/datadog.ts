/** Datadog's metrics query (API v1), which also does arithmetic between queries. */
import type { SettingsOf } from '../gates/measure-input.ts';
import type { Measurement, Sample } from '../gates/measurement.ts';
import { type Answer, ask, isObject, type Question, quoted } from './http.ts';
import { filledIn, type Measure, type MeasureContext } from './measure.ts';

export interface DatadogAccount {
  /** Such as `datadoghq.eu`; with a scheme it is the whole base address, for a proxy. */
  site: string;
  apiKey?: string;
  appKey?: string;
}

const SERVER = 'Datadog';

export class Datadog implements Measure<SettingsOf<'datadog'>> {
  readonly #account: DatadogAccount | undefined;
  readonly #timeoutMs: number | undefined;

  constructor(account: DatadogAccount | undefined, timeoutMs?: number) {
    this.#account = account;
    this.#timeoutMs = timeoutMs;
  }

  async measure({ query, over }: SettingsOf<'datadog'>, context: MeasureContext): Promise<Measurement> {
    const { url, apiKey, appKey } = this.#configured();
    const until = Math.floor(Date.now() / 1000);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/query`;
    url.search = new URLSearchParams({
      from: String(until - Math.round(over / 1000)),
      to: String(until),
      query: filledIn(query, context),
    }).toString();
    const question: Question = {
      server: SERVER,
      url,
      headers: { 'dd-api-key': apiKey, 'dd-application-key': appKey },
      secrets: [apiKey, appKey],
      signal: context.signal,
      timeoutMs: this.#timeoutMs,
    };
    return { values: readSeries(await ask(question), question), said: [] };
  }

  #configured(): { url: URL; apiKey: string; appKey: string } {
    const { site = '', apiKey, appKey } = this.#account ?? {};
    if (!apiKey || !appKey)
      throw new Error('this worker knows no Datadog account: set DD_API_KEY and DD_APP_KEY for it');
    const address = site.includes('://') ? site : `https://api.${site}`;
    if (!URL.canParse(address)) throw new Error('FERRY_DATADOG_SITE is no site such as datadoghq.eu');
    return { url: new URL(address), apiKey, appKey };
  }
}

/** The newest point of each series that has a value; a series without any says nothing, which is not a number. */
function readSeries({ status, json }: Answer, question: Question): Sample[] {
  if (status === 429) throw new Error(`${SERVER} answered 429: more queries than the account may ask`);
  const { errors, status: said, error, series } = isObject(json) ? json : {};
  if (status !== 200 || said === 'error' || !Array.isArray(series)) {
    const words = [error, ...(Array.isArray(errors) ? errors : [])]
      .map((each) => quoted(each, question))
      .filter(Boolean);
    throw new Error(`${SERVER} answered ${status}: ${words.join(', ') || 'nothing its query API would say'}`);
  }
  return series.map((each: unknown): Sample => {
    if (!isObject(each) || !Array.isArray(each.pointlist))
      throw new Error(`${SERVER} answered with a series without points`);
    const values = each.pointlist.map((point: unknown) => (Array.isArray(point) ? (point[1] as unknown) : undefined));
    const last = values.findLast((value) => value !== null);
    if (last !== undefined && typeof last !== 'number')
      throw new Error(`${SERVER} answered with a value that is no number`);
    const { scope } = each;
    const labels: Record<string, string> = typeof scope === 'string' && scope !== '' && scope !== '*' ? { scope } : {};
    return { labels, value: last ?? NaN };
  });
}
