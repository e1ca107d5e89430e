/** One look at a rollout, derived from its state: the query, the details and the memo cannot disagree. Pure. */
import type { Command } from '../progress.ts';
import { etaOf } from './eta.ts';
import type { RolloutSettings } from './input.ts';
import {
  type Gate,
  LISTED,
  type RolloutState,
  type TenantState,
  type TenantStatus,
  bad,
  because,
  canSkip,
  gateOf,
  inScope,
  inWave,
  isRunning,
  listed,
  stuck,
  tenantsOf,
  waveName,
  wentWrong,
} from './state.ts';

export type RolloutPhase =
  | 'surveying'
  | 'rolling-out'
  | 'awaiting-approval'
  /** Something went wrong, or a gate did not pass: nothing further starts until a person says so. */
  | 'stopped'
  | 'rolling-back'
  | 'completed'
  | 'rolled-back'
  | 'failed'
  | 'cancelled';

export type RolloutCommand = Command | 'skip';

export type StatusCounts = Partial<Record<TenantStatus, number>>;

export interface WaveOverview {
  name: string;
  total: number;
  /** By status; what is zero is left out. */
  tenants: StatusCounts;
}

export interface Overview {
  from: string;
  to: string;
  phase: RolloutPhase;
  /** The wave it is at; null before the survey and after the last. */
  wave: { name: string; number: number; of: number } | null;
  total: number;
  /** By status; what is zero is left out. */
  tenants: StatusCounts;
  paused: boolean;
  /** What must happen for it to go on, as a sentence; null while it works. */
  waitingFor: string | null;
  /** The commands that make sense now. */
  accepts: RolloutCommand[];
  /** The migrations that run, and what each waits for as of its memo: the first 50. */
  running: Pick<TenantState, 'tenant' | 'status' | 'phase' | 'waits' | 'since'>[];
  /** What went wrong, people's word on it or not: the first 20. */
  wrong: Pick<TenantState, 'tenant' | 'status' | 'why'>[];
  /** ISO. Null where it would mean nothing: fewer than three tenants have been moved, or people have a say before the end. */
  eta: string | null;
  waves: WaveOverview[];
  rollback: { scope: 'wave' | 'all'; reason: string } | null;
  accepted: { at: string; what: string }[];
  notes: string[];
  startedAt: string;
  updatedAt: string;
}

const RUNNING_SHOWN = 50;

export function overviewOf(state: RolloutState, settings: RolloutSettings, at: string): Overview {
  const { from, to, waves } = settings;
  const tenants = tenantsOf(state);
  const wave = waves[state.wave];
  return {
    from,
    to,
    phase: phaseOf(state, settings),
    wave: wave && state.tenants ? { name: wave.name, number: state.wave + 1, of: waves.length } : null,
    total: tenants.length,
    tenants: countsOf(tenants),
    paused: state.paused,
    waitingFor: waitingFor(state, settings),
    accepts: accepts(state, settings),
    running: tenants
      .filter(isRunning)
      .slice(0, RUNNING_SHOWN)
      .map(({ tenant, status, phase, waits, since }) => ({ tenant, status, phase, waits, since })),
    wrong: tenants
      .filter((each) => wentWrong(each) || each.status === 'stuck')
      .slice(0, LISTED)
      .map(({ tenant, status, why }) => ({ tenant, status, why })),
    eta: phaseOf(state, settings) === 'rolling-out' ? etaOf(state, settings, at) : null,
    waves: waves.map(({ name }, index) => {
      const members = inWave(state, index);
      return { name, total: members.length, tenants: countsOf(members) };
    }),
    rollback: state.rollback && { scope: state.rollback.scope, reason: state.rollback.reason },
    accepted: state.accepted,
    notes: state.notes,
    startedAt: state.startedAt,
    updatedAt: at,
  };
}

export function phaseOf(state: RolloutState, settings: RolloutSettings): RolloutPhase {
  if (state.ended !== null) return state.ended;
  if (state.rollback !== null) return 'rolling-back';
  if (state.tenants === null) return 'surveying';
  const phases: Record<Exclude<Gate, null>, RolloutPhase> = {
    approval: 'awaiting-approval',
    stop: 'stopped',
    verdict: 'stopped',
    undo: 'rolling-back',
  };
  const gate = gateOf(state, settings);
  return gate === null ? 'rolling-out' : phases[gate];
}

function waitingFor(state: RolloutState, settings: RolloutSettings): string | null {
  if (state.ended !== null) return null;
  const back = '`rollback` takes the wave back, or all with {"scope": "all"}';
  const gate = gateOf(state, settings);
  switch (gate) {
    case 'stop':
      return (
        `${tell(bad(state))}: \`proceed\` goes on with the rest and leaves ${bad(state).length === 1 ? 'it' : 'them'}, ` +
        `\`proceed\` with {"retry": true} tries again, \`skip\` leaves one out, ${back}`
      );
    case 'verdict':
      return `the gate behind wave ${waveName(settings, state.wave)} is ${state.verdict?.verdict ?? ''}, ${state.verdict?.message ?? ''}: \`proceed\` goes on and the result says so, ${back}`;
    case 'undo':
      return `${tell(stuck(state))}: \`proceed\` tries again, \`skip\` leaves one where it is`;
    case 'approval':
    case null:
      if (state.paused) return '`resume`: it is paused';
      return gate === null ? null : `\`proceed\`, to start wave ${waveName(settings, state.wave)}; or ${back}`;
  }
}

