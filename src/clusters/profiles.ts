/**
 * Clusters are profiles of Temporal's own environment configuration (temporal.toml). TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE
 * and TEMPORAL_API_KEY in the environment would override every profile, which makes source and target one cluster
 * without a word: they are never applied here.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { type ClientConnectConfig, loadClientConfig, loadClientConnectConfig } from '@temporalio/envconfig';

export interface Profile {
  name: string;
  namespace: string;
  connect: ClientConnectConfig;
}

export class UnknownProfile extends Error {
  override name = 'UnknownProfile';
}

export class Profiles {
  readonly #file: string | undefined;

  /** `file` is the temporal.toml to read; without it, the CLI's default place. */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  names(): string[] {
    // The environment only says where the default file is.
    const config = this.#read(() => loadClientConfig({ configSource: this.#source() }));
    return Object.keys(config.profiles).toSorted();
  }

  /** Throws UnknownProfile naming the profiles there are. Connections are kept: a rotated key needs a new worker. */
  load(name: string): Profile {
    const known = this.names();
    // A file that is not there reads as an empty one.
    if (known.length === 0 && this.#file === undefined) throw new UnknownProfile(NOWHERE);
    if (known.length === 0 && this.#file !== undefined && !existsSync(this.#file))
      throw new UnknownProfile(absent(this.#file));
    if (!known.includes(name)) {
      throw new UnknownProfile(
        `no profile "${name}" in ${this.#file ?? 'the default temporal.toml'}; it has ${known.map((n) => `"${n}"`).join(', ') || 'none'}. ` +
          `Add [profile.${name}] with its address and namespace, or name one of those`,
      );
    }
    const connect = this.#read(() =>
      loadClientConnectConfig({ profile: name, configSource: this.#source(), disableEnv: true }),
    );
    if (!connect.namespace || !connect.connectionOptions.address) {
      const missing = connect.namespace ? 'address' : 'namespace';
      throw new UnknownProfile(`profile "${name}" has no ${missing}; add \`${missing} = "…"\` under [profile.${name}]`);
    }
    const { apiKey, metadata } = connect.connectionOptions;
    const badKey = typeof apiKey === 'string' && !isHeader('authorization', apiKey);
    const bad = badKey ? `api_key ${UNSENDABLE}` : unsendable('grpc_meta', metadata);
    if (bad !== undefined) throw new UnknownProfile(`profile "${name}": ${bad}`);
    return { name, namespace: connect.namespace, connect };
  }

  /** A file that is missing, is no TOML, or names a certificate that is not there, is the user's to mend. */
  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      const file = this.#file ?? 'the default temporal.toml';
      const lacking = missingPath(error);
      if (lacking !== undefined) {
        const where = `there is no file ${resolve(lacking)}`;
        throw new UnknownProfile(
          `${file} names "${lacking}", and ${where}: paths are relative to where the program is started`,
        );
      }
      throw new UnknownProfile(`${file} cannot be read: ${saidOf(error)}`);
    }
  }

  #source(): { path: string } | undefined {
    return this.#file === undefined ? undefined : { path: this.#file };
  }
}

const UNSENDABLE = 'has a character that no header can have (such as a line break at its end)';

/**
 * What of `metadata`, which is called `what`, cannot be sent as a header, without its value: gRPC refuses it at each call
 * with the value in its error, and errors of calls go to logs, and to the record's history.
 */
export function unsendable(what: string, metadata: Record<string, string | Buffer> = {}): string | undefined {
  for (const [name, value] of Object.entries(metadata)) {
    // Not shown: it may be a value in the wrong place.
    if (!isHeader(name)) return `a name in ${what} ${UNSENDABLE}`;
    // Of a binary one the error has no value.
    if (!name.toLowerCase().endsWith('-bin') && !isHeader(name, value)) return `${what} "${name}" ${UNSENDABLE}`;
  }
  return undefined;
}

function isHeader(name: string, value?: string | Buffer): boolean {
  try {
    new Metadata().set(name, value ?? (name.toLowerCase().endsWith('-bin') ? Buffer.of() : ''));
    return true;
  } catch {
    // Its message has the value.
    return false;
  }
}

const REMEDY = 'Copy temporal.example.toml, fill it in, and name it: export TEMPORAL_CONFIG_FILE="$PWD/temporal.toml"';

const NOWHERE =
  'there is no temporal.toml: TEMPORAL_CONFIG_FILE is not set, and the default place of the temporal command (on Linux ' +
  `~/.config/temporalio/temporal.toml) has none, or one without a profile. ${REMEDY}`;

function absent(path: string): string {
  const full = resolve(path);
  const looked = path === '' ? 'its path is empty' : `there is no file ${full}`;
  return `${looked}: TEMPORAL_CONFIG_FILE, or \`configFile\` in a program, is "${path}". ${REMEDY}`;
}

/** Of a certificate or key that a profile names. */
function missingPath(error: unknown): string | undefined {
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'path' in error;
  return missing && typeof error.path === 'string' ? error.path : undefined;
}

/**
 * What is wrong, and where. A parser shows the lines around its error, and in this file those hold keys: its first line
 * alone is passed on.
 */
function saidOf(error: unknown): string {
  const said = (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
  const line = error instanceof Error && 'line' in error ? error.line : undefined;
  return typeof line === 'number' ? `${said} (line ${line})` : said;
}
