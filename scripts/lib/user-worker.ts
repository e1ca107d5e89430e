/** The tenants' own workers: one process serves their task queues on both clusters, as during a migration. */
import { fileURLToPath } from 'node:url';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger, makeTelemetryFilterString, Runtime, Worker } from '@temporalio/worker';
import { connectWorker } from './profiles.ts';

const workflowsPath = fileURLToPath(new URL('./user-workflows.ts', import.meta.url));

/** Stands for the tenants' own decryption: their workflows here do not look at what they are given. */
const codec: PayloadCodec = {
  encode: async (payloads) => payloads,
  decode: async (payloads) => payloads.map((payload) => (isEncrypted(payload) ? nothing : payload)),
};

const nothing: Payload = { metadata: { encoding: new TextEncoder().encode('binary/null') } };

function isEncrypted(payload: Payload): boolean {
  const encoding = payload.metadata?.encoding;
  return encoding !== undefined && encoding !== null && new TextDecoder().decode(encoding) === 'binary/encrypted';
}

export interface UserWorkers {
  /** Rejects when a worker fails. */
  failed: Promise<never>;
  stop: () => Promise<void>;
}

let quiet = false;

/** The SDK's runtime is one per process and must be set before its first use. */
export function quietRuntime(): void {
  const filter = makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' });
  if (!quiet) Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter } } });
  quiet = true;
}

export async function startUserWorkers(options: {
  configFile: string;
  profiles: string[];
  tenants: string[];
}): Promise<UserWorkers> {
  quietRuntime();
  const { configFile, profiles, tenants } = options;
  const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
  const connections = await Promise.all(profiles.map((profile) => connectWorker(profile, configFile)));
  const workers = await Promise.all(
    connections.flatMap(({ connection, namespace }) =>
      tenants.map((tenant) =>
        Worker.create({
          connection,
          namespace,
          taskQueue: `${tenant}-work`,
          workflowBundle,
          dataConverter: { payloadCodecs: [codec] },
          // Hundreds of workflows of a moment each: no cache to keep, few threads to share with the servers.
          reuseV8Context: true,
          maxCachedWorkflows: 50,
          workflowThreadPoolSize: 1,
          shutdownGraceTime: '1 second',
        }),
      ),
    ),
  );
  const running = workers.map((worker) => worker.run());
  const failed = new Promise<never>((_, reject) => {
    for (const run of running) run.catch(reject);
  });
  failed.catch(() => undefined);
  return {
    failed,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(running);
      await Promise.all(connections.map(({ connection }) => connection.close()));
    },
  };
}
