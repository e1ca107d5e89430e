import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { cutOverPage } from '../../src/activities/cut-over.ts';
import type { FerryDeps } from '../../src/activities/deps.ts';
import { standby } from '../../src/schedules/shapes.ts';
import { seconds } from './schedules/forms.ts';

test('a page that was called off is asked for again, and what it has not handed over is no failure', async () => {
  const env = new MockActivityEnvironment();
  const user = { spec: { interval: [{ interval: seconds(60) }] }, state: { notes: 'nightly' } };
  const copy = standby(user, { kind: 'standby', owner: 'cloud', migration: 'm' });
  const seen = { futureMs: [], recent: [], running: [], buffered: 0, engine: 'v1' };
  const cloud = {
    profile: 'cloud',
    describe: async () => {
      // In the middle of the one schedule there is.
      env.cancel();
      return { ...seen, schedule: user };
    },
  };
  const selfhosted = { profile: 'selfhosted', describe: async () => ({ ...seen, schedule: copy }) };
  const get = (profile: string) => (profile === 'cloud' ? cloud : selfhosted);
  const deps = { clusters: { get } } as unknown as FerryDeps;
  const crossing = { tenant: 't', migration: 'm', from: 'cloud', to: 'selfhosted', selection: { all: true as const } };
  const page = { ...crossing, pageSize: 10, only: ['one'], cursor: 'here' };
  expect(await env.run(cutOverPage, deps, page)).toMatchObject({ seen: 0, handedOver: 0, failed: [], next: 'here' });
});
