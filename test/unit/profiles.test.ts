import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Profiles, UnknownProfile } from '../../src/clusters/profiles.ts';

const KEY = 'sk-very-secret-0123456789';
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ferry-profiles-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** What a reader is told of a file that will not do. */
function said(file: string | undefined): string {
  try {
    return new Profiles(file).load('cloud').name;
  } catch (error) {
    if (error instanceof UnknownProfile) return error.message;
    throw error;
  }
}

describe('a temporal.toml that cannot be read', () => {
  test.each([
    ['a quote left open', `api_key = "${KEY}`],
    ['no quotes', `api_key = ${KEY}`],
    ['the same twice', `api_key = "${KEY}"\napi_key = "${KEY}"`],
    ['an error on the line after', `api_key = "${KEY}"\nnamespace =`],
  ])('with %s says where, and never what is in it', async (_what, lines) => {
    const file = join(dir, 'temporal.toml');
    await writeFile(file, `[profile.cloud]\naddress = "localhost:1"\n${lines}\n`);
    expect(said(file)).toMatch(/temporal\.toml cannot be read: .*line \d/);
    expect(said(file)).not.toContain(KEY.slice(0, 6));
  });
});

test('a certificate that is not there is named in full, with what its path is relative to', () => {
  const file = new URL('../../temporal.example.toml', import.meta.url).pathname;
  const load = () => new Profiles(file).load('control');
  expect(load).toThrow(/names "certificates\/[^"]+", and there is no file \/.*\/certificates\/.*: paths are relative/);
});

describe('a temporal.toml that is not there', () => {
  test('is named in full, with where its path came from and what to do', () => {
    const told = said('absent/temporal.toml');
    expect(told).toContain(`there is no file ${join(process.cwd(), 'absent/temporal.toml')}`);
    expect(told).toMatch(/TEMPORAL_CONFIG_FILE.* is "absent\/temporal\.toml".*Copy temporal\.example\.toml/);
  });

  test('at the default place says that nothing names another', () => {
    vi.stubEnv('XDG_CONFIG_HOME', dir);
    vi.stubEnv('TEMPORAL_CONFIG_FILE', undefined);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(said(undefined)).toMatch(/TEMPORAL_CONFIG_FILE is not set, and the default place.*Copy temporal\.example/);
  });
});
