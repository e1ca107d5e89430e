import { Context } from '@temporalio/activity';
import { auditSchedules } from '../ledger/audit.ts';
import { nextBatch } from '../ledger/batches.ts';
import { ClusterEvidence } from '../ledger/cluster-evidence.ts';
import { type Tally, addTally, emptyTally } from '../ledger/tally.ts';
import { clusterOf } from './cluster-of.ts';
import type { FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import type { AuditPageInput, AuditPageResult } from './types.ts';

/** Audited at a time: one query finds the runs of all of them. */
export const BATCH = 50;

/** What an attempt leaves to the next one. Ids and counts only. */
interface Walked {
  left: string[];
  next?: string;
  tally: Tally;
}

/** Reads only. A page of schedules over the whole range; an attempt that was cut off is gone on with, not begun anew. */
export async function auditPage(deps: FerryDeps, input: AuditPageInput): Promise<AuditPageResult> {
  const clusters = input.clusters.map((profile) => clusterOf(deps, profile, 'audit'));
  const evidence = clusters.map((cluster) => new ClusterEvidence(cluster));
  const { cancellationSignal, info } = Context.current();
  // Undefined when there was no earlier attempt, or it came to no heartbeat.
  let walked: Walked | undefined = info.heartbeatDetails;
  const pulse = heartbeating(() => walked);
  try {
    if (!walked) {
      const { ids, next } = await nextBatch(clusters, input.selection, input.cursor, input.pageSize);
      walked = { left: ids, next, tally: emptyTally() };
    }
    while (walked.left.length > 0) {
      const tally = emptyTally();
      await auditSchedules(evidence, walked.left.slice(0, BATCH), { ...input, signal: cancellationSignal }, tally);
      // Only a whole batch counts: cut off within one, it is done again.
      const sum: Tally = structuredClone(walked.tally);
      addTally(sum, tally);
      walked = { left: walked.left.slice(BATCH), next: walked.next, tally: sum };
    }
    return { tally: walked.tally, next: walked.next };
  } finally {
    pulse.stop();
  }
}
