/** Connections to the profiles of a `temporal.toml`, as the product makes them. */
import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';

export interface Profile<C> {
  connection: C;
  namespace: string;
}

/**
 * With environment overrides off: TEMPORAL_ADDRESS and the like would turn every profile into the same cluster. Without
 * a file, the usual places are looked at (TEMPORAL_CONFIG_FILE, then the user's configuration directory).
 */
function load(profile: string, configFile?: string) {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig({
    profile,
    configSource: configFile ? { path: configFile } : undefined,
    disableEnv: true,
  });
  return { connectionOptions, namespace };
}

export async function connectProfile(profile: string, configFile?: string): Promise<Profile<Connection>> {
  const { connectionOptions, namespace } = load(profile, configFile);
  const { address, apiKey, tls, metadata } = connectionOptions;
  return { connection: await Connection.connect({ address, apiKey, tls, metadata: stringsOnly(metadata) }), namespace };
}

export async function connectWorker(profile: string, configFile?: string): Promise<Profile<NativeConnection>> {
  const { connectionOptions, namespace } = load(profile, configFile);
  return { connection: await NativeConnection.connect(connectionOptions), namespace };
}

function stringsOnly(metadata: Record<string, string | Buffer> | undefined): Record<string, string> | undefined {
  return metadata && Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, value.toString()]));
}
