/** Which commands make sense in which moment of a rollout, what they do to it, and what to answer. Pure. */
import { readReason } from '../commands.ts';
import { rollbackAsked } from './back.ts';
import type { RolloutSettings } from './input.ts';
import { overviewOf, type RolloutCommand } from './overview.ts';
import {
  type RolloutState,
  type Scope,
  bad,
  canSkip,
  gateOf,
  proceeded,
  skipped,
  stuck,
  tenantsOf,
  waveName,
} from './state.ts';

/** As read from what came with a command. */
export type Order =
  | { command: 'pause' | 'resume' }
  | { command: 'proceed'; retry: boolean }
  | { command: 'rollback'; scope: Scope; reason: string }
  | { command: 'skip'; tenant: string };

export type Read = { order: Order; odd: string | null } | { refused: string };

/**
 * How far a rollback goes, and whom a skip leaves out, decides over many tenants: what cannot be read is not guessed. What
 * came besides is told and ignored.
 */
export function readOrder(command: RolloutCommand, argument: unknown): Read {
  const given: Record<string, unknown> = fieldsOf(argument);
  const nothing = argument === undefined || argument === null;
  switch (command) {
    case 'pause':
    case 'resume':
      return { order: { command }, odd: nothing ? null : `\`${command}\` came with an input, which it does not take` };
    case 'proceed': {
      const { retry = false, ...others } = given;
      const readable =
        nothing || (isObject(argument) && typeof retry === 'boolean' && Object.keys(others).length === 0);
      const takes = '`proceed` takes nothing or {"retry": true}';
      return readable ? { order: { command, retry: retry === true }, odd: null } : { refused: `${takes}.` };
    }
    case 'rollback': {
      const { scope = 'wave', ...others } = given;
      if (scope !== 'wave' && scope !== 'all') {
        return { refused: '`rollback` takes {"scope": "wave"} or {"scope": "all"}, with a "reason" if you like.' };
      }
      const { reason, odd } = readReason(isObject(argument) ? others : argument);
      const told = odd === null ? null : `\`rollback\` came with ${odd}, and is obeyed`;
      return { order: { command, scope, reason: reason ?? 'requested without a reason' }, odd: told };
    }
    case 'skip': {
      const tenant = typeof argument === 'string' ? argument : given.tenant;
      return typeof tenant === 'string' && tenant !== ''
        ? { order: { command, tenant }, odd: null }
        : { refused: '`skip` takes the tenant to leave out: {"tenant": "…"}.' };
    }
  }
}

function isObject(argument: unknown): boolean {
  return typeof argument === 'object' && argument !== null && !Array.isArray(argument);
}

function fieldsOf(argument: unknown): Record<string, unknown> {
  return typeof argument === 'object' && argument !== null && !Array.isArray(argument) ? { ...argument } : {};
}

/** One plain sentence for the person who sent it, or null when it makes sense now. */
export function refuseOrder(order: Order, state: RolloutState, settings: RolloutSettings): string | null {
  const { command } = order;
  const { accepts, phase, to } = overviewOf(state, settings, state.startedAt);
  if (command === 'skip') return refuseSkip(order.tenant, state, phase);
  if (command === 'rollback' && state.rollback !== null && state.ended === null) {
    if (order.scope === 'all' && state.rollback.scope === 'wave') return null;
    return `It is rolling back already: ${state.rollback.scope === 'all' ? 'everything' : 'the wave'}.`;
  }
  if (command === 'proceed' && order.retry && !['stop', 'undo'].includes(gateOf(state, settings) ?? '')) {
    return 'Nothing went wrong that could be tried again.';
  }
  if (accepts.includes(command)) return null;
  if (state.ended !== null) {
    const back =
      command === 'rollback' && phase === 'completed'
        ? ' To go back, start RolloutTenants with `from` and `to` swapped.'
        : '';
    return `The rollout to ${to} is ${phase}.${back}`;
  }
  if (state.rollback !== null) return `It is rolling back, which is not interrupted: there is nothing to ${command}.`;
  return {
    pause: 'It is paused already: `resume` goes on.',
    resume: 'It is not paused: there is nothing to resume.',
    proceed: `It is ${phase} and waits for nobody: there is nothing to proceed with.`,
    rollback: 'It cannot be rolled back now.',
  }[command];
}

function refuseSkip(tenant: string, state: RolloutState, phase: string): string | null {
  const each = tenantsOf(state).find((line) => line.tenant === tenant);
  if (state.ended !== null) return `The rollout is ${phase}: nobody is left to skip.`;
  if (!each) return `There is no tenant ${tenant} in this rollout: see the query \`tenants\`.`;
  if (canSkip(state, each)) return null;
  const running = each.status === 'running' ? ': its migration runs, and takes a `rollback` of its own' : '';
  return `${tenant} is ${each.status}${running}. There is nothing to skip.`;
}

/** The answer of an accepted update. */
export function acknowledge(order: Order, state: RolloutState, settings: RolloutSettings): string {
  switch (order.command) {
    case 'pause':
      return 'No further tenant starts; migrations that run go on. `resume` goes on.';
    case 'resume':
      return 'It goes on.';
    case 'rollback':
      return order.scope === 'all'
        ? 'Everything this rollout has moved goes back, the last first. Follow it with the query `overview`.'
        : `What this rollout has moved of wave ${waveName(settings, rollbackAsked(state, 'wave', '').rollback?.wave ?? 0)} goes back, the last first. Follow it with the query \`overview\`.`;
    case 'skip':
      return state.rollback === null ? `${order.tenant} is left out.` : `${order.tenant} is left where it is.`;
    case 'proceed': {
      const paused = state.paused ? ' It is paused, so that happens with `resume`.' : '';
      const gate = gateOf(state, settings);
      if (gate === 'approval') return `Wave ${waveName(settings, state.wave)} starts.${paused}`;
      if (gate === 'undo') return `${stuck(state).length} tenants are taken back once more.`;
      if (order.retry) return `${bad(state).length} tenants are tried again.${paused}`;
      return `It goes on with the rest, and the result says so.${paused}`;
    }
  }
}

export function obey(order: Order, state: RolloutState, settings: RolloutSettings, at: string): RolloutState {
  switch (order.command) {
    case 'pause':
      return { ...state, paused: true };
    case 'resume':
      return { ...state, paused: false };
    case 'rollback':
      return rollbackAsked(state, order.scope, order.reason);
    case 'skip':
      return skipped(state, order.tenant);
    case 'proceed':
      return proceeded(state, settings, order.retry, at);
  }
}
