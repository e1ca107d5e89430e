/**
 * Where a rollout stands, and every way it can change: pure, so that the loop in `rollout-tenants.ts` only carries out
 * what this says. It is what continue-as-new carries, so a tenant is one short line.
 */
import type { MigrationEnd, MigrationSeen, Survey } from '../../activities/types.ts';
import type { RolloutSettings } from './input.ts';

export type TenantStatus =
  | 'waiting'
  /** Its migration runs. */
  | 'running'
  /** Moved by this rollout. */
  | 'done'
  /** Was on the target before. */
  | 'there'
  /** Its migration failed before it handed anything over. */
  | 'failed'
  /** Its migration took everything back. */
  | 'turned-back'
  /** Its migration was terminated, or is gone: the tenant may be on either side. */
  | 'cut-off'
  | 'skipped'
  /** Its migration runs and has been sent `rollback` by this rollout. */
  | 'turning-back'
  /** Was moved, and a migration the other way runs. */
  | 'going-back'
  /** The rollback of the rollout has taken it back. */
  | 'back'
  /** The migration the other way has not completed. */
  | 'stuck'
  /** A person said not to wait for its way back. */
  | 'left';

export interface TenantState {
  tenant: string;
  /** Index of its wave. */
  wave: number;
  status: TenantStatus;
  /** Of the migration that runs, as its memo says. */
  phase?: string;
  /** What that migration waits for, as its memo says. */
  waits?: string;
  /** One short line: why it failed, turned back, was skipped, or who holds it. */
  why?: string;
  /** When its last migration was started, ISO. */
  since?: string;
  /** When that ended, ISO. */
  ended?: string;
  /** It went wrong, and a person let the rollout go on. */
  passed?: true;
}

export type Scope = 'wave' | 'all';

/** How a wave is judged before the next one starts. */
export interface Verdict {
  verdict: 'successful' | 'failed' | 'inconclusive' | 'error';
  /** The arithmetic, as a sentence. */
  message: string;
}

export interface RolloutState {
  /** Index of the wave it is at; as many as there are waves once all are through. */
  wave: number;
  /** `before`: not approved yet. `judging`: all its tenants have ended. */
  stage: 'before' | 'migrating' | 'judging';
  verdict: Verdict | null;
  /** In the order they are started. Null until they have been surveyed. */
  tenants: TenantState[] | null;
  paused: boolean;
  rollback: { scope: Scope; wave: number; reason: string } | null;
  /** What people let pass: the last 20. */
  accepted: { at: string; what: string }[];
  /** The last 20. */
  notes: string[];
  /** Ferry… search attributes are registered on the control namespace. */
  searchAttributes: boolean;
  ended: 'completed' | 'rolled-back' | 'failed' | 'cancelled' | null;
  startedAt: string;
}

export const LISTED = 20;
/** A few hundred tenants that all went wrong still are a small state. */
const WHY = 140;

export function newState(at: string): RolloutState {
  return {
    wave: 0,
    stage: 'before',
    verdict: null,
    tenants: null,
    paused: false,
    rollback: null,
    accepted: [],
    notes: [],
    searchAttributes: false,
    ended: null,
    startedAt: at,
  };
}

export function tenantsOf({ tenants }: RolloutState): TenantState[] {
  return tenants ?? [];
}

export function withNote(state: RolloutState, text: string, at: string): RolloutState {
  return { ...state, notes: [...state.notes, `${at} ${text}`].slice(-LISTED) };
}

/** What is there is not done again; what an earlier run of this rollout has started is gone on with. */
export function surveyed(state: RolloutState, { waves, searchAttributes }: Survey): RolloutState {
  const tenants = waves.flatMap((members, wave) =>
    members.map(({ tenant, is, at, holder }): TenantState => {
      const line = { tenant, wave };
      if (is === 'moved') return { ...line, status: 'done', ended: at };
      if (is === 'there') return { ...line, status: 'there' };
      if (is === 'moving') return { ...line, status: 'running', since: at };
      return { ...line, status: 'waiting', ...(holder === undefined ? {} : { why: clip(`held by ${holder}`) }) };
    }),
  );
  return { ...state, tenants, searchAttributes };
}

