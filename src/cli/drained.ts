/** Before a cluster is recorded as drained: whether it is on the route at all, and what the tenant has open there. */
import type { TypeCount } from '../activities/types.ts';
import { clustersOf, type Route } from '../routes/route.ts';
import { CliError, EXIT } from './exit.ts';
import { clock, shell } from './words.ts';

/** The tenant's open workflows of a cluster, as its lists say; throws where it cannot be asked. */
export type LookOn = (profile: string) => Promise<{ open: number; byType: TypeCount[] }>;

export function requireOnRoute(tenant: string, route: Route, profile: string): void {
  const names = clustersOf(route);
  if (names.includes(profile)) return;
  throw new CliError(
    EXIT.unwished,
    `"${profile}" is not on the route of ${tenant}, which names ${names.join(', ')}. Nothing was changed.`,
  );
}

export async function requireDrained(lookOn: LookOn, tenant: string, profile: string): Promise<void> {
  const force = `ferry route ${shell(tenant)} --drained ${shell(profile)} --force`;
  const seen = await lookOn(profile).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(
      EXIT.unreachable,
      `${profile} cannot be asked what ${tenant} has open there (${why}). Nothing was changed. If it is gone for good: ${force}`,
    );
  });
  const { open, byType } = seen;
  if (open === 0) return;
  const types = byType
    .slice(0, 5)
    .map((each) => `${each.open} ${each.type}, the oldest since ${clock(each.oldestStartedAt)}`);
  throw new CliError(
    EXIT.unwished,
    `${open} ${open === 1 ? 'workflow' : 'workflows'} of ${tenant} open on ${profile} (${types.join('; ')}): once it is recorded as ` +
      'drained, the same ids can be started a second time elsewhere. Nothing was changed: let them end there. Which are ' +
      `the tenant's is said by --workflows "<visibility query>"; to record it all the same: ${force}`,
  );
}
