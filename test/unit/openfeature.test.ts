import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { OpenFeature } from '@openfeature/server-sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../scripts/lib/wait.ts';
import { clusterOf, type Route } from '../../src/routes/route.ts';
import { FerryProvider, flagRoutes } from '../../src/openfeature/index.ts';

const T = Date.parse('2026-11-24T12:00:00Z');
const changing: Route = {
  from: { cluster: 'cloud', split: null },
  to: { cluster: 'selfhosted', split: null },
  at: new Date(T).toISOString(),
  undrained: ['cloud'],
};
const split: Route = {
  from: null,
  to: { cluster: 'cloud', split: { cluster: 'selfhosted', percent: 40 } },
  at: null,
  undrained: [],
};

afterAll(async () => {
  await OpenFeature.close();
});

let now = T;
beforeAll(async () => {
  const routes = {
    route: async (tenant: string): Promise<Route> => {
      if (tenant === 'acme') return changing;
      if (tenant === 'split') return split;
      throw new Error(`tenant "${tenant}" has no route`);
    },
  };
  await OpenFeature.setProviderAndWait('ferry', new FerryProvider(routes, () => now));
});

test('the provider answers with the cluster of the moment, and tells when that changes', async () => {
  const client = OpenFeature.getClient('ferry');
  now = T - 1;
  expect(await client.getStringDetails('cluster', 'none', { targetingKey: 'acme' })).toMatchObject({
    value: 'cloud',
    variant: 'cloud',
    reason: 'TARGETING_MATCH',
    flagMetadata: { changesAt: '2026-11-24T12:00:00.000Z' },
  });
  now = T;
  expect(await client.getStringValue('any-key', 'none', { targetingKey: 'acme' })).toBe('selfhosted');
});

test('with a workflow id it tells the side of a split, without one the larger part', async () => {
  const client = OpenFeature.getClient('ferry');
  const ids = Array.from({ length: 50 }, (_, n) => `order-${n}`);
  const asked = await Promise.all(
    ids.map((workflowId) => client.getStringDetails('cluster', 'none', { targetingKey: 'split', workflowId })),
  );
  expect(asked.map(({ value }) => value)).toEqual(ids.map((id) => clusterOf(split.to, id)));
  expect(new Set(asked.map(({ value, reason }) => `${value} ${reason}`))).toEqual(
    new Set(['cloud SPLIT', 'selfhosted SPLIT']),
  );
  expect(await client.getStringValue('cluster', 'none', { targetingKey: 'split' })).toBe('cloud');
});

test('what it cannot answer gets the default, with the reason', async () => {
  const client = OpenFeature.getClient('ferry');
  expect(await client.getStringDetails('cluster', 'none', { targetingKey: 'typo' })).toMatchObject({
    value: 'none',
    reason: 'ERROR',
    errorCode: 'GENERAL',
    errorMessage: 'tenant "typo" has no route',
  });
  expect(await client.getStringDetails('cluster', 'none')).toMatchObject({
    value: 'none',
    errorCode: 'TARGETING_KEY_MISSING',
  });
  expect(await client.getBooleanDetails('cluster', true, { targetingKey: 'acme' })).toMatchObject({
    value: true,
    errorCode: 'TYPE_MISMATCH',
  });
  expect((await client.getNumberDetails('cluster', 1, { targetingKey: 'acme' })).errorCode).toBe('TYPE_MISMATCH');
  expect((await client.getObjectDetails('cluster', {}, { targetingKey: 'acme' })).errorCode).toBe('TYPE_MISMATCH');
});

test('a flagd file decides where a tenant starts, and its change is followed', { timeout: 30_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'flagd-'));
  const file = join(dir, 'flags.json');
  const write = async (cluster: string): Promise<void> => {
    const flag = {
      state: 'ENABLED',
      variants: { cloud: 'cloud', selfhosted: 'selfhosted', moon: 'moon' },
      defaultVariant: 'cloud',
      targeting: { if: [{ '===': [{ var: 'targetingKey' }, 'acme'] }, cluster, 'moon'] },
    };
    // In one step: a reader must not see half of a file.
    await writeFile(`${file}.new`, JSON.stringify({ flags: { cluster: flag } }));
    await rename(`${file}.new`, file);
  };
  await write('cloud');
  try {
    const provider = new FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath: file });
    await OpenFeature.setProviderAndWait('flagd', provider);
    const clusters = ['cloud', 'selfhosted'];
    const client = OpenFeature.getClient('flagd');
    const routes = flagRoutes({ client, flagKey: 'cluster', clusters });
    expect(await routes.route('acme')).toEqual({
      to: { cluster: 'cloud', split: null },
      from: null,
      at: null,
      undrained: ['selfhosted'],
    });
    await write('selfhosted');
    await waitFor({ what: 'the change of the file', timeoutMs: 20_000 }, async () => {
      const { to, undrained } = await routes.route('acme');
      return to.cluster === 'selfhosted' && undrained.join(',') === 'cloud';
    });

    await expect(routes.route('other')).rejects.toThrow(
      'flag "cluster" says "moon" for tenant "other", and the clusters are "cloud", "selfhosted"; let the flag say one of those',
    );
    const misspelt = flagRoutes({ client, flagKey: 'clutser', clusters });
    await expect(misspelt.route('acme')).rejects.toThrow(
      /flag "clutser" has no answer for tenant "acme" \(FLAG_NOT_FOUND.*nothing is started on a guess/,
    );
  } finally {
    await OpenFeature.clearProviders();
    await rm(dir, { recursive: true, force: true });
  }
});
