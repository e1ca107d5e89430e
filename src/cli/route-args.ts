/** `ferry route`: from the command line to what is asked for. Pure. */
import * as v from 'valibot';
import type { Destination } from '../routes/route.ts';
import { RouteDestination } from '../workflows/route-request.ts';
import { usage } from './exit.ts';
import type { Given, Kind } from './options.ts';

export interface RouteAsked {
  do: 'route';
  tenant: string;
  /** What to change; nothing: it is shown. */
  change: { to: Destination; current?: string } | { drained: string } | null;
  json: boolean;
}

export const routeOptions = {
  to: 'text',
  split: 'text',
  from: 'text',
  drained: 'text',
  json: 'flag',
} as const satisfies Record<string, Kind>;

export function readRoute(tenant: string, given: Given<keyof typeof routeOptions>): RouteAsked {
  const [to, split, from, drained] = (['to', 'split', 'from', 'drained'] as const).map((name) => given.text(name));
  const asked = { do: 'route', tenant, json: given.flag('json') } as const;
  if (drained !== undefined) {
    if (to !== undefined || split !== undefined || from !== undefined) {
      throw usage('--drained comes with another change; give the two commands one after the other.', 'route');
    }
    return { ...asked, change: { drained } };
  }
  if (to === undefined) {
    const alone = split === undefined ? (from === undefined ? undefined : '--from') : '--split';
    if (alone !== undefined)
      throw usage(`${alone} came without --to; name the profile that workflows start on.`, 'route');
    return { ...asked, change: null };
  }
  const destination = { cluster: to, split: split === undefined ? null : readSplit(split) };
  const { success, issues, output } = v.safeParse(RouteDestination, destination);
  if (!success) throw usage(`The route is not acceptable: ${issues[0].message}.`, 'route');
  return { ...asked, change: { to: output, ...(from === undefined ? {} : { current: from }) } };
}

function readSplit(text: string): { cluster: string; percent: number } {
  const [, cluster, percent] = /^([^:]+):(\d+(?:\.\d+)?)%?$/.exec(text) ?? [];
  if (cluster === undefined || percent === undefined) {
    throw usage(`--split is "${text}"; it takes a profile and a percentage, such as selfhosted:20.`, 'route');
  }
  return { cluster, percent: Number(percent) };
}
