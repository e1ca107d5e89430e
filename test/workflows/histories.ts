/** Recorded histories, `test/replay/histories/<version>-<scenario>.json.gz`. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { temporal } from '@temporalio/proto';

type History = temporal.api.history.v1.IHistory;

const dir = new URL('../replay/histories/', import.meta.url);
const { History } = temporal.api.history.v1;

// Not the SDK's historyToJSON: it fails when npm installs protobufjs more than once ("type must be a Type").
export async function recordHistory(scenario: string, history: History): Promise<void> {
  const { default: manifest } = await import('../../package.json', { with: { type: 'json' } });
  const json = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });
  await mkdir(dir, { recursive: true });
  await writeFile(new URL(`${manifest.version}-${scenario}.json.gz`, dir), gzipSync(JSON.stringify(json)));
}

export async function recordedHistories(): Promise<string[]> {
  return (await readdir(dir)).filter((file) => file.endsWith('.json.gz')).toSorted();
}

export async function readHistory(file: string): Promise<History> {
  return History.fromObject(JSON.parse(gunzipSync(await readFile(new URL(file, dir))).toString()));
}
