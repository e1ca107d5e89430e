/**
 * The servers that demo and tests run, however this machine can have them: what the user names, what is installed,
 * what is in the cache, what the SDK can download, and at last a build from the Go module proxy.
 */
import { readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDir, cached, exists, findOnPath } from './cache.ts';
import { messageOf } from './errors.ts';
import { run } from './run.ts';

/** Later CLI releases have replace directives in their go.mod, which `go install` refuses. It embeds server 1.29.1. */
const cli = { package: 'github.com/temporalio/cli/cmd/temporal', version: '1.5.1', program: 'temporal' };

/** The newest server that the current Go 1.26 builds; schedules run on the V2 (CHASM) engine when told to. */
const server = { package: 'go.temporal.io/server/cmd/server', version: '1.32.1', program: 'server' };

/** For the gates' tests; any 2.x or 3.x will do. */
const prometheus = {
  package: 'github.com/prometheus/prometheus/cmd/prometheus',
  version: '0.316.0',
  program: 'prometheus',
};

const downloads = 'https://temporal.download/cli/default';

/** The `temporal` command, for `temporal server start-dev`. */
export async function temporalCliPath(): Promise<string> {
  const given = await fromEnvironment('TEMPORAL_CLI_PATH');
  if (given) return given;
  const installed = await findOnPath('temporal');
  if (installed) return installed;
  const built = join(cacheDir(), goEntry(cli));
  if (await exists(built)) return built;
  return (await downloadedCli()) ?? goInstalled(cli, 'the Temporal CLI', 'TEMPORAL_CLI_PATH');
}

/** A real `temporal-server`, as people self-host it. */
export async function temporalServerPath(): Promise<string> {
  return (
    (await fromEnvironment('TEMPORAL_SERVER_PATH')) ??
    goInstalled(server, `Temporal server ${server.version}`, 'TEMPORAL_SERVER_PATH')
  );
}

/** A Prometheus; Debian's package is unpacked, not installed, so that none runs on this machine afterwards. */
export async function prometheusPath(): Promise<string> {
  const given = (await fromEnvironment('PROMETHEUS_PATH')) ?? (await findOnPath('prometheus'));
  if (given) return given;
  const built = join(cacheDir(), goEntry(prometheus));
  if (await exists(built)) return built;
  return (await unpackedPrometheus()) ?? goInstalled(prometheus, 'Prometheus', 'PROMETHEUS_PATH');
}

async function unpackedPrometheus(): Promise<string | undefined> {
  if (!(await findOnPath('apt-get')) || !(await findOnPath('dpkg-deb'))) return undefined;
  try {
    return await cached('prometheus-debian/prometheus', async (dir) => {
      // A machine that has just been made knows no packages yet; only root may change that.
      const download = (): Promise<string> => run('apt-get', ['download', 'prometheus'], { cwd: dir });
      await download().catch(() => run('apt-get', ['update', '-qq']).then(download));
      const [file] = (await readdir(dir)).filter((name) => name.endsWith('.deb'));
      if (!file) throw new Error('apt-get left no package behind');
      await run('dpkg-deb', ['-x', file, 'unpacked'], { cwd: dir });
      await rename(join(dir, 'unpacked/usr/bin/prometheus'), join(dir, 'prometheus'));
      await rm(join(dir, 'unpacked'), { recursive: true });
      await rm(join(dir, file));
    });
  } catch (error) {
    console.error(`Debian's package of Prometheus could not be had (${messageOf(error)}); building instead`);
    return undefined;
  }
}

async function fromEnvironment(name: string): Promise<string | undefined> {
  const path = process.env[name];
  if (path && !(await exists(path))) throw new Error(`${name} is ${path}, and nothing is there`);
  return path || undefined;
}

/** The SDK downloads the CLI for its own test environment; a child process keeps its runtime out of ours. */
async function downloadedCli(): Promise<string | undefined> {
  const path = join(cacheDir(), 'cli-download/temporal');
  if (await exists(path)) return path;
  // The SDK's download has no timeout of its own, and behind a firewall it may hang for minutes: ask first.
  const reachable = await fetch(`${downloads}?arch=amd64&platform=linux&format=tar.gz`, {
    signal: AbortSignal.timeout(4_000),
  }).then(
    (response) => response.ok,
    () => false,
  );
  if (!reachable) return undefined;
  console.error('Downloading the Temporal CLI, once');
  const script = `
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const executable = { type: 'cached-download', downloadDir: process.argv[1] };
    const env = await TestWorkflowEnvironment.createLocal({ server: { executable } });
    await env.teardown();`;
  try {
    return await cached('cli-download/temporal', async (dir) => {
      const here = fileURLToPath(new URL('.', import.meta.url));
      await run(process.execPath, ['--input-type=module', '--eval', script, dir], { cwd: here });
      const [file] = (await readdir(dir)).filter((name) => name.startsWith('temporal-'));
      if (!file) throw new Error('the SDK left no executable behind');
      await rename(join(dir, file), join(dir, 'temporal'));
    });
  } catch (error) {
    console.error(`The download failed (${messageOf(error)}); building instead`);
    return undefined;
  }
}

type GoProgram = typeof cli;

function goEntry(program: GoProgram): string {
  return `${program.program}-${program.version}/${program.program}`;
}

async function goInstalled(program: GoProgram, title: string, variable: string): Promise<string> {
  return cached(goEntry(program), async (dir) => {
    if (!(await findOnPath('go'))) {
      throw new Error(
        `${title} is not on this machine and cannot be built, because Go is not installed. ` +
          `Either install Go 1.26 or later, or name an executable in ${variable}` +
          (program === cli ? ', or install the CLI (https://docs.temporal.io/cli) so that it is on the PATH.' : '.'),
      );
    }
    console.error(`building ${title} from source, about 4 minutes the first time`);
    // Without symbols it links in half the time, and nobody debugs it here.
    await run('go', ['install', '-ldflags=-s -w', `${program.package}@v${program.version}`], {
      cwd: dir,
      env: { ...process.env, GOBIN: dir, GOWORK: 'off' },
    });
  });
}