function tell(tenants: readonly TenantState[]): string {
  return listed(
    tenants.map((each) => `${each.tenant} is ${each.status}${because(each)}`),
    3,
  );
}

function accepts(state: RolloutState, settings: RolloutSettings): RolloutCommand[] {
  if (state.ended !== null) return [];
  const proceed: RolloutCommand[] = gateOf(state, settings) === null ? [] : ['proceed'];
  const skip: RolloutCommand[] = tenantsOf(state).some((each) => canSkip(state, each)) ? ['skip'] : [];
  if (state.rollback !== null) {
    return [...proceed, ...skip, ...(state.rollback.scope === 'wave' ? (['rollback'] as const) : [])];
  }
  return ['rollback', state.paused ? 'resume' : 'pause', ...proceed, ...skip];
}

export function countsOf(tenants: readonly TenantState[]): StatusCounts {
  const counts: StatusCounts = {};
  for (const { status } of tenants) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** The little that fits a memo and is worth reading in a list, or while no worker is up. */
export function memoOf({ from, to, phase, wave, total, tenants, waitingFor, updatedAt }: Overview) {
  return {
    from,
    to,
    phase,
    wave: wave && `${wave.number} of ${wave.of}, ${wave.name}`,
    total,
    tenants,
    waitingFor,
    updatedAt,
  };
}

export type OverviewMemo = ReturnType<typeof memoOf>;

/** What the query `tenants` may be asked; anything else is the beginning of all. */
export interface TenantsAsked {
  /** Index to begin at. @default 0 */
  from?: number;
  /** 1 to 200. @default 100 */
  limit?: number;
  status?: TenantStatus;
  /** Name of a wave. */
  wave?: string;
}

export interface TenantsPage {
  total: number;
  tenants: (Omit<TenantState, 'wave'> & { wave: string })[];
  /** What `from` to ask for next; null after the last. */
  next: number | null;
}

export function tenantsPage(state: RolloutState, { waves }: RolloutSettings, asked: unknown): TenantsPage {
  const given: Partial<Record<keyof TenantsAsked, unknown>> =
    typeof asked === 'object' && asked !== null ? { ...asked } : {};
  const whole = (value: unknown, otherwise: number, min: number, max: number): number =>
    typeof value === 'number' && Number.isInteger(value) ? Math.min(max, Math.max(min, value)) : otherwise;
  const from = whole(given.from, 0, 0, Number.MAX_SAFE_INTEGER);
  const limit = whole(given.limit, 100, 1, 200);
  const all = tenantsOf(state)
    .map(({ wave, ...each }) => ({ ...each, wave: waves[wave]?.name ?? '' }))
    .filter(({ status, wave }) => (given.status ?? status) === status && (given.wave ?? wave) === wave);
  const next = from + limit;
  return { total: all.length, tenants: all.slice(from, next), next: next < all.length ? next : null };
}

/** What a rollout returns. */
export interface RolloutResult {
  outcome: 'completed' | 'rolled-back';
  from: string;
  to: string;
  total: number;
  tenants: StatusCounts;
  waves: WaveOverview[];
  /** Those that are not where the outcome says, and why: the first 200. */
  except: Pick<TenantState, 'tenant' | 'status' | 'why'>[];
  /** What people let pass. */
  accepted: { at: string; what: string }[];
  notes: string[];
  /** Of a rollback. */
  scope?: 'wave' | 'all';
  reason?: string;
  startedAt: string;
  finishedAt: string;
}

const EXCEPT_SHOWN = 200;

export function resultOf(
  state: RolloutState,
  settings: RolloutSettings,
  outcome: RolloutResult['outcome'],
  at: string,
): RolloutResult {
  const { from, to, total, tenants, waves, accepted, notes, startedAt } = overviewOf(state, settings, at);
  const fine: TenantStatus[] = outcome === 'completed' ? ['done', 'there'] : ['back', 'waiting', 'skipped', 'there'];
  const concerned = outcome === 'completed' ? tenantsOf(state) : inScope(state);
  const { rollback } = state;
  return {
    outcome,
    from,
    to,
    total,
    tenants,
    waves,
    except: concerned
      .filter(({ status }) => !fine.includes(status))
      .slice(0, EXCEPT_SHOWN)
      .map(({ tenant, status, why }) => ({ tenant, status, why })),
    accepted,
    notes,
    ...(rollback === null ? {} : { scope: rollback.scope, reason: rollback.reason }),
    startedAt,
    finishedAt: at,
  };
}