export type Gate = 'approval' | 'stop' | 'verdict' | 'undo' | null;

/** What a `proceed` would answer; null when nothing waits for one. */
export function gateOf(state: RolloutState, settings: RolloutSettings): Gate {
  if (state.ended !== null || state.tenants === null) return null;
  if (state.rollback !== null) return stuck(state).length > 0 ? 'undo' : null;
  if (bad(state).length > 0) return 'stop';
  if (state.stage === 'before' && asksApproval(state, settings)) return 'approval';
  if (state.stage === 'judging' && state.verdict !== null && state.verdict.verdict !== 'successful') return 'verdict';
  return null;
}

/** A wave in which nothing is left to start needs nobody's word. */
function asksApproval(state: RolloutState, { waves }: RolloutSettings): boolean {
  return waves[state.wave]?.approval === 'manual' && inWave(state, state.wave).some(isWaiting);
}

/** What went wrong and nobody has answered yet: no further tenant starts. */
export function bad(state: RolloutState): TenantState[] {
  return tenantsOf(state).filter((each) => wentWrong(each) && !each.passed);
}

export function wentWrong({ status }: Pick<TenantState, 'status'>): boolean {
  return status === 'failed' || status === 'turned-back' || status === 'cut-off';
}

export function stuck(state: RolloutState): TenantState[] {
  return inScope(state).filter(({ status }) => status === 'stuck');
}

function isWaiting({ status }: TenantState): boolean {
  return status === 'waiting';
}

/** A migration of ours runs for it. */
export function isRunning({ status }: TenantState): boolean {
  return status === 'running' || status === 'turning-back' || status === 'going-back';
}

export function inWave(state: RolloutState, wave: number): TenantState[] {
  return tenantsOf(state).filter((each) => each.wave === wave);
}

/** Whom the rollback concerns. */
export function inScope(state: RolloutState): TenantState[] {
  const { rollback } = state;
  if (rollback === null) return [];
  return rollback.scope === 'all' ? tenantsOf(state) : inWave(state, rollback.wave);
}

/** The tenants whose migration may be started now, in order. */
export function startable(state: RolloutState, settings: RolloutSettings): string[] {
  const { wave, stage, paused } = state;
  if (paused || state.rollback !== null || stage !== 'migrating' || bad(state).length > 0) return [];
  const members = inWave(state, wave);
  const free = (settings.waves[wave]?.concurrency ?? 0) - members.filter(isRunning).length;
  return names(members.filter(isWaiting).slice(0, Math.max(0, free)));
}

/** Nothing of the wave waits or runs, and nobody is to be asked about it. */
export function waveEnded(state: RolloutState): boolean {
  return (
    state.stage === 'migrating' &&
    bad(state).length === 0 &&
    !inWave(state, state.wave).some((each) => isWaiting(each) || isRunning(each))
  );
}

/** A gate has something to say of a wave that moved a tenant. */
export function movedSome(state: RolloutState): boolean {
  return inWave(state, state.wave).some(({ status }) => status === 'done');
}

export function began(state: RolloutState): RolloutState {
  return { ...state, stage: 'migrating' };
}

export function judging(state: RolloutState): RolloutState {
  return { ...state, stage: 'judging', verdict: null };
}

export function judged(state: RolloutState, verdict: Verdict): RolloutState {
  return { ...state, verdict };
}

export function nextWave(state: RolloutState): RolloutState {
  return { ...state, wave: state.wave + 1, stage: 'before', verdict: null };
}

export function started(state: RolloutState, tenants: string[], at: string): RolloutState {
  return change(state, tenants, ({ tenant, wave }) => ({ tenant, wave, status: 'running', since: at }));
}

export function ended(state: RolloutState, outcome: Exclude<RolloutState['ended'], null>): RolloutState {
  return { ...state, ended: outcome, paused: false };
}

