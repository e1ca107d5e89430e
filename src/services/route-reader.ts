/**
 * The route of one tenant, read from the memo of its record and kept for a lease (`src/routes/route.ts`). Asked for again
 * in the background from half of the lease on, as long as it is used: a start waits for no question, but for the first.
 */
import { messageOf } from './message-of.ts';
import { type Route, ANSWER_MS, LEASE_MS } from '../routes/route.ts';
import { BadRoute, RouteUnavailable, UnknownTenant, listed } from './errors.ts';
import type { Reading, Routes, ServiceTime } from './ports.ts';
import { readRoute } from '../routes/read-route.ts';

/** What was found under `tenant/<tenant>` in the control namespace. */
export interface Published {
  /** Undefined: the record runs. Else how it ended. */
  ended?: string;
  /** Of the memo; undefined: it has none. */
  route?: unknown;
}

export interface RouteReaderOptions {
  tenant: string;
  /** One Describe; undefined: there is no such workflow. Has a deadline of its own, of some seconds. */
  ask: (tenant: string) => Promise<Published | undefined>;
  time: ServiceTime;
  /** Where the record is, for messages. */
  controlProfile: string;
  present: readonly string[];
  /**
   * Profile on which tenants without a route have their workflows. The first route of such a tenant has to be a change:
   * `ferry route <tenant> --from <assumed> --to <profile>`, or a migration.
   */
  assume?: string;
  /**
   * When the lease has run out and the record cannot be read: start nothing, or go on with the route that was read last.
   * With `last-known` a move of the tenant that is not seen leads to starts on the wrong side.
   * @default 'refuse'
   */
  whenUnreadable?: 'refuse' | 'last-known';
  /** How long a call waits for a record that cannot be read. @default 10_000 */
  patienceMs?: number;
}

interface Known {
  route: Route;
  /** Before the question was sent, on both clocks. */
  asked: { at: number; monotonic: number };
}

const PATIENCE_MS = 10_000;
const AGAIN_MS = 250;

export class RouteReader implements Routes {
  readonly #options: RouteReaderOptions;
  #known: Known | undefined;
  #asking: Promise<Reading> | undefined;
  /** Once there was a route nothing is assumed any more: a record that knows none has lost it. */
  #recorded = false;
  /** After a failure the background asks no earlier than this. */
  #notBefore = 0;

  constructor(options: RouteReaderOptions) {
    this.#options = options;
  }

