/** The arithmetic of `npm run compare`, pure so that it can be tested. Times are milliseconds unless a name says else. */

/** The smallest value that at least `p` percent do not exceed (nearest rank); undefined of nothing. */
export function percentile(values: readonly number[], p: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** Of an even number of values the median is the mean of the middle two. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined || min === undefined || max === undefined)
    throw new Error('there is no median of nothing');
  return { median: (low + high) / 2, min, max };
}

/**
 * Gives each due time (nominal plus the jitter of one cluster) its nominal time: jitter never reaches the next nominal
 * time, so it is the latest one not after it. Nominal times are epoch seconds, ascending; keys of the result too.
 */
export function dueByNominal(nominals: readonly number[], dues: readonly number[]): Map<number, number> {
  const found = new Map<number, number>();
  let at = -1;
  for (const due of dues.toSorted((a, b) => a - b)) {
    while ((nominals[at + 1] ?? Infinity) * 1_000 <= due) at += 1;
    const nominal = nominals[at];
    if (nominal === undefined) continue;
    if (found.has(nominal))
      throw new Error(`two due times belong to the nominal time ${nominal}: not the same schedule`);
    found.set(nominal, due);
  }
  return found;
}

/** A write that was acknowledged, and what it leaves: a side that may start runs, or one that starts none from a time on. */
export interface Write {
  side: 'source' | 'target';
  answeredMs: number;
  /** First moment whose times the side leaves alone, by the spec it was given; undefined where it stays open. */
  shutFromMs?: number;
}

/**
 * How long nobody ran a schedule: from the moment the source was shut for to the acknowledgement of the target's last
 * opening; 0 where the target was open before. Undefined where it was not opened, or not shut before.
 */
export function gapOf(writes: readonly Write[]): number | undefined {
  const inOrder = writes.toSorted((a, b) => a.answeredMs - b.answeredMs);
  let open = false;
  let openedMs: number | undefined;
  for (const { side, shutFromMs, answeredMs } of inOrder) {
    if (side !== 'target') continue;
    if (!open && shutFromMs === undefined) openedMs = answeredMs;
    open = shutFromMs === undefined;
  }
  if (!open || openedMs === undefined) return undefined;
  const before = inOrder.filter(({ side, answeredMs }) => side === 'source' && answeredMs <= (openedMs ?? 0));
  const shutFromMs = before.at(-1)?.shutFromMs;
  return shutFromMs === undefined ? undefined : Math.max(0, openedMs - shutFromMs);
}
