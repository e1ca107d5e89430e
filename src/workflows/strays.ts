/** Workflows that somebody started where the route does not say: pure. */
import type { WrongSide } from '../activities/types.ts';
import { count, type OnDemand } from './progress.ts';

export interface Strays {
  found: number;
  /** So many more were started in the same time that not each was looked at. */
  unexamined: number;
  /** A sentence without its full stop. */
  what: string;
  /** Of the first ones, at most three. */
  examples: string[];
}

export function straysOf({ route, wrongSide, early }: OnDemand): Strays {
  const { from = '', to = '' } = route ?? {};
  const late = `${started(wrongSide)} on ${from} after the route had changed`;
  const soon = `${started(early)} on ${to} before it did`;
  const what = isNone(early)
    ? late
    : isNone(wrongSide)
      ? `${started(early)} on ${to} before the route changed`
      : `${late}, and ${soon}`;
  return {
    found: wrongSide.count + early.count,
    unexamined: wrongSide.unexamined + early.unexamined,
    what,
    examples: [...wrongSide.first, ...early.first]
      .slice(0, 3)
      .map(({ workflowId, type }) => `${workflowId}, a ${type}`),
  };
}

function started(side: WrongSide): string {
  const others = side.unexamined === 0 ? '' : ` (and any of ${side.unexamined} more, too many to look at each)`;
  return `${count(side.count, 'workflow')}${others} started`;
}

function isNone(side: WrongSide): boolean {
  return side.count === 0 && side.unexamined === 0;
}