/** What the migrations' own records say now. */
export function seen(state: RolloutState, news: readonly MigrationSeen[]): RolloutState {
  return news.reduce((before, { tenant, ...of }) => {
    const [each] = tenantsOf(before).filter((line) => line.tenant === tenant);
    if (!each || !isRunning(each)) return before;
    const after = 'end' in of ? endedAs(each, of.end) : { ...each, ...went(of) };
    return change(before, [tenant], () => after);
  }, state);
}

function went({ phase, waits }: { phase: string; waits: string | null }): Pick<TenantState, 'phase' | 'waits'> {
  return { phase, waits: waits === null ? undefined : clip(waits) };
}

function endedAs({ tenant, wave, status, since }: TenantState, end: MigrationEnd): TenantState {
  const { outcome, why, at } = end;
  const line = { tenant, wave, ...(since === undefined ? {} : { since }), ended: at };
  const told = { ...line, ...(why === null ? {} : { why: clip(why) }) };
  if (status === 'going-back') {
    return outcome === 'completed' ? { ...line, status: 'back' } : { ...told, status: 'stuck' };
  }
  if (outcome === 'completed') return { ...line, status: 'done' };
  if (status === 'turning-back' && outcome === 'rolled-back') return { ...line, status: 'back' };
  if (outcome === 'rolled-back') return { ...told, status: 'turned-back' };
  return { ...told, status: outcome };
}

/** `retry`: what went wrong is started again, instead of being left as it is. */
export function proceeded(state: RolloutState, settings: RolloutSettings, retry: boolean, at: string): RolloutState {
  const accept = (next: RolloutState, what: string): RolloutState => ({
    ...next,
    accepted: [...state.accepted, { at, what }].slice(-LISTED),
  });
  switch (gateOf(state, settings)) {
    case 'approval':
      return began(state);
    case 'verdict':
      return accept(
        { ...state, verdict: { verdict: 'successful', message: 'a person let it pass' } },
        `the gate behind wave ${waveName(settings, state.wave)}: ${state.verdict?.message ?? ''}`,
      );
    case 'stop': {
      const wrong = bad(state);
      if (retry) return change(state, names(wrong), ({ tenant, wave }) => ({ tenant, wave, status: 'waiting' }));
      return accept(
        change(state, names(wrong), (each) => ({ ...each, passed: true })),
        listed(wrong.map((each) => `${each.tenant} ${each.status}${because(each)}`)),
      );
    }
    case 'undo':
      return change(state, names(stuck(state)), ({ why: _why, ...each }) => ({ ...each, status: 'done' }));
    case null:
      return state;
  }
}

export function canSkip(state: RolloutState, { tenant, status, passed }: TenantState): boolean {
  if (state.rollback !== null) {
    const concerned = inScope(state).some((each) => each.tenant === tenant);
    return concerned && (status === 'stuck' || status === 'turning-back' || status === 'going-back');
  }
  return status === 'waiting' || (!passed && wentWrong({ status }));
}

export function skipped(state: RolloutState, tenant: string): RolloutState {
  const turning = state.rollback !== null;
  return change(state, [tenant], (each) => ({
    ...each,
    status: turning ? 'left' : 'skipped',
    ...(wentWrong(each) ? { why: clip(`${each.status}${because(each)}`) } : {}),
  }));
}

export function because({ why }: Pick<TenantState, 'why'>): string {
  return why === undefined ? '' : ` (${why})`;
}

export function waveName({ waves }: RolloutSettings, wave: number): string {
  return `${Math.min(wave + 1, waves.length)} of ${waves.length} (${waves[wave]?.name ?? ''})`;
}

/** The first few, and how many more. */
export function listed(lines: readonly string[], shown = 5): string {
  const more = lines.length - shown;
  return `${lines.slice(0, shown).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

export function names(tenants: readonly TenantState[]): string[] {
  return tenants.map(({ tenant }) => tenant);
}

export function change(state: RolloutState, tenants: string[], to: (each: TenantState) => TenantState): RolloutState {
  if (tenants.length === 0 || state.tenants === null) return state;
  return { ...state, tenants: state.tenants.map((each) => (tenants.includes(each.tenant) ? to(each) : each)) };
}

/** As a tenant's line keeps it. */
export function clip(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= WHY ? line : `${line.slice(0, WHY - 1)}…`;
}
