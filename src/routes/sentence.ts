/** A route as people read it. Pure. */
import type { Destination, Route } from './route.ts';

/** Such as `start on selfhosted since 2026-11-24T10:00:00.000Z, before on cloud; cloud may hold open ones`. */
export function routeSentence(route: Route | null | undefined): string {
  if (!route) return 'have no route';
  const { to, from, at, undrained } = route;
  const before = from === null ? '' : ` from ${at ?? 'now'} on, before on ${destination(from)}`;
  const open = undrained.length === 0 ? '' : `; ${undrained.join(', ')} may hold open ones`;
  return `start on ${destination(to)}${before}${open}`;
}

export function destination({ cluster, split }: Destination): string {
  return split === null ? cluster : `${cluster}, ${split.percent} % of the ids on ${split.cluster}`;
}
