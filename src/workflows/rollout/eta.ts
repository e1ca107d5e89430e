/** When a rollout that goes forward will be done, as far as its tenants so far tell. Pure. */
import type { RolloutSettings } from './input.ts';
import { inWave, isRunning, type RolloutState, type TenantState, tenantsOf } from './state.ts';

const MOVED_FOR_AN_ETA = 3;

/**
 * Each wave still to do takes as many rounds as its concurrency makes of it; a tenant takes its bake and what the middle
 * one of those already moved took besides. A person before the end, or a rollback, makes any such time a guess: none is told.
 */
export function etaOf(state: RolloutState, settings: RolloutSettings, at: string): string | null {
  if (state.paused) return null;
  const { waves } = settings;
  const tenants = tenantsOf(state);
  const bakeOf = ({ wave }: TenantState): number => waves[wave]?.bakeMs ?? 0;
  const took = tenants
    .filter(({ status, since, ended }) => status === 'done' && since !== undefined && ended !== undefined)
    .map((each) => Math.max(0, Date.parse(each.ended ?? '') - Date.parse(each.since ?? '') - bakeOf(each)))
    .toSorted((a, b) => a - b);
  const middle = took[Math.floor(took.length / 2)];
  if (middle === undefined || took.length < MOVED_FOR_AN_ETA) return null;

  let leftMs = 0;
  for (const [index, { concurrency, manual, approval }] of waves.entries()) {
    const members = inWave(state, index);
    const waiting = members.filter(({ status }) => status === 'waiting').length;
    const running = members.filter(isRunning);
    if (waiting + running.length === 0) continue;
    if (manual || (approval === 'manual' && index > state.wave)) return null;
    const each = middle + (waves[index]?.bakeMs ?? 0);
    const longest = Math.max(0, ...running.map(({ since }) => each - (Date.parse(at) - Date.parse(since ?? at))));
    leftMs += longest + Math.ceil(waiting / concurrency) * each;
  }
  return leftMs === 0 ? null : new Date(Date.parse(at) + leftMs).toISOString();
}
