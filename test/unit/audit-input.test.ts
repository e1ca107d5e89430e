import { expect, test } from 'vitest';
import { type AuditSettings, rangeOf, readAuditInput } from '../../src/workflows/audit-input.ts';
import { readArguments } from '../../src/cli/args.ts';

const defaults: AuditSettings = {
  tenant: 'acme',
  clusters: ['cloud', 'selfhosted'],
  selection: { query: "TenantId = 'acme'" },
  sinceMs: 3_600_000,
  range: undefined,
  lateAfterMs: 60_000,
  pageSize: 250,
};

const HOUR = Date.UTC(2026, 10, 24);
const range = { fromMs: HOUR, toMs: HOUR + 6 * 3_600_000 };

const accepted: [object, Partial<AuditSettings>][] = [
  [{ tenant: 'acme' }, {}],
  [{ tenant: 'acme', cluster: 'selfhosted' }, { clusters: ['selfhosted'] }],
  [{ tenant: 'acme', from: 'selfhosted', to: 'cloud' }, { clusters: ['selfhosted', 'cloud'] }],
  [
    { tenant: 'acme', schedules: { prefix: 'a-' }, since: '2 days' },
    { selection: { prefix: 'a-' }, sinceMs: 172_800_000 },
  ],
  [
    { tenant: 'acme', range: '2026-11-24T00:00:00Z/2026-11-24T06:00:00Z', lateAfter: '5s' },
    { range, lateAfterMs: 5000 },
  ],
  [{ tenant: 'acme', range: '2026-11-24T01:00:00+01:00/2026-11-24T06:00Z' }, { range }],
];

test.each(accepted)('%j', (input, settings) => {
  expect(readAuditInput([input])).toEqual({ ...defaults, ...settings });
});

const refused: [unknown, RegExp][] = [
  [{}, /tenant: found nothing/],
  ['acme', /write \{"tenant": "acme"\}/],
  [{ tenant: 'acme', from: 'cloud', to: 'cloud' }, /to: found "cloud".*or one as `cluster`/],
  [{ tenant: 'acme', cluster: 'cloud', from: 'cloud' }, /cluster: found "cloud" beside `from`/],
  [
    { tenant: 'acme', since: '1h', range: '2026-11-24T00:00:00Z/2026-11-24T06:00:00Z' },
    /range: found one beside `since`/,
  ],
  [{ tenant: 'acme', range: 'yesterday' }, /range: found "yesterday".*two times with a slash/],
  [{ tenant: 'acme', range: '2026-11-24/2026-11-25' }, /"2026-11-24" is no time with its zone/],
  [{ tenant: 'acme', range: '2026-11-24T06:00:00Z/2026-11-24T00:00:00Z' }, /write the earlier time first/],
  [{ tenant: 'acme', lateAfter: 60 }, /say the unit in quotes: "60s"/],
  [{ tenant: 'acme', pageSize: 0 }, /pageSize: found the number 0/],
  [{ tenant: "'acme'" }, /schedules: found nothing, and a tenant name/],
];

test.each(refused)('%j is refused', (input, message) => {
  expect(() => readAuditInput([input])).toThrow(message);
});

test('the last 30 s are left out, whole seconds, the end inclusive', () => {
  const now = HOUR + 12_345_678;
  expect(rangeOf(readAuditInput([{ tenant: 'acme' }]), now)).toEqual({
    fromMs: HOUR + 8_746_000,
    untilMs: HOUR + 12_316_000,
  });
  const given = readAuditInput([{ tenant: 'acme', range: '2026-11-24T00:00:00Z/2026-11-24T06:00:00Z' }]);
  expect(rangeOf(given, range.toMs + 60_000)).toEqual({ fromMs: HOUR, untilMs: range.toMs + 1000 });
  expect(rangeOf(given, now)).toEqual({ fromMs: HOUR, untilMs: HOUR + 12_316_000 });
});

const audit = (...words: string[]) => readArguments(['audit', ...words]);

test('ferry audit reads the same from words', () => {
  expect(audit('acme')).toEqual({ do: 'audit', settings: defaults, json: false, every: false });
  expect(audit('acme', '--cluster', 'cloud', '--since=24h', '--late-after', '5s', '--json', '--every-time')).toEqual({
    do: 'audit',
    settings: { ...defaults, clusters: ['cloud'], sinceMs: 86_400_000, lateAfterMs: 5000 },
    json: true,
    every: true,
  });
  expect(audit('acme', '--all-schedules')).toMatchObject({ settings: { selection: { all: true } } });
  expect(audit('acme', '--json', '--all')).toMatchObject({ every: true });
  expect(() => audit('acme', '--all')).toThrow(/give --json with it/);
  expect(() => audit('acme', '--prefix', 'a', '--all-schedules')).toThrow(/said by one of them/);
  expect(() => audit()).toThrow(/came without the name of a tenant/);
  expect(() => audit('acme', '--sinse', '1h')).toThrow(/did you mean --since/);
});
