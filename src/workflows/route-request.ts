/** What a route may be set to, checked where people can send it: the command line and the record's update. Pure. */
import * as v from 'valibot';
import { Profile } from './input.ts';

const Split = v.strictObject({
  cluster: Profile('selfhosted'),
  percent: v.pipe(
    v.number('write `percent` as a number'),
    v.check((percent) => percent > 0 && percent < 100, 'write a `percent` above 0 and below 100'),
  ),
});

export const RouteDestination = v.pipe(
  v.strictObject({ cluster: Profile('cloud'), split: v.nullable(Split) }),
  v.check(
    ({ cluster, split }) => split?.cluster !== cluster,
    'name another profile in the split than the one the rest starts on',
  ),
);

const Text = v.pipe(v.string(), v.nonEmpty());

const Request = v.looseObject({
  to: RouteDestination,
  current: v.optional(Profile('cloud')),
  event: Text,
  migration: v.optional(Text),
  runId: v.optional(Text),
});

/** What is wrong with a request for a change of the route, and what it takes; null when nothing is. */
export function refuseRoute(request: unknown): string | null {
  const { success, issues } = v.safeParse(Request, request);
  if (success) return null;
  const where = issues[0].path?.map(({ key }) => String(key)).join('.') ?? 'the input';
  return `${where}: ${issues[0].message}. It takes {"to": {"cluster": "<profile>", "split": null}, "event": "…"}.`;
}
