/** One Prometheus that scrapes servers on this machine every second. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { prometheusPath } from './binaries.ts';
import { lastingPorts, startProcess } from './process.ts';
import { waitFor } from './wait.ts';

export interface RunningPrometheus {
  url: string;
  stop: () => Promise<void>;
}

/** `targets`: `host:port` of what serves `/metrics`. Returns once it serves queries. */
export async function startPrometheus(dir: string, targets: readonly string[]): Promise<RunningPrometheus> {
  const data = join(dir, 'prometheus');
  await mkdir(data, { recursive: true });
  const configFile = join(data, 'prometheus.yml');
  // JSON is YAML.
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'temporal', static_configs: [{ targets }] }],
  };
  await writeFile(configFile, JSON.stringify(config));
  const [port = 0] = await lastingPorts(1);
  const address = `127.0.0.1:${port}`;
  const command = [
    await prometheusPath(),
    `--config.file=${configFile}`,
    `--storage.tsdb.path=${data}`,
    `--web.listen-address=${address}`,
  ];
  const server = await startProcess('prometheus', command, dir);
  const url = `http://${address}`;
  try {
    const ready = waitFor({ what: 'Prometheus', timeoutMs: 60_000 }, async () => (await fetch(`${url}/-/ready`)).ok);
    await Promise.race([ready, server.died]);
    return { url, stop: server.stop };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
