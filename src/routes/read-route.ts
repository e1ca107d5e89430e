/** A route as it stands in a memo, checked before it is believed. */
import * as v from 'valibot';
import type { Route } from './route.ts';

const profile = v.pipe(v.string(), v.nonEmpty());
/** Dates that the pattern lets pass and no clock knows, such as an offset without its minutes, would compare as never. */
const moment = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.check((text) => Number.isFinite(Date.parse(text)), 'is no moment that can be read'),
);
const destination = v.object({
  cluster: profile,
  split: v.nullable(v.object({ cluster: profile, percent: v.pipe(v.number(), v.gtValue(0), v.ltValue(100)) })),
});
/** Fields that are not known are left out: a newer ferry may publish more. */
const schema = v.pipe(
  v.object({
    to: destination,
    from: v.nullable(destination),
    at: v.nullable(moment),
    undrained: v.array(profile),
  }),
  v.check(({ from, at }) => (from === null) === (at === null), '`from` and `at` come together'),
);

export function readRoute(published: unknown): { route: Route } | { problem: string } {
  const read = v.safeParse(schema, published);
  if (read.success) return { route: read.output };
  const [issue] = read.issues;
  const path = issue && v.getDotPath(issue);
  return { problem: `${path ? `${path}: ` : ''}${issue.message}` };
}
