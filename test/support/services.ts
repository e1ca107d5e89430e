/** Two real clusters behind networks that can be cut, the workers of a service on both, and records made by hand. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { activityInfo, CompleteAsyncError } from '@temporalio/activity';
import { Client, type Connection, type DataConverter } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, Worker } from '@temporalio/worker';
import { connectProfile, connectWorker } from '../../scripts/lib/profiles.ts';
import { type Stack, startStack } from '../../scripts/lib/stack.ts';
import { type Cutter, startCutter } from '../../scripts/lib/tcp-cutter.ts';
import { quietRuntime } from '../../scripts/lib/user-worker.ts';
import { TenantClients, type TenantClientsOptions } from '../../src/services/tenant-clients.ts';

const workflowsPath = fileURLToPath(new URL('service-workflows.ts', import.meta.url));
export const TASK_QUEUE = 'orders';

export type ClusterName = 'cloud' | 'selfhosted';
export const clusterNames: ClusterName[] = ['cloud', 'selfhosted'];

/** So that a payload that was not encoded, or twice, is noticed. */
export const dataConverter: DataConverter = {
  payloadCodecs: [
    {
      encode: async (payloads) =>
        payloads.map((payload) => ({
          metadata: {
            encoding: Buffer.from('test/mirrored'),
            inner: payload.metadata?.['encoding'] ?? Buffer.from(''),
          },
          data: mirrored(payload.data),
        })),
      decode: async (payloads) =>
        payloads.map((payload) =>
          Buffer.from(payload.metadata?.['encoding'] ?? []).toString() === 'test/mirrored'
            ? { metadata: { encoding: payload.metadata?.['inner'] ?? Buffer.from('') }, data: mirrored(payload.data) }
            : payload,
        ),
    },
  ],
};

function mirrored(data: Uint8Array | null | undefined): Uint8Array {
  return Buffer.from(data ?? []).reverse();
}

export interface ServiceWorld {
  stack: Stack;
  /** A temporal.toml whose clusters are behind the cutters. */
  configFile: string;
  cutters: Record<ClusterName | 'control', Cutter>;
  /** Straight to one cluster, as somebody without the library. */
  direct: Record<ClusterName, Client>;
  /** Makes, or replaces, the record of a tenant, with this route in its memo. */
  publish: (tenant: string, route: unknown) => Promise<void>;
  /** Terminates the record. */
  end: (tenant: string) => Promise<void>;
  clients: (options?: TenantClientsOptions) => TenantClients;
  /** A file with some of the profiles alone. */
  fileWith: (...profiles: string[]) => Promise<string>;
  /** Task tokens of the activities that wait for a client. */
  tokens: Map<string, Uint8Array>;
  stop: () => Promise<void>;
}

export async function createServiceWorld(): Promise<ServiceWorld> {
  quietRuntime();
  const undo: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    const stack = await startStack({ selfhosted: 'v2' });
    undo.push(stack.stop);
    const cutter = async (address: string): Promise<Cutter> => {
      const made = await startCutter(address);
      undo.push(made.close);
      return made;
    };
    const addresses = {
      cloud: stack.cloudAddress,
      selfhosted: stack.servers.selfhosted.address,
      control: stack.servers.control.address,
    };
    const cutters = {
      cloud: await cutter(addresses.cloud),
      selfhosted: await cutter(addresses.selfhosted),
      control: await cutter(addresses.control),
    };
    let config = await readFile(stack.configFile, 'utf8');
    for (const name of ['cloud', 'selfhosted', 'control'] as const) {
      config = config.replace(addresses[name], cutters[name].address);
    }
    const configFile = join(stack.dir, 'services.toml');
    await writeFile(configFile, config, { mode: 0o600 });

    const connect = async (name: string): Promise<Client> => {
      const { connection, namespace } = await connectProfile(name, stack.configFile);
      undo.push(() => connection.close());
      return new Client({ connection, namespace, dataConverter });
    };
    const direct = { cloud: await connect('cloud'), selfhosted: await connect('selfhosted') };
    const control = await connectProfile('control', stack.configFile);
    undo.push(() => control.connection.close());

    const tokens = new Map<string, Uint8Array>();
    const activities = {
      later: async (): Promise<string> => {
        const { taskToken, workflowExecution } = activityInfo();
        tokens.set(workflowExecution?.workflowId ?? '', taskToken);
        throw new CompleteAsyncError();
      },
    };
    const workflowBundle = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
    for (const name of clusterNames) {
      const { connection, namespace } = await connectWorker(name, stack.configFile);
      const worker = await Worker.create({
        connection,
        namespace,
        taskQueue: TASK_QUEUE,
        workflowBundle,
        activities,
        dataConverter,
        reuseV8Context: true,
        maxCachedWorkflows: 200,
        workflowThreadPoolSize: 1,
        shutdownGraceTime: '1 second',
      });
      const running = worker.run();
      undo.push(async () => {
        worker.shutdown();
        await running;
        await connection.close();
      });
    }
    return {
      stack,
      configFile,
      cutters,
      direct,
      publish: (tenant, route) => publish(control, tenant, route),
      end: async (tenant) => {
        await new Client(control).workflow.getHandle(`tenant/${tenant}`).terminate();
      },
      clients: (options = {}) => {
        const made = new TenantClients({ configFile, client: { dataConverter }, ...options });
        undo.push(() => made.close());
        return made;
      },
      fileWith: async (...profiles) => {
        const sections = config.split(/^(?=\[profile\.\w+\])/m);
        const file = join(stack.dir, `${randomUUID()}.toml`);
        await writeFile(
          file,
          sections.filter((section) => profiles.some((name) => section.startsWith(`[profile.${name}]`))).join('\n'),
          { mode: 0o600 },
        );
        return file;
      },
      tokens,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** No worker runs it: a record is read without one. */
async function publish(
  control: { connection: Connection; namespace: string },
  tenant: string,
  route: unknown,
): Promise<void> {
  await new Client(control).workflow.start('HandMadeRecord', {
    workflowId: `tenant/${tenant}`,
    taskQueue: 'nobody',
    workflowIdConflictPolicy: 'TERMINATE_EXISTING',
    memo: route === undefined ? {} : { route },
  });
}
