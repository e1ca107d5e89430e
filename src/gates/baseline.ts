/** Not worse than before: conditions made of what the same tenant did on its source. Pure. */
import { type Conditions, formatValue } from './condition.ts';
import type { Sample } from './measurement.ts';

/** So many of so many. */
export interface Share {
  part: number;
  of: number;
}

export function shareOf({ part, of }: Share): number {
  return of === 0 ? 0 : part / of;
}

/** `before` null: the check has its own conditions. `tolerated`: how much more is borne, as a share. */
export function shareSample(labels: Sample['labels'], now: Share, before: Share | null, tolerated: number): Sample {
  const value = shareOf(now);
  if (before === null) return { labels, value };
  return { labels, value, ...notAbove(shareOf(before), shareOf(before) + tolerated) };
}

/** The same of a duration, ms. */
export function durationSample(
  labels: Sample['labels'],
  value: number,
  before: number | null,
  limitMs: number,
): Sample {
  const sample = { labels, value, unit: 'ms' };
  return before === null ? sample : { ...sample, ...notAbove(before, limitMs, ' ms') };
}

function notAbove(before: number, limit: number, unit = ''): { own: Conditions; why: string } {
  // Rounded as it is told, so that what a person reads is what was decided by.
  const told = Number(formatValue(limit));
  return {
    own: { failure: { op: '>', limit: told } },
    why: `${formatValue(before)}${unit} before the cut-over, up to ${formatValue(told)}${unit} is borne`,
  };
}