  fresh(): Reading | undefined {
    if (this.#known === undefined) return undefined;
    const age = this.#ageOf(this.#known);
    if (age >= LEASE_MS) return undefined;
    if (age >= LEASE_MS / 2) this.#renew();
    return this.#reading(this.#known, age);
  }

  /** Throws `UnknownTenant`, `BadRoute` at once; `RouteUnavailable` after `patienceMs`. */
  async read(): Promise<Reading> {
    const { time, patienceMs = PATIENCE_MS } = this.#options;
    const giveUp = time.monotonic() + patienceMs;
    for (;;) {
      try {
        return await this.once();
      } catch (error) {
        if (!(error instanceof RouteUnavailable)) throw error;
        if (this.#options.whenUnreadable === 'last-known' && this.#known !== undefined) {
          // No lease is kept, so no start can be called off in time: this is what `last-known` gives up.
          return { route: this.#known.route, until: Infinity };
        }
        if (time.monotonic() >= giveUp) throw error;
      }
      await time.sleep(AGAIN_MS);
    }
  }

  async once(): Promise<Reading> {
    return this.fresh() ?? (await this.#ask());
  }

  #renew(): void {
    if (this.#asking !== undefined || this.#options.time.monotonic() < this.#notBefore) return;
    // What cannot be read now is told when the lease has run out.
    this.#ask().catch(() => undefined);
  }

  /** One question for all who wait. */
  #ask(): Promise<Reading> {
    this.#asking ??= this.#question().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #question(): Promise<Reading> {
    const { tenant, ask, time } = this.#options;
    const asked = { at: time.now(), monotonic: time.monotonic() };
    this.#notBefore = asked.monotonic + AGAIN_MS;
    let published: Published | undefined;
    try {
      published = await ask(tenant);
    } catch (error) {
      throw this.#unavailable(messageOf(error), error);
    }
    if (published?.ended !== undefined) {
      throw this.#unavailable(`its workflow is ${published.ended}, so nobody keeps the route up to date`);
    }
    const known = { route: this.#routeOf(published), asked };
    this.#known = known;
    return this.#reading(known, this.#ageOf(known));
  }

  /** Whichever clock says more: one stands still while the machine is suspended, the other one is set. */
  #ageOf({ asked }: Known): number {
    const { time } = this.#options;
    return Math.max(time.monotonic() - asked.monotonic, time.now() - asked.at);
  }

  #reading({ route }: Known, age: number): Reading {
    return { route, until: Math.floor(this.#options.time.now() + LEASE_MS + ANSWER_MS - age) };
  }

  #routeOf(published: Published | undefined): Route {
    const { tenant, assume, controlProfile, present } = this.#options;
    if (published?.route === undefined) {
      if (this.#recorded) throw this.#unavailable('it had a route, and has none any more');
      if (assume !== undefined) return settledOn(assume);
      const found = published === undefined ? `there is no workflow tenant/${tenant}` : `tenant/${tenant} has no route`;
      throw new UnknownTenant(
        tenant,
        `nobody has said where tenant "${tenant}" runs: ${found} in the control namespace (profile "${controlProfile}"). ` +
          `It can be ${listed(present)}. Say so once: ferry route ${tenant} --to ${present[0] ?? '<profile>'}; ` +
          `or give all such tenants a place: new TenantClients({ assume: '${present[0] ?? '<profile>'}' })`,
      );
    }
    const read = readRoute(published.route);
    if ('route' in read) {
      this.#recorded = true;
      return this.#withAssumed(read.route);
    }
    throw new BadRoute(
      tenant,
      `the memo "route" of workflow tenant/${tenant} (profile "${controlProfile}") is no route: ${read.problem}. ` +
        `It is written by ferry alone; write it anew: ferry route ${tenant} --to <profile>`,
    );
  }

  /**
   * A first route has no T: until every process had read it, some started where it was assumed. So an id is looked for
   * there before it is started elsewhere, up to the first change, which says itself what is drained.
   */
  #withAssumed(route: Route): Route {
    const { assume } = this.#options;
    if (assume === undefined || route.from !== null || route.to.cluster === assume) return route;
    return { ...route, undrained: [...new Set([...route.undrained, assume])] };
  }

  #unavailable(why: string, cause?: unknown): RouteUnavailable {
    const { tenant, controlProfile } = this.#options;
    return new RouteUnavailable(
      tenant,
      `the record of tenant "${tenant}" (workflow tenant/${tenant}, profile "${controlProfile}") cannot be read: ${why}. ` +
        `Without it nobody knows whether the tenant is being moved, so nothing is started. See that the control cluster ` +
        `answers and the record runs; \`whenUnreadable: 'last-known'\` goes on with the route that was read last`,
      { cause },
    );
  }
}

/** A route that never changes. */
export function settledOn(cluster: string): Route {
  return { to: { cluster, split: null }, from: null, at: null, undrained: [] };
}

/** For an environment with one cluster: nobody is asked. */
export class FixedRoute implements Routes {
  readonly #reading: Reading;

  constructor(cluster: string) {
    this.#reading = { route: settledOn(cluster), until: Infinity };
  }

  fresh(): Reading {
    return this.#reading;
  }

  async read(): Promise<Reading> {
    return this.#reading;
  }

  async once(): Promise<Reading> {
    return this.#reading;
  }
}
