/**
 * Paused copies that services could not bring in line, as the tenant's record keeps them: pure. A note for people and the
 * reconciler, which compares both sides anyway; one that is missing here is found all the same.
 */
import * as v from 'valibot';
import type { TenantRecord } from './tenant-record.ts';

export interface Behind {
  /** Oldest first; each copy once, as last told. */
  schedules: BehindCopy[];
  /** How many more there are. */
  more: number;
}

export interface BehindCopy {
  schedule: string;
  /** Profile of the copy. */
  cluster: string;
  found: string;
  /** ISO. */
  at: string;
}

const KEPT = 100;
const MAX_FOUND = 300;

const Told = v.object({
  schedule: v.string(),
  cluster: v.string(),
  found: v.string(),
  at: v.pipe(v.string(), v.isoTimestamp()),
});
const Seen = v.object({ before: v.pipe(v.string(), v.isoTimestamp()), refused: v.array(v.string()) });

/** A signal cannot be refused: what is no such note is left out. */
export function standbyBehind(record: TenantRecord, given: unknown): TenantRecord {
  const told = v.safeParse(Told, given);
  if (!told.success) return record;
  const copy = { ...told.output, found: told.output.found.slice(0, MAX_FOUND) };
  const { schedules, more } = record.behind ?? { schedules: [], more: 0 };
  const others = schedules.filter(({ schedule, cluster }) => schedule !== copy.schedule || cluster !== copy.cluster);
  if (others.length >= KEPT) return { ...record, behind: { schedules: others, more: more + 1 } };
  return { ...record, behind: { schedules: [...others, copy], more } };
}

export function reconciled(record: TenantRecord, given: unknown): TenantRecord {
  const seen = v.safeParse(Seen, given);
  if (!seen.success || !record.behind) return record;
  const { before, refused } = seen.output;
  const left = record.behind.schedules.filter(({ schedule, at }) => at >= before || refused.includes(schedule));
  const { behind: _, ...rest } = record;
  return left.length === 0 ? rest : { ...rest, behind: { schedules: left, more: 0 } };
}
