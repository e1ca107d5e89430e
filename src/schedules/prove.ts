/** Proving a side that runs again: what fell due while nobody could run it, or was dropped by the write that let it run. */
import type { Audit } from '../activities/types.ts';
import { addAudit, emptyAudit } from './audit.ts';
import { change, reread } from './change.ts';
import { countLeft, countStarted } from './limits.ts';
import { standbyMark } from './note.ts';
import type { Described } from './ports.ts';
import { settle } from './settle.ts';
import { standby } from './shapes.ts';
import { type Handover, askingOf } from './step.ts';
import { durationMs } from './times.ts';

/** Longer than from the mark of the resting side to the landing of the write that follows it. */
const RESUMES_WITHIN_MS = 45_000;

/**
 * Settles the side that runs again, then takes the reminder off the resting side: cut off between, it is done again.
 * False while it cannot be told whether its scheduler will run what an earlier attempt has asked of it.
 */
export async function proveOwner(
  h: Handover,
  id: string,
  owner: Described,
  rest: Described,
  from: number,
  audit: Audit,
  /** Where it was let run again just now. */
  resumedMs?: number,
): Promise<boolean> {
  const mark = standbyMark(rest);
  const jitter = durationMs(owner.schedule.spec?.jitter);
  // A side that gave up did so at a boundary: nominal times before it were its own, and it has settled them.
  const gaveUp = mark?.userPaused !== undefined;
  const afterNominalMs = Math.max(from - jitter - 1000, gaveUp ? (mark?.boundary ?? 0) - 1000 : 0);
  const since = resumedMs ?? mark?.since;
  const left = mark?.left;
  const idleFrom = gaveUp ? 0 : mark?.boundary;
  const idle = idleFrom === undefined ? undefined : { fromMs: idleFrom, toMs: since ?? Infinity };
  // Later stamps than its own are those of its users, and of V2 schedulers that were asked for runs. What is due around
  // these only a V2 scheduler drops, and only with jitter: nothing is asked of one when something is due.
  const dropsLater = owner.engine === 'v2' && jitter > 0;
  const lastMs = dropsLater || since === undefined ? Infinity : since + RESUMES_WITHIN_MS;
  // Counting what was started is a write, and on V2 a write drops what is due around it: once more.
  for (let run = owner, written: Described | undefined; run !== written;) {
    written = run;
    const stamp = run.updatedMs ?? h.time.now();
    const landed = run === owner ? Math.min(stamp, lastMs) : stamp;
    const own = { beforeNominalMs: landed + 1, untilMs: landed + jitter, idle };
    const range = { afterNominalMs, fromDueMs: from, role: 'target', reserves: left !== undefined, ...own } as const;
    const looked = emptyAudit();
    const settled = await settle(h.target, h.time, id, run, range, looked, askingOf(h, h.target, id), h.source);
    run =
      left === undefined
        ? await countStarted(h, id, run, settled.started)
        : await countLeft(h, id, run, { left, afterNominalMs, fromDueMs: gaveUp ? 0 : from }, settled);
    if (settled.unproven) return false;
    if (run === written) Object.assign(audit, addAudit(audit, looked));
    else audit.filled += looked.filled;
  }
  askingOf(h, h.target, id).proven();
  const seen = await reread(h.source, id);
  const reminder = standbyMark(seen);
  if (!reminder) return true;
  const done = { ...reminder, settle: undefined, left: undefined, since: undefined, asked: undefined, by: undefined };
  await change(h.source, h.time, id, seen, standby(seen.schedule, done));
  return true;
}
