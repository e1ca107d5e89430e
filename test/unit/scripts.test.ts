import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { helpText } from '../../scripts/lib/options.ts';

const root = new URL('../../', import.meta.url);
const manifest: { scripts: Record<string, string> } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
const scripts = Object.entries(manifest.scripts).flatMap(([name, command]): [string, string][] => {
  const file = /scripts\/[\w-]+\.ts/.exec(command)?.[0];
  return file === undefined ? [] : [[name, file]];
});

function run(file: string, option: string): Promise<{ code: number; out: string; err: string }> {
  const args = ['--import', 'tsx', fileURLToPath(new URL(file, root)), option];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, (_error, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });
}

test.each(scripts)(
  'npm run %s explains itself, and refuses what it does not know',
  { timeout: 60_000 },
  async (name, file) => {
    const [helped, refused] = await Promise.all([run(file, '--help'), run(file, '--halp')]);
    expect(helped).toMatchObject({ code: 0, err: '' });
    expect(helped.out).toMatch(
      new RegExp(String.raw`^npm run ${name}: [\s\S]*Usage: [\s\S]*--help +this text[\s\S]*It takes `),
    );
    const see = `See \`npm run ${name} -- --help\`.\n`;
    expect(refused).toEqual({ code: 2, out: '', err: `npm run ${name}: Unknown option '--halp'\n${see}` });
  },
);

test('options are told with what they take, how often, and what they are without', () => {
  const options: Parameters<typeof helpText>[0]['options'] = {
    way: { type: 'string', takes: '<way>', multiple: true, default: ['a', 'b'], says: 'only these' },
    json: { type: 'boolean', default: false, says: 'figures' },
  };
  expect(helpText({ name: 'x', does: 'y', lasts: 'a moment', options })).toContain(
    '  --way <way>  only these (may be given several times; default: a, b)\n  --json       figures\n',
  );
});
