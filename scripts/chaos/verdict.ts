/** What the clusters say when all is quiet: nothing of the product's own is asked. */
import proto from '@temporalio/proto';
import {
  COUNTS,
  type LedgerTotals,
  nothing,
  type Outage,
  type Part,
  readLedgers,
  type Side,
  type Write,
} from '../../test/support/ledger.ts';
import type { PlannedSchedule } from '../lib/tenant-load.ts';
import type { Leg } from './legs.ts';

type Schedule = proto.temporal.api.schedule.v1.ISchedule;

/** Schedules a user created together, and from when on they are judged, epoch seconds. */
export interface Wave {
  schedules: PlannedSchedule[];
  from: number;
  /** As the cluster described each right after its creation. */
  asWritten: Map<string, Schedule>;
}

export type Figures = Omit<LedgerTotals, 'runs'>;

/**
 * Each migration is judged by itself, from its start to the next one's: within it a schedule may move once, and once more
 * if it was rolled back. The nominal time decides which one a run belongs to.
 */
export async function ledgerOf(of: {
  sides: Side[];
  waves: Wave[];
  legs: Leg[];
  outages: Outage[];
  writes: Write[];
  /** Epoch seconds. */
  to: number;
}): Promise<Figures> {
  const { sides, waves, legs, outages, writes } = of;
  const parts = legs.flatMap((leg, index): Part[] => {
    const begins = index === 0 ? 0 : Math.ceil(leg.startedAt / 1000);
    const next = legs[index + 1];
    const to = next ? Math.ceil(next.startedAt / 1000) - 1 : of.to;
    return waves
      .filter(({ from }) => from <= to)
      .map(({ schedules, from }) => ({
        schedules,
        from: Math.max(from, begins),
        to,
        path: pathOf(leg),
        outages,
        writes,
      }));
  });
  const ledgers = await readLedgers({ sides, settleMs: 40_000 }, parts);
  const figures: Figures = nothing();
  for (const { totals } of ledgers) {
    for (const key of COUNTS) figures[key] += totals[key];
    figures.maxLateMs = Math.max(figures.maxLateMs, totals.maxLateMs);
    figures.problems.push(...totals.problems);
  }
  return figures;
}

function pathOf({ outcome, from, to }: Leg): string[] {
  if (outcome === 'completed') return [from, to];
  return outcome === 'rolled-back' ? [from, to, from] : [from];
}

/** Sentences; none if the owner has what its users wrote, and the other side holds paused copies that say so. */
export async function atRest(sides: Side[], owner: string, waves: Wave[]): Promise<string[]> {
  const problems: string[] = [];
  for (const { asWritten } of waves) {
    for (const [id, written] of asWritten) {
      for (const side of sides) {
        const found = await describe(side, id);
        if (side.name === owner) {
          const fields = differing(written, found);
          if (fields.length > 0)
            problems.push(`${id} on its owner ${owner} differs from what was written: ${fields.join(', ')}`);
        } else if (!found?.state?.paused || !found.state.notes?.startsWith(`[ferry standby owner=${owner}`)) {
          const paused = found?.state?.paused ? 'paused' : 'not paused';
          problems.push(
            `${id} on ${side.name} is no standby of ${owner}: ${paused}, note ${JSON.stringify(found?.state?.notes)}`,
          );
        }
      }
    }
  }
  return problems;
}

export async function describe({ connection, namespace }: Side, scheduleId: string): Promise<Schedule | undefined> {
  const { schedule } = await connection.workflowService.describeSchedule({ namespace, scheduleId });
  return schedule ?? undefined;
}

/** Every part of a schedule but the count of actions left, which goes down by itself. */
function differing(one: Schedule, other: Schedule | undefined): string[] {
  const [left, right] = [fieldsOf(one), fieldsOf(other ?? {})];
  return [...new Set([...left.keys(), ...right.keys()])].filter((key) => left.get(key) !== right.get(key));
}

function fieldsOf(schedule: Schedule): Map<string, string> {
  const { Schedule: type } = proto.temporal.api.schedule.v1;
  const options = { bytes: String, longs: String, defaults: true };
  const sections: Record<string, object | null> = type.toObject(type.fromObject(schedule), options);
  const entries: [string, string][] = [];
  for (const [name, section] of Object.entries(sections)) {
    for (const [field, value] of Object.entries(section ?? {})) {
      if (field !== 'remainingActions') entries.push([`${name}.${field}`, JSON.stringify(value, inOrder)]);
    }
  }
  return new Map(entries);
}

/** A server tells the entries of a map in any order. */
function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
