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
    return { route: await this.#source.route(this.#tenant), until: Infinity };
  }

  once(): Promise<Reading> {
    return this.read();
  }
}
