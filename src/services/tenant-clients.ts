/** What a service takes instead of a client of one cluster: a client per tenant, which knows where the tenant is. */
import { Client, type ClientOptions, type Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { LRUCache } from 'lru-cache';
import { Profiles, UnknownProfile } from '../clusters/profiles.ts';
import { type MoreConnectionOptions, Connections } from './connections.ts';
import { AbsentCluster, listed } from './errors.ts';
import { Memory } from './memory.ts';
import { messageOf } from './message-of.ts';
import type { Parts } from './parts.ts';
import type { Overrides, Routes, RouteSource, ServiceTime, TenantSides } from './ports.ts';
import { askRecord } from './published-route.ts';
import { FixedRoute, RouteReader, type RouteReaderOptions } from './route-reader.ts';
import { RoutedConnection, routedClient } from './routed-client.ts';
import { CallScope } from './scope.ts';
import { recordStandbyBehind } from './schedules/record.ts';
import type { Apart, Limit } from './schedules/side.ts';
import { type ScheduleOptions, tenantSchedules } from './schedules/tenant-schedules.ts';
import { SourcedRoute } from './sourced-route.ts';
import { REAL_SERVICE_TIME } from './time.ts';
import { routedService } from './workflow-service.ts';

export interface TenantClientsOptions extends Pick<RouteReaderOptions, 'assume' | 'whenUnreadable' | 'patienceMs'> {
  /** temporal.toml; without it, TEMPORAL_CONFIG_FILE, then the CLI's default place. */
  configFile?: string;
  /** Profile of the control namespace, where the tenants' records are. @default 'control' */
  controlProfile?: string;
  /** Profiles that tenants may be on. One that the file does not have does not exist here. @default ['cloud', 'selfhosted'] */
  clusters?: string[];
  /** Where routes come from instead of the tenants' records; then nothing of the control profile is used. */
  routes?: RouteSource;
  /** As for the SDK's client: interceptors, data converter, identity, … */
  client?: Omit<ClientOptions, 'connection' | 'namespace'>;
  /** Added to what the profile says: gRPC interceptors, metadata, … */
  connectionOptions?: (profile: string) => MoreConnectionOptions;
  /** How long calls of schedules wait, and who is told of copies that are behind besides the tenant's record. */
  schedules?: ScheduleOptions;
  /** Methods of the raw API that are made of the tenant's sides, before all others. */
  overrides?: (sides: TenantSides) => Overrides;
  /** For tests. */
  time?: ServiceTime;
}

/** Clients kept, of some 20 kB each: 100 MB at most. One that is kept no longer works on for whoever has it. */
const TENANTS = 5_000;

/** How one cluster answers its health check. */
export interface Health {
  profile: string;
  /** Undefined: it serves. */
  problem?: string;
}

/**
 *     const clients = new TenantClients({ configFile: 'temporal.toml' });
 *     const handle = await clients.tenant('acme').workflow.start(order, { workflowId: 'order-1', taskQueue: 'orders' });
 *     await clients.close();
 *
 * One per process: connections are opened on first use and shared by all tenants.
 *
 * With the control profile and two of `clusters` in the file, starts follow the tenant's route. With only one of
 * `clusters` everything goes there; no record is read and nothing else is connected.
 *
 * Throws `UnknownProfile` when the file cannot be read, has none of `clusters`, or has several but no control profile and
 * no `assume`. Calls throw what the SDK's client throws, and `UnknownTenant`, `AbsentCluster`, `BadRoute` and
 * `RouteUnavailable` (src/services/errors.ts).
 */
export class TenantClients {
  /** Those of `clusters` that this environment has. */
  readonly present: readonly string[];
  readonly #options: TenantClientsOptions;
  readonly #time: ServiceTime;
  readonly #hasControl: boolean;
  readonly #scope: CallScope;
  readonly #connections: Connections;
  readonly #namespaces: ReadonlySet<string>;
  readonly #routes: (tenant: string) => Routes;
  readonly #clients = new LRUCache<string, Client>({ max: TENANTS });
  readonly #known = new LRUCache<string, Routes>({ max: TENANTS });
  readonly #memory = new Memory();
  /** The tenants' routes as this process sees them: for `FerryProvider`, or to look at. */
  readonly routes: RouteSource = { route: async (tenant) => (await this.#routesOf(tenant).read()).route };
  readonly #pending = new Set<Promise<void>>();

  constructor(options: TenantClientsOptions = {}) {
    const { configFile = process.env['TEMPORAL_CONFIG_FILE'], clusters = ['cloud', 'selfhosted'] } = options;
    this.#options = options;
    this.#time = options.time ?? REAL_SERVICE_TIME;
    this.#scope = new CallScope(this.#time);
    const profiles = new Profiles(configFile);
    const names = profiles.names();
    this.#hasControl = names.includes(options.controlProfile ?? 'control');
    this.present = [...new Set(clusters)].filter((name) => names.includes(name));
    this.#connections = new Connections(profiles, this.#scope, options.connectionOptions);
    // Throws for the first that is not there, or lacks something.
    const loaded = (this.present.length > 0 ? this.present : clusters).map((name) => profiles.load(name));
    this.#namespaces = new Set(loaded.map(({ namespace }) => namespace));
    this.#routes = this.#routesFrom(names, profiles);
    const [only, ...more] = this.present;
    const absent = clusters.filter((name) => !names.includes(name));
    // Meant in an environment of one cluster; there is no control profile there. With one, it may be a slip.
    if (only !== undefined && more.length === 0 && absent.length > 0 && this.#hasControl) {
      process.emitWarning(
        `there is no profile ${listed(absent)} in ${configFile ?? 'the default temporal.toml'}, so every tenant runs on "${only}" and no route is followed`,
        { type: 'TemporalFerryWarning' },
      );
    }
  }

  /**
   * A `Client` of `@temporalio/client`, the same one for the same tenant as long as it is among the 5,000 used last. Costs
   * nothing and connects nothing; whether there is such a tenant is told by its first call.
   */
  tenant(tenant: string): Client {
    if (typeof tenant !== 'string' || tenant === '' || tenant.length > 200) {
      throw new TypeError(`a tenant's name is a text of 1 to 200 characters; this is ${JSON.stringify(tenant)}`);
    }
    let client = this.#clients.get(tenant);
    if (!client) {
      client = this.#clientOf(tenant);
      this.#clients.set(tenant, client);
    }
    return client;
  }

  /** The shared connection to one cluster, for what is not a tenant's. */
  connection(profile: string): Connection {
    return this.#connections.get(profile).connection;
  }

  /** Asks every cluster of this environment, and the control cluster if it is used. */
  async health(timeoutMs = 5_000): Promise<Health[]> {
    const { controlProfile = 'control' } = this.#options;
    const control = this.present.length > 1 && !this.#options.routes ? [controlProfile] : [];
    const profiles = [...this.present, ...control];
    return Promise.all(profiles.map((profile) => this.#healthOf(profile, timeoutMs)));
  }

  /** Closes all connections. Calls under way fail, but for those on the copies of schedules: they have some seconds. */
  async close(): Promise<void> {
    this.#clients.clear();
    this.#known.clear();
    await Promise.all(this.#pending);
    await this.#connections.close();
  }

  /** One reader a tenant: its lease is kept once. */
  #routesOf(tenant: string): Routes {
    let routes = this.#known.get(tenant);
    if (!routes) {
      routes = this.#routes(tenant);
      this.#known.set(tenant, routes);
    }
    return routes;
  }

  #clientOf(tenant: string): Client {
    const { present } = this;
    const routes = this.#routesOf(tenant);
    const side: Parts['side'] = (profile) => {
      if (!present.includes(profile)) throw new AbsentCluster(tenant, profile, present);
      return this.#connections.side(profile);
    };
    const parts: Parts = {
      routes,
      side,
      present,
      namespaces: this.#namespaces,
      memory: this.#memory.of(tenant),
      scope: this.#scope,
      time: this.#time,
    };
    const sides: TenantSides = {
      tenant,
      side,
      present,
      route: () => this.#scope.wait('the route', async () => (await routes.read()).route),
    };
    const service = routedService(parts, { ...this.#schedules(sides), ...this.#options.overrides?.(sides) });
    const [namespace] = this.#namespaces;
    return routedClient(new RoutedConnection(service, this.#scope), { ...this.#options.client, namespace });
  }

  /** Written to both sides, where there are two. */
  #schedules(sides: TenantSides): Overrides {
    if (sides.present.length < 2) return {};
    const { schedules, controlProfile = 'control', routes } = this.#options;
    const recorded = routes || !this.#hasControl ? {} : { standbyBehind: this.#recorder(controlProfile) };
    const limit: Limit = (ms, run) => this.#tracked(this.#scope.by(this.#time.now() + ms, run));
    const apart: Apart = (run) => this.#tracked(this.#scope.apart(run));
    const under = { scope: this.#scope, limit, apart };
    return tenantSchedules(sides, { ...recorded, ...under, ...schedules }) as unknown as Overrides;
  }

  /** Some of their calls outlive the caller's: a copy that follows slowly. Closing waits for them. */
  #tracked<T>(call: Promise<T>): Promise<T> {
    const ended = call.then(
      () => undefined,
      // Whoever made the call is told.
      () => undefined,
    );
    this.#pending.add(ended);
    void ended.then(() => this.#pending.delete(ended));
    return call;
  }

  #recorder(controlProfile: string): ScheduleOptions['standbyBehind'] {
    // Its connection is opened when there is something to tell.
    return async (behind) => {
      const { connection, namespace } = this.#connections.control(controlProfile);
      await recordStandbyBehind(new Client({ connection, namespace }))(behind);
    };
  }

  #routesFrom(names: string[], profiles: Profiles): (tenant: string) => Routes {
    const { present } = this;
    const { assume, whenUnreadable, patienceMs, controlProfile = 'control', routes } = this.#options;
    if (routes && present.length > 1) return (tenant) => new SourcedRoute(routes, tenant);
    if (assume !== undefined && !present.includes(assume)) {
      throw new UnknownProfile(
        `\`assume\` is "${assume}", which this environment does not have; it has ${listed(present)}`,
      );
    }
    const [only] = present;
    const fixed = present.length === 1 || !names.includes(controlProfile) ? (assume ?? only) : undefined;
    if (present.length > 1 && !names.includes(controlProfile) && assume === undefined) {
      throw new UnknownProfile(
        `there is no profile "${controlProfile}", so nobody says on which of ${listed(present)} a tenant is. ` +
          `Add [profile.${controlProfile}], or name one for all tenants: new TenantClients({ assume: '${only ?? ''}' })`,
      );
    }
    if (fixed !== undefined) {
      const route = new FixedRoute(fixed);
      return () => route;
    }
    // Throws where it lacks something.
    profiles.load(controlProfile);
    const ask: RouteReaderOptions['ask'] = (tenant) => askRecord(this.#connections.control(controlProfile))(tenant);
    return (tenant) =>
      new RouteReader({ tenant, ask, time: this.#time, controlProfile, present, assume, whenUnreadable, patienceMs });
  }

  async #healthOf(profile: string, timeoutMs: number): Promise<Health> {
    const { connection } = this.#connections.get(profile);
    try {
      const service = 'temporal.api.workflowservice.v1.WorkflowService';
      const { status } = await connection.withDeadline(Date.now() + timeoutMs, () =>
        connection.healthService.check({ service }),
      );
      return status === SERVING ? { profile } : { profile, problem: `its health check says ${status}` };
    } catch (error) {
      return { profile, problem: messageOf(error) };
    }
  }
}

const { SERVING } = proto.grpc.health.v1.HealthCheckResponse.ServingStatus;
