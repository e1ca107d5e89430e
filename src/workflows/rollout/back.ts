/** The way back: whom it concerns, in which order, and when it is done. Pure, beside `state.ts`. */
import type { RolloutSettings } from './input.ts';
import {
  change,
  inScope,
  isRunning,
  names,
  type RolloutState,
  type Scope,
  tenantsOf,
  type TenantStatus,
} from './state.ts';

/** The latest wave that has changed anything; without one, the wave it is at. */
export function lastWave(state: RolloutState): number {
  const untouched: TenantStatus[] = ['waiting', 'there', 'skipped'];
  const touched = tenantsOf(state).filter(({ status }) => !untouched.includes(status));
  return touched.length === 0 ? state.wave : Math.max(...touched.map(({ wave }) => wave));
}

export function rollbackAsked(state: RolloutState, scope: Scope, reason: string): RolloutState {
  const wave = state.rollback?.wave ?? lastWave(state);
  return { ...state, paused: false, rollback: { scope, wave, reason: state.rollback?.reason ?? reason } };
}

/** The migration's `rollback` is on its way. */
export function calledOff(state: RolloutState, tenants: string[]): RolloutState {
  return change(state, tenants, (each) => ({ ...each, status: 'turning-back' }));
}

export function toCallOff(state: RolloutState): string[] {
  return names(inScope(state).filter(({ status }) => status === 'running'));
}

/** Whom to move back now: the last one moved comes first, as many at a time as its wave moved. */
export function startableBack(state: RolloutState, settings: RolloutSettings): string[] {
  let busy = inScope(state).filter(isRunning).length;
  const order = inScope(state)
    .map((each, index) => ({ each, index }))
    .filter(({ each: { status } }) => status === 'done' || status === 'cut-off')
    .toSorted((a, b) => (b.each.ended ?? '').localeCompare(a.each.ended ?? '') || b.index - a.index);
  const starts: string[] = [];
  for (const { each } of order) {
    if (busy >= (settings.waves[each.wave]?.concurrency ?? 1)) break;
    starts.push(each.tenant);
    busy++;
  }
  return starts;
}

export function startedBack(state: RolloutState, tenants: string[], at: string): RolloutState {
  return change(state, tenants, ({ tenant, wave }) => ({ tenant, wave, status: 'going-back', since: at }));
}

export function allBack(state: RolloutState): boolean {
  return !inScope(state).some((each) => isRunning(each) || ['done', 'cut-off', 'stuck'].includes(each.status));
}
