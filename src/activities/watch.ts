import { readNote } from '../schedules/note.ts';
import { handOver } from '../schedules/handover.ts';
import { situation } from '../schedules/pair.ts';
import type { Described } from '../schedules/ports.ts';
import { change } from '../schedules/change.ts';
import { isOurBound, standby } from '../schedules/shapes.ts';
import { toMs } from '../schedules/times.ts';
import type { Cluster } from '../clusters/cluster.ts';
import { walk } from '../clusters/inventory.ts';
import { REAL_TIME } from '../clusters/real-time.ts';
import { DEFAULT_HANDOVER, type FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import type { Breach, Crossing, WatchResult } from './types.ts';

/** A run this late is reported; the scheduler may have its reasons, a person should look. */
const OVERDUE_MS = 60_000;

/**
 * After the cut-over `to` is the owner. The lists of both sides say where something looks wrong; Describe decides, and
 * the side that should not be open is shut.
 */
export async function watchOwnership(deps: FerryDeps, input: Crossing): Promise<WatchResult> {
  const source = deps.clusters.get(input.from);
  const target = deps.clusters.get(input.to);
  const handover = {
    source,
    target,
    time: REAL_TIME,
    migration: input.migration,
    ...DEFAULT_HANDOVER,
    ...deps.handover,
  };
  const result: WatchResult = { checked: 0, breaches: [] };
  const pulse = heartbeating(() => ({ checked: result.checked }));
  const report = (
    schedule: string,
    kind: Breach['kind'],
    detail: string,
    repaired: boolean,
    wrongSideRuns = 0,
  ): void => {
    result.breaches.push({ schedule, kind, detail, repaired, wrongSideRuns, at: new Date().toISOString() });
  };
  try {
    for await (const { id, notes, paused } of walk(source, input.selection)) {
      result.checked++;
      const { mark } = readNote(notes);
      if (paused && mark?.kind === 'standby' && mark.owner === input.to) continue;
      const [from, to] = await Promise.all([source.describe(id), target.describe(id)]);
      const at = situation(from?.schedule, to?.schedule, { from: input.from, to: input.to });
      if (!from || at.kind === 'gone') continue;
      if (at.kind === 'handed-over' && from.schedule.state?.paused) continue;
      if (to && (at.kind === 'foreign' || at.kind === 'handed-over')) {
        if (from.schedule.state?.paused) {
          // Paused, but its mark was overwritten: without it nobody could tell which side owns it.
          await shut(source, input, id, from);
          continue;
        }
        const runs = from.recent.filter((action) => action.startedMs >= (from.updatedMs ?? 0)).length;
        await shut(source, input, id, from);
        const found = `it was unpaused on ${input.from} while ${input.to} owns it, and ran ${runs} times there`;
        report(id, 'both-active', `${found}; ${input.from} has been paused again`, true, runs);
        continue;
      }
      const handover = {
        source,
        target,
        time: REAL_TIME,
        migration: input.migration,
        ...DEFAULT_HANDOVER,
        ...deps.handover,
      };
      const done = await handOver(handover, id);
      const kind = at.kind === 'uncopied' || at.kind === 'ready' ? 'stray' : 'none-active';
      const found =
        kind === 'stray' ? `it was found on ${input.from} after the cut-over` : `its handover was not complete`;
      report(id, kind, `${found}; ${done.reason?.found ?? `it now runs on ${input.to}`}`, done.outcome !== 'failed');
    }
    for await (const { id, paused, info } of walk(target, input.selection)) {
      result.checked++;
      // A bound that was left on because of a long jitter comes off when its time has passed.
      if (isOurBound(info.spec?.startTime)) await handOver(handover, id);
      if (paused || !isOverdue(info.futureActionTimes?.map((t) => toMs(t) ?? 0))) continue;
      const to = await target.describe(id);
      if (!to || to.schedule.state?.paused || !isOverdue(to.futureMs)) continue;
      const due = new Date(to.futureMs[0] ?? 0).toISOString();
      report(id, 'overdue', `its run due at ${due} has not been started by ${input.to}`, false);
    }
  } finally {
    pulse.stop();
  }
  return result;
}

function isOverdue(futureMs: number[] | undefined): boolean {
  const next = futureMs?.[0];
  return next !== undefined && next < Date.now() - OVERDUE_MS;
}

async function shut(source: Cluster, input: Crossing, id: string, from: Described): Promise<void> {
  const mark = { kind: 'standby', owner: input.to, migration: input.migration } as const;
  await change(source, REAL_TIME, id, from, standby(from.schedule, mark));
}
