/** Verdicts per nominal time, counted. */
import type { Audit } from '../activities/types.ts';

export function emptyAudit(): Audit {
  return { runs: 0, duplicates: 0, missed: 0, wrongSide: 0, explained: 0, filled: 0, maxLatenessMs: 0 };
}

export function addAudit(sum: Audit, more: Audit): Audit {
  return {
    runs: sum.runs + more.runs,
    duplicates: sum.duplicates + more.duplicates,
    missed: sum.missed + more.missed,
    wrongSide: sum.wrongSide + more.wrongSide,
    explained: sum.explained + more.explained,
    filled: sum.filled + more.filled,
    maxLatenessMs: Math.max(sum.maxLatenessMs, more.maxLatenessMs),
  };
}

export function noteRun(audit: Audit, dueMs: number, startedMs: number): void {
  audit.runs++;
  audit.maxLatenessMs = Math.max(audit.maxLatenessMs, Math.round(startedMs - dueMs));
}
