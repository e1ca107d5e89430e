/** What a run found, for people and for the docs. */
import type { FaultKind } from './faults.ts';
import type { Leg } from './legs.ts';
import type { Figures } from './verdict.ts';

export interface ChaosReport {
  seed: number;
  /** Of cloud and selfhosted. */
  engines: string;
  faults: Map<FaultKind, number>;
  /** By boundary, all of them. */
  kills: Map<string, number>;
  legs: Leg[];
  figures: Figures;
  /** What is wrong with the schedules as they rest now, in sentences. */
  resting: string[];
  /** How workers ended that nobody had killed. */
  workersFailed: string[];
  wallMs: number;
}

/** Sentences; none if what was promised held. */
export function problemsOf({ figures, resting, legs }: ChaosReport): string[] {
  return [
    ...figures.problems,
    ...resting,
    ...(figures.once === 0 ? ['the ledger is empty: nothing ran at all'] : []),
    ...legs.flatMap(alarmsOf),
  ];
}

/** The product's own audit calls unclean what the ledger does not: people would be woken for nothing. */
function alarmsOf({ id, audit }: Leg): string[] {
  if (!audit || audit.duplicates + audit.missed + audit.wrongSide === 0) return [];
  const { duplicates, missed, wrongSide } = audit;
  return [`${id} itself says: ${duplicates} duplicates, ${missed} missed, ${wrongSide} on the wrong side`];
}

export function totalFaults({ faults }: ChaosReport): number {
  return [...faults.values()].reduce((sum, count) => sum + count, 0);
}

export function textOf(report: ChaosReport): string {
  const { seed, engines, faults, kills, legs, figures, workersFailed, wallMs } = report;
  const ended = (outcome: Leg['outcome']) => legs.filter((leg) => leg.outcome === outcome).length;
  const activities = new Map<string, string[]>();
  for (const [name, count] of kills) {
    const [activity = '', moment = ''] = name.split(' ');
    activities.set(activity, [...(activities.get(activity) ?? []), `${moment} ${count}`]);
  }
  return [
    `seed ${seed}; cloud and selfhosted: ${engines}; ${(wallMs / 60_000).toFixed(1)} minutes`,
    `${totalFaults(report)} faults:`,
    ...[...faults].toSorted((a, b) => b[1] - a[1]).map(([kind, count]) => `  ${String(count).padStart(4)} ${kind}`),
    'workers killed, by activity and moment:',
    ...[...activities].map(([activity, moments]) => `  ${activity.padEnd(15)} ${moments.join(', ')}`),
    `${legs.length} migrations: ${ended('completed')} completed, ${ended('rolled-back')} rolled back, ` +
      `${ended('failed')} failed with nothing moved; they waited for a person ${legs.flatMap(({ holds }) => holds).length} times`,
    `${workersFailed.length} workers ended by themselves`,
    `${figures.expected} nominal times: ${figures.once} once, ${figures.duplicates} duplicates, ${figures.missed} missed, ` +
      `${figures.wrongSide} on the wrong side, ${figures.unexpected} at other times, ` +
      `${figures.explained} left out by their policy, ${figures.lostByV2} lost by the V2 scheduler itself; longest lateness ${(figures.maxLateMs / 1000).toFixed(1)} s`,
  ].join('\n');
}
