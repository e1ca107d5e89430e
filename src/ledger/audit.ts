/**
 * Some schedules over a range: reads what ran, window by window, and has each schedule judged. What is in memory is one
 * window of runs and what `schedule-audit.ts` keeps of each: it does not grow with the number of executions.
 */
import { type AuditedCluster, Unreadable } from './ports.ts';
import { type AuditOptions, ScheduleAudit } from './schedule-audit.ts';
import { type Tally, count, remark } from './tally.ts';
import { type Line, iso } from './verdict.ts';
import { runWindows } from './windows.ts';

/** Adds to `tally`; `emit` gets every line, `once` included, in order within a schedule. */
export async function auditSchedules(
  clusters: AuditedCluster[],
  ids: string[],
  options: AuditOptions,
  tally: Tally,
  emit: (line: Line) => void = () => {},
): Promise<void> {
  const keepsMs = await retention(clusters);
  const take = (line: Line): void => {
    count(tally, line);
    emit(line);
  };
  const open = new Map<string, ScheduleAudit>();
  /** What cannot be read of one schedule holds up no other. */
  const each = async (audited: string[], treat: (id: string) => Promise<void>): Promise<void> => {
    const one = async (id: string): Promise<void> => {
      try {
        await treat(id);
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error;
        open.delete(id);
        const at = iso(options.fromMs);
        const why = `from here on it could not be judged: ${error.message}`;
        take({ schedule: id, verdict: 'inconclusive', due: at, why, runs: [] });
        tally.schedules++;
      }
    };
    await Promise.all(audited.map(one));
  };
  await each(ids, async (id) => {
    const audit = await ScheduleAudit.open(clusters, id, options, keepsMs, take);
    if (audit) open.set(id, audit);
  });
  for await (const { untilMs, runs } of runWindows(clusters, [...open.keys()], options, options.windowRuns)) {
    options.signal?.throwIfAborted();
    await each([...open.keys()], async (id) => open.get(id)?.window(untilMs, runs.get(id) ?? []));
  }
  await each([...open.keys()], async (id) => {
    const audit = open.get(id);
    await audit?.end();
    tally.schedules++;
    for (const [note, times] of audit?.notes() ?? []) remark(tally, note, times);
  });
}

async function retention(clusters: AuditedCluster[]): Promise<Map<string, number>> {
  const kept = new Map<string, number>();
  for (const cluster of clusters) kept.set(cluster.profile, (await cluster.retentionMs()) ?? Infinity);
  return kept;
}
