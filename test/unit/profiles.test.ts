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

describe('what no header can have is refused before it is sent, and never shown', () => {
  test.each([
    ['an API key with a line break', `api_key = "${KEY}\\n"`, 'api_key has'],
    ['an API key of several lines', `api_key = """\n${KEY}\n"""`, 'api_key has'],
    ['an API key with a letter beyond ASCII', `api_key = "${KEY}é"`, 'api_key has'],
    ['metadata with a line break', `grpc_meta = { "x-key" = "${KEY}\\r\\n" }`, 'grpc_meta "x-key" has'],
    ['a name with a space', `grpc_meta = { "Bearer ${KEY}" = "x" }`, 'a name in grpc_meta has'],
  ])('%s', async (_what, line, told) => {
    const file = join(dir, 'temporal.toml');
    await writeFile(file, `[profile.cloud]\naddress = "localhost:1"\nnamespace = "n"\n${line}\n`);
    expect(said(file)).toBe(
      `profile "cloud": ${told} a character that no header can have (such as a line break at its end)`,
    );
  });

  test('what is in order passes', async () => {
    const file = join(dir, 'temporal.toml');
    const lines = `api_key = "${KEY}"\ngrpc_meta = { X_Team = "a b" }`;
    await writeFile(file, `[profile.cloud]\naddress = "localhost:1"\nnamespace = "n"\n${lines}\n`);
    expect(said(file)).toBe('cloud');
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
