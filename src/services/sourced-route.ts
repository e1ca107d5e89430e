import { RouteUnavailable, RoutingError } from './errors.ts';
import { messageOf } from './message-of.ts';
import type { Reading, Routes, RouteSource } from './ports.ts';

/** A route somebody else keeps: asked before each start, and good for that start. */
export class SourcedRoute implements Routes {
  readonly #source: RouteSource;
  readonly #tenant: string;

  constructor(source: RouteSource, tenant: string) {
    this.#source = source;
    this.#tenant = tenant;
  }

  fresh(): undefined {
    return undefined;
  }

  async read(): Promise<Reading> {
    try {
      return { route: await this.#source.route(this.#tenant), until: Infinity };
    } catch (error) {
      if (error instanceof RoutingError) throw error;
      throw new RouteUnavailable(
        this.#tenant,
        `the source of routes has no answer for tenant "${this.#tenant}" (${messageOf(error)}); nothing was started`,
        { cause: error },
      );
    }
  }

  once(): Promise<Reading> {
    return this.read();
  }
}
