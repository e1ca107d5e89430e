/** Reads the command line, runs the command, and turns whatever goes wrong into a message and an exit code. */
import { readFileSync } from 'node:fs';
import { REAL_TIME } from '../clusters/real-time.ts';
import type { FerryOptions } from '../compose.ts';
import { type Asked, readArguments } from './args.ts';
import type { Audit } from './audit-args.ts';
import type { Compare } from './compare-args.ts';
import type { Output } from './commands.ts';
import type { LookOn } from './drained.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import { help } from './help.ts';
import type { RouteAsked } from './route-args.ts';

export async function main(args: string[], env: NodeJS.ProcessEnv, io: Output): Promise<ExitCode> {
  try {
    return await run(readArguments(args), env, io);
  } catch (error) {
    const { explain } = await import('./errors.ts');
    const { code, message } = explain(error, env.FERRY_CONTROL_PROFILE ?? 'control');
    io.err(`ferry: ${message}`);
    return code;
  }
}

async function run(asked: Asked, env: NodeJS.ProcessEnv, io: Output): Promise<ExitCode> {
  switch (asked.do) {
    case 'help':
      io.out(help(asked.topic));
      return EXIT.ok;
    case 'version':
      io.out(version());
      return EXIT.ok;
    case 'worker': {
      // The SDK's worker takes a moment to load: only who needs it waits for it.
      const { optionsFromEnvironment, runWorker } = await import('../worker.ts');
      await runWorker(optionsFromEnvironment(env));
      return EXIT.ok;
    }
    case 'audit':
    case 'compare': {
      const { optionsFromEnvironment } = await import('../worker.ts');
      return await withClusters(asked, optionsFromEnvironment(env), io);
    }
    case 'migrate':
    case 'plan':
    case 'rollout':
    case 'status':
    case 'route':
    case 'reconcile':
    case 'step':
    case 'steer': {
      const { optionsFromEnvironment } = await import('../worker.ts');
      return await withControl(asked, optionsFromEnvironment(env), io);
    }
  }
}

async function withClusters(asked: Audit | Compare, options: FerryOptions, io: Output): Promise<ExitCode> {
  const { Clusters } = await import('../compose.ts');
  const { Profiles } = await import('../clusters/profiles.ts');
  const clusters = new Clusters(new Profiles(options.configFile));
  try {
    if (asked.do === 'audit') return await (await import('./audit.ts')).audit(clusters, asked, io);
    return await (await import('./compare.ts')).compare(clusters, asked, io);
  } finally {
    await clusters.close();
  }
}

async function withControl(
  asked: Exclude<Asked, { do: 'help' | 'version' | 'worker' | 'audit' | 'compare' }>,
  options: FerryOptions,
  io: Output,
): Promise<ExitCode> {
  const { TASK_QUEUE, controlClient } = await import('../compose.ts');
  const { temporalControl } = await import('./control.ts');
  const { temporalRollouts } = await import('./rollouts.ts');
  const commands = await import('./commands.ts');
  const { route } = await import('./route.ts');
  if (asked.do === 'route') await requireProfiles(asked, options);
  const { client, close } = readable(options, () => controlClient(options));
  try {
    const control = temporalControl(client, options.taskQueue ?? TASK_QUEUE);
    const rollouts = temporalRollouts(client, options.taskQueue ?? TASK_QUEUE);
    const world = { control, rollouts, io, pause: (ms: number) => REAL_TIME.sleep(ms) };
    switch (asked.do) {
      case 'migrate':
        return await commands.migrate(world, asked);
      case 'plan':
        return await commands.plan(world, asked);
      case 'rollout':
        return await (await import('./rollout.ts')).rollout(world, asked);
      case 'status':
        return await commands.status(world, asked);
      case 'route':
        return await withLook(options, (lookOn) => route(world, asked, lookOn));
      case 'steer':
        return await commands.steer(world, asked);
      case 'reconcile': {
        const { reconcile } = await import('./reconcile.ts');
        return await reconcile(client, options.taskQueue ?? TASK_QUEUE, asked, io);
      }
      case 'step': {
        const { singleStep } = await import('./steps.ts');
        return await singleStep(client, options.taskQueue ?? TASK_QUEUE, asked, io);
      }
    }
  } finally {
    await close();
  }
}

/** Connects to a cluster only when it is looked at. */
async function withLook<T>(
  { configFile }: FerryOptions,
  use: (lookOn: (query: string) => LookOn) => Promise<T>,
): Promise<T> {
  const { Clusters } = await import('../compose.ts');
  const { Profiles } = await import('../clusters/profiles.ts');
  const { openByType } = await import('../activities/workflows.ts');
  const clusters = new Clusters(new Profiles(configFile));
  try {
    return await use((query) => async (profile) => openByType(clusters.get(profile), query));
  } finally {
    await clusters.close();
  }
}

/** A misspelt profile would leave every service without a cluster. Throws UnknownProfile. */
async function requireProfiles({ change }: RouteAsked, options: FerryOptions): Promise<void> {
  if (change === null || 'drained' in change) return;
  const { configFile, controlProfile = 'control' } = options;
  const { Profiles } = await import('../clusters/profiles.ts');
  const profiles = new Profiles(configFile);
  const { to, current } = change;
  for (const name of [to.cluster, to.split?.cluster, current]) {
    if (name === controlProfile) {
      throw new CliError(
        EXIT.usage,
        `"${name}" is the control namespace, where migrations run and no service has workflows; name one of the clusters. ` +
          'Nothing was changed.',
      );
    }
    if (name !== undefined) profiles.load(name);
  }
}

/** A temporal.toml that is not one stands between us and the cluster as much as an absent profile. */
function readable<T>({ configFile }: FerryOptions, connect: () => T): T {
  try {
    return connect();
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'UnknownProfile') throw error;
    const file = configFile ?? 'temporal.toml';
    throw new CliError(
      EXIT.unreachable,
      `${file} cannot be read: ${error.message}\nCompare it with temporal.example.toml.`,
    );
  }
}

function version(): string {
  // Two folders up, from src/cli and from dist/cli alike.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const manifest: { version: string } = JSON.parse(text);
  return manifest.version;
}
