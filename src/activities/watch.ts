import { addAudit, emptyAudit } from '../schedules/audit.ts';
import { readNote } from '../schedules/note.ts';
import { type Handover, type HandoverResult, handOver } from '../schedules/handover.ts';
import { ranByHand } from '../schedules/opened-by-hand.ts';
import { situation } from '../schedules/pair.ts';
import type { Described } from '../schedules/ports.ts';
import { change } from '../schedules/change.ts';
import { isOurBound, standby } from '../schedules/shapes.ts';
import { toMs } from '../schedules/times.ts';
import { type InventoryEntry, walk } from '../clusters/inventory.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import { DEFAULT_HANDOVER, type FerryDeps } from './deps.ts';
import { heartbeating, provenBefore } from './pages.ts';
import type { Audit, Breach, Crossing, WatchResult } from './types.ts';

/** A run this late is reported; the scheduler may have its reasons, a person should look. */
const OVERDUE_MS = 60_000;
const MAX_BREACHES = 100;

/**
 * After the cut-over `to` is the owner. The lists of both sides say where something looks wrong; Describe decides, and
 * the side that should not be open is shut.
 */
export async function watchOwnership(deps: FerryDeps, input: Crossing): Promise<WatchResult> {
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const settings = { ...DEFAULT_HANDOVER, ...deps.handover };
  const handover: Handover = { source, target, time: REAL_TIME, migration: input.migration, ...settings };
  const audit = provenBefore();
  const result: WatchResult & { audit: Audit } = { checked: 0, breaches: [], audit };
  const pulse = heartbeating(() => ({ checked: result.checked, audit }));
  const complete = (id: string): Promise<HandoverResult> => completed(handover, id, audit);
  try {
    for await (const { id, notes, paused } of walk(source, input.selection)) {
      result.checked++;
      const { mark } = readNote(notes);
      if (paused && mark?.kind === 'standby' && mark.owner === input.to) continue;
      const breach = await lookAtSource(handover, id, complete);
      if (breach) note(result, breach);
    }
    for await (const entry of walk(target, input.selection)) {
      result.checked++;
      // A bound that was left on because of a long jitter comes off when its time has passed.
      if (isOurBound(entry.info.spec?.startTime)) {
        const { reason } = await complete(entry.id);
        if (reason)
          note(result, breachOf(entry.id, 'none-active', `its handover is not complete: ${reason.found}`, false));
      }
      const breach = await lookAtOwner(handover, entry);
      if (breach) note(result, breach);
    }
  } finally {
    pulse.stop();
  }
  return result;
}

/** What is proven goes to the ledger, also when the handover fails in the end. */
async function completed(h: Handover, id: string, sum: Audit): Promise<HandoverResult> {
  const audit = emptyAudit();
  try {
    return await handOver(h, id, audit);
  } finally {
    Object.assign(sum, addAudit(sum, audit));
  }
}

/** Every breach is counted by its runs, but only so many are told: an answer must fit into one payload. */
function note({ breaches }: WatchResult, breach: Breach): void {
  const last = breaches.at(-1);
  if (breaches.length < MAX_BREACHES || !last) breaches.push(breach);
  else {
    last.wrongSideRuns += breach.wrongSideRuns;
    last.repaired &&= breach.repaired;
    last.detail = `and more: the last of them ${breach.detail}`;
  }
}

/** The source's list does not show a paused copy of ours. */
async function lookAtSource(
  h: Handover,
  id: string,
  complete: (id: string) => Promise<HandoverResult>,
): Promise<Breach | undefined> {
  const [from, to] = await Promise.all([h.source.describe(id), h.target.describe(id)]);
  const { kind } = situation(from?.schedule, to?.schedule, { from: h.source.profile, to: h.target.profile });
  if (!from || kind === 'gone') return undefined;
  if (to && (kind === 'foreign' || kind === 'handed-over')) {
    const active = !from.schedule.state?.paused;
    if (!active && kind === 'handed-over') return undefined;
    // Paused with its mark overwritten is no breach, but without the mark nobody could tell which side owns it.
    await shut(h, id, from);
    return active ? bothActive(h, id, from) : undefined;
  }
  const done = await complete(id);
  const stray = kind === 'uncopied' || kind === 'ready';
  const found = stray ? `it was found on ${h.source.profile} after the cut-over` : `its handover was not complete`;
  const now = done.reason?.found ?? `it now runs on ${h.target.profile}`;
  return breachOf(id, stray ? 'stray' : 'none-active', `${found}; ${now}`, done.outcome !== 'failed');
}

async function bothActive(h: Handover, id: string, from: Described): Promise<Breach> {
  const runs = await ranByHand(h.source, id, from);
  const found = `it was unpaused on ${h.source.profile} while ${h.target.profile} owns it, and ran ${runs} times there`;
  return breachOf(id, 'both-active', `${found}; ${h.source.profile} has been paused again`, true, runs);
}

async function lookAtOwner(h: Handover, { id, paused, info }: InventoryEntry): Promise<Breach | undefined> {
  if (paused || !isOverdue(info.futureActionTimes?.map((t) => toMs(t) ?? 0))) return undefined;
  const to = await h.target.describe(id);
  if (!to || to.schedule.state?.paused || !isOverdue(to.futureMs)) return undefined;
  const due = new Date(to.futureMs[0] ?? 0).toISOString();
  return breachOf(id, 'overdue', `its run due at ${due} has not been started by ${h.target.profile}`, false);
}

function breachOf(
  schedule: string,
  kind: Breach['kind'],
  detail: string,
  repaired: boolean,
  wrongSideRuns = 0,
): Breach {
  return { schedule, kind, detail, repaired, wrongSideRuns, at: new Date().toISOString() };
}

function isOverdue(futureMs: number[] | undefined): boolean {
  const next = futureMs?.[0];
  return next !== undefined && next < Date.now() - OVERDUE_MS;
}

async function shut(h: Handover, id: string, from: Described): Promise<void> {
  const mark = { kind: 'standby', owner: h.target.profile, migration: h.migration } as const;
  await change(h.source, h.time, id, from, standby(from.schedule, mark));
}
