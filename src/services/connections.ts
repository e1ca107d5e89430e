/** One lazy connection per profile, shared by all tenants. Nothing is sent before the first call. */
import {
  Connection,
  type ConnectionOptions,
  type WorkflowService,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
} from '@temporalio/client';
import type { Interceptor } from '@grpc/grpc-js';
import { type Profiles, UnknownProfile, unsendable } from '../clusters/profiles.ts';
import { exceptNonIdempotent } from '../clusters/retries.ts';
import type { Side } from './ports.ts';
import { type Call, methodsOf, serviceOf } from './methods.ts';
import type { CallScope } from './scope.ts';
import { UntilClosed } from '../clusters/until-closed.ts';

/** What may be added to a profile: gRPC interceptors (behind the retries), metadata, plugins, channel arguments. */
export type MoreConnectionOptions = Pick<ConnectionOptions, 'interceptors' | 'metadata' | 'plugins' | 'channelArgs'>;

const CHANNEL_ARGS = {
  // grpc-js reads the prefixed name only; without it answers of more than 4 MB are refused.
  'grpc.max_receive_message_length': 128 * 1024 * 1024,
  // A cluster that is back after minutes is found again within seconds; by default it can take two minutes.
  'grpc.max_reconnect_backoff_ms': 5_000,
};

interface Opened {
  connection: Connection;
  namespace: string;
  untilClosed: UntilClosed;
}

export class Connections {
  readonly #profiles: Profiles;
  readonly #scope: CallScope;
  readonly #more: (profile: string) => MoreConnectionOptions;
  readonly #open = new Map<string, Opened>();
  readonly #sides = new Map<string, Side>();
  #closed = false;

  constructor(profiles: Profiles, scope: CallScope, more: (profile: string) => MoreConnectionOptions = () => ({})) {
    this.#profiles = profiles;
    this.#scope = scope;
    this.#more = more;
  }

  /** Without the SDK's retries, whose pauses of seconds go beyond a call's deadline: `RouteReader` asks again by itself. */
  control(profile: string): Opened {
    return this.#get(profile, []);
  }

  /** With the SDK's retries, as its own client has them, but of what must not be sent twice. */
  get(profile: string): Opened {
    return this.#get(profile, [exceptNonIdempotent(makeGrpcRetryInterceptor(defaultGrpcRetryOptions()))]);
  }

  #get(profile: string, retries: Interceptor[]): Opened {
    const key = `${profile} ${retries.length}`;
    let opened = this.#open.get(key);
    if (!opened) {
      // A start that was held meanwhile must not be sent after all.
      if (this.#closed) throw new Error('the tenants’ clients are closed: make a new TenantClients');
      const { connect, namespace } = this.#profiles.load(profile);
      const own = connect.connectionOptions as ConnectionOptions;
      const { interceptors = [], metadata, plugins, channelArgs } = this.#more(profile);
      const bad = unsendable('metadata of `connectionOptions`', metadata);
      if (bad !== undefined) throw new UnknownProfile(`profile "${profile}": ${bad}`);
      const untilClosed = new UntilClosed();
      const connection = Connection.lazy({
        ...own,
        metadata: { ...own.metadata, ...metadata },
        ...(plugins && { plugins }),
        channelArgs: { ...CHANNEL_ARGS, ...channelArgs },
        interceptors: [...retries, untilClosed.interceptor, ...interceptors],
      });
      opened = { connection, namespace, untilClosed };
      this.#open.set(key, opened);
    }
    return opened;
  }

  side(profile: string): Side {
    let side = this.#sides.get(profile);
    if (!side) {
      const { connection, namespace } = this.get(profile);
      side = { profile, namespace, service: inScope(connection, this.#scope) };
      this.#sides.set(profile, side);
    }
    return side;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#sides.clear();
    for (const { untilClosed } of open) untilClosed.close();
    await Promise.all(open.map(({ connection }) => connection.close()));
  }
}

/** The connection's own service, under what the caller has set for the call. */
function inScope(connection: Connection, scope: CallScope): WorkflowService {
  const scoped = Object.entries(methodsOf(connection.workflowService)).map(([name, method]): [string, Call] => [
    name,
    (request) => {
      if (!method) throw new TypeError(`there is no ${name}`);
      const { current } = scope;
      return current === undefined
        ? method(request)
        : connection.callContextStorage.run(current, () => method(request));
    },
  ]);
  return serviceOf(scoped);
}
