/** `ferry route`: from the command line to what is asked for. Pure. */
import * as v from 'valibot';
import type { Destination } from '../routes/route.ts';
import { tenantQuery } from '../workflows/input.ts';
import { RouteDestination } from '../workflows/route-request.ts';
import { usage } from './exit.ts';
import type { Given, Kind } from './options.ts';

export interface RouteAsked {
  do: 'route';
  tenant: string;
  /** What to change; nothing: it is shown. */
  change: { to: Destination; current?: string } | { drained: string; query: string; force: boolean } | null;
  json: boolean;
}

export const routeOptions = {
  to: 'text',
  split: 'text',
  from: 'text',
  drained: 'text',
  workflows: 'text',
  force: 'flag',
  json: 'flag',
} as const satisfies Record<string, Kind>;

export function readRoute(tenant: string, given: Given<keyof typeof routeOptions>): RouteAsked {
  const [to, split, from, drained] = (['to', 'split', 'from', 'drained'] as const).map((name) => given.text(name));
  const asked = { do: 'route', tenant, json: given.flag('json') } as const;
  if (drained !== undefined) {
    if (to !== undefined || split !== undefined || from !== undefined) {
      throw usage('--drained comes with another change; give the two commands one after the other.', 'route');
    }
    const query = given.text('workflows') ?? tenantQuery(tenant);
    return { ...asked, change: { drained, query, force: given.flag('force') } };
  }
  for (const name of ['workflows', 'force'] as const) {
    if (name === 'force' ? given.flag(name) : given.text(name) !== undefined)
      throw usage(`--${name} came without --drained, which it belongs to; leave it out.`, 'route');
  }
  if (to === undefined) {
    const alone = split === undefined ? (from === undefined ? undefined : '--from') : '--split';
    if (alone !== undefined)
      throw usage(`${alone} came without --to; name the profile that workflows start on.`, 'route');
    return { ...asked, change: null };
  }
  const destination = { cluster: to, split: split === undefined ? null : readSplit(split) };
  const { success, issues, output } = v.safeParse(RouteDestination, destination);
  if (!success) {
    const found = split === undefined ? `--to is "${to}"` : `--to is "${to}" and --split "${split}"`;
    throw usage(`${found}, which is not acceptable: ${issues[0].message}.`, 'route');
  }
  return { ...asked, change: { to: output, ...(from === undefined ? {} : { current: from }) } };
}

function readSplit(text: string): { cluster: string; percent: number } {
  const [, cluster, percent] = /^([^:]+):(\d+(?:\.\d+)?)%?$/.exec(text) ?? [];
  if (cluster === undefined || percent === undefined) {
    throw usage(`--split is "${text}"; it takes a profile and a percentage, such as selfhosted:20.`, 'route');
  }
  return { cluster, percent: Number(percent) };
}
