#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  console.error(
    'ferry: it is not built yet: there is no dist/cli.js beside bin/. In a checkout run `npm ci && npm run build`, ' +
      'or use `npm run ferry -- <command>`, which needs no build.',
  );
  process.exitCode = 1;
}
