/** The three clusters of the demo and the end-to-end tests, and the `temporal.toml` that names them. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clientConfigToToml, type ClientConfigProfile } from '@temporalio/envconfig';
import { startDevServer, type RunningServer, type ServerOptions } from './dev-server.ts';
import { temporaryDir } from './process.ts';
import { startGate, type Gate, type GateOptions } from './tls-gate.ts';
import { startV2Server } from './v2-server.ts';

/** `dev`: `temporal server start-dev`. `v1`, `v2`: a real `temporal-server`, with that engine for new schedules. */
export const engines = ['dev', 'v1', 'v2'] as const;
export type Engine = (typeof engines)[number];

export const profileNames = ['cloud', 'selfhosted', 'control'] as const;
export type ProfileName = (typeof profileNames)[number];

export interface StackOptions {
  /** @default 'dev' */
  cloud?: Engine;
  /** @default 'dev' */
  selfhosted?: Engine;
  /** Puts `cloud` behind TLS and an API key. @default true */
  tls?: boolean;
  /** For fault tests: what the gate before `cloud` does with a call. */
  treat?: GateOptions['treat'];
  /** All three keep their state in files, and can be restarted. @default false */
  persistent?: boolean;
  /** Server settings for all three. */
  dynamicConfig?: ServerOptions['dynamicConfig'];
}

export interface Stack {
  /** Path of the generated `temporal.toml`, with the profiles `cloud`, `selfhosted` and `control`. */
  configFile: string;
  /** The servers themselves; clients of `cloud` go through the gate, at `cloudAddress`. */
  servers: Record<ProfileName, RunningServer>;
  cloudAddress: string;
  /** Logs and generated configuration; removed by `stop`. */
  dir: string;
  /** Rejects when a server ends by itself. */
  died: Promise<never>;
  stop: () => Promise<void>;
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { cloud = 'dev', selfhosted = 'dev', tls = true, treat, persistent, dynamicConfig } = options;
  const dir = await temporaryDir();
  const undo: (() => Promise<void>)[] = [dir.remove];
  const stop = async () => {
    // Last in, first out: the gate goes before the server behind it.
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  const start = async (title: string, engine: Engine, namespace: string, keywords?: string[]) => {
    const common = { title, dir: dir.path, namespace, keywords, persistent, dynamicConfig };
    const server =
      engine === 'dev' ? await startDevServer(common) : await startV2Server({ ...common, chasm: engine === 'v2' });
    undo.push(server.stop);
    return server;
  };

  try {
    // Settled, not raced: a server that starts after another failed must be stopped as well.
    const starting = [
      start('cloud', cloud, 'prod.a1b2c', ['TenantId']),
      start('selfhosted', selfhosted, 'prod', ['TenantId']),
      start('control', 'dev', 'default'),
    ] as const;
    await Promise.allSettled(starting);
    const [cloudServer, selfhostedServer, controlServer] = await Promise.all(starting);

    const apiKey = randomBytes(24).toString('base64url');
    let gate: Gate | undefined;
    if (tls || treat) {
      gate = await startGate({ upstream: cloudServer.address, apiKey, treat });
      undo.push(gate.close);
    }
    const configFile = join(dir.path, 'temporal.toml');
    await writeConfig(configFile, {
      cloud: gate
        ? await throughGate('cloud', gate, { apiKey, namespace: cloudServer.namespace, dir: dir.path })
        : plain(cloudServer),
      selfhosted: plain(selfhostedServer),
      control: plain(controlServer),
    });
    return {
      configFile,
      servers: { cloud: cloudServer, selfhosted: selfhostedServer, control: controlServer },
      cloudAddress: gate?.address ?? cloudServer.address,
      dir: dir.path,
      died: Promise.race([cloudServer.died, selfhostedServer.died, controlServer.died]),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function plain({ address, namespace }: RunningServer): ClientConfigProfile {
  return { address, namespace };
}

/** The authority's certificate goes into a file of its own: CLI 1.5.1 refuses one that is given as data. */
export async function throughGate(
  name: string,
  gate: Gate,
  of: { apiKey: string; namespace: string; dir: string },
): Promise<ClientConfigProfile> {
  const { apiKey, namespace, dir } = of;
  const path = join(dir, `${name}-ca.pem`);
  await writeFile(path, gate.authority);
  // Without a name the client would send the address as one, which TLS does not allow for IP addresses.
  return { address: gate.address, namespace, apiKey, tls: { serverName: 'localhost', serverCACert: { path } } };
}

/** Readable by its owner alone: it holds the API key. */
export async function writeConfig(file: string, profiles: Record<ProfileName, ClientConfigProfile>): Promise<void> {
  await writeFile(file, clientConfigToToml({ profiles }), { mode: 0o600 });
}
