/** A rollout as people read it in a terminal. Pure. */
import { countsText } from '../workflows/rollout/details.ts';
import type { Overview, OverviewMemo, RolloutCommand, RolloutResult } from '../workflows/rollout/overview.ts';
import { row } from './render.ts';
import type { RolloutEnding } from './rollouts.ts';
import { clock, shell } from './words.ts';

const SHOWN = 10;

/** One line per change while it is followed. */
export function rolloutLine(overview: Overview): string {
  const { phase, wave, tenants, paused, waitingFor, running } = overview;
  const runs = running.map((each) => `${each.tenant} ${stateOf(each)}`);
  return [
    `${phase}${paused ? ', paused' : ''}`,
    wave === null ? '' : `wave ${wave.number} of ${wave.of} (${wave.name})`,
    countsText(tenants),
    runs.length === 0 ? '' : `${runs.slice(0, 3).join(', ')}${runs.length > 3 ? ', …' : ''}`,
    waitingFor === null ? '' : `waits for ${waitingFor}`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

function stateOf({ status, phase, waits }: Overview['running'][number]): string {
  const now = status === 'running' ? (phase ?? 'starting') : status;
  return waits === undefined ? now : `${now} (waits for ${waits})`;
}

export function rolloutText(workflowId: string, overview: Overview): string {
  const { phase, from, to, wave, total, tenants, paused, waitingFor, running, wrong, eta, waves, rollback } = overview;
  const next = commandsText(workflowId, overview.accepts);
  return [
    `${workflowId}: ${phase}${paused ? ', paused' : ''} (${from} → ${to})${wave === null ? '' : `, wave ${wave.number} of ${wave.of}, ${wave.name}`}`,
    row('tenants', `${total}: ${countsText(tenants)}`),
    ...(waitingFor === null ? [] : [row('waits for', waitingFor)]),
    ...(rollback === null ? [] : [row('turned back', `${rollback.scope}: ${rollback.reason}`)]),
    ...running.slice(0, SHOWN).map((each) => row('running', `${each.tenant} ${stateOf(each)}`)),
    ...(running.length > SHOWN ? [row('running', `and ${running.length - SHOWN} more`)] : []),
    ...wrong
      .slice(0, SHOWN)
      .map((each) => row('went wrong', `${each.tenant} ${each.status}: ${each.why ?? 'no reason known'}`)),
    ...waves.map((each, index) => row(`wave ${index + 1}`, `${each.name}, ${each.total}: ${countsText(each.tenants)}`)),
    ...(eta === null ? [] : [row('expected', clock(eta))]),
    row('started', clock(overview.startedAt)),
    row('as of', clock(overview.updatedAt)),
    ...(next === '' ? [] : [row('next', next)]),
    ...people(overview),
  ].join('\n');
}

function commandsText(workflowId: string, accepts: readonly RolloutCommand[]): string {
  const order: RolloutCommand[] = ['proceed', 'resume', 'skip', 'rollback', 'pause'];
  return order
    .filter((command) => accepts.includes(command))
    .map((command) => `ferry ${command} ${shell(workflowId)}${command === 'skip' ? ' <tenant>' : ''}`)
    .join(' · ');
}

/** What is left to see without a worker. */
export function rolloutMemoText(workflowId: string, memo: OverviewMemo, why: string): string {
  const { phase, from, to, wave, total, tenants, waitingFor, updatedAt } = memo;
  return [
    `${workflowId}: ${phase} (${from} → ${to})${wave ? `, wave ${wave}` : ''}`,
    `  ${why}`,
    row('tenants', `${total}: ${countsText(tenants)}`),
    ...(waitingFor ? [row('waits for', waitingFor)] : []),
    row('as of', clock(updatedAt)),
  ].join('\n');
}

export function rolloutEndingText(workflowId: string, ending: RolloutEnding): string {
  switch (ending.kind) {
    case 'result':
      return resultText(workflowId, ending.result);
    case 'failed':
      return `${workflowId} failed (${ending.type}):\n${ending.message}`;
    case 'stopped':
      return (
        `${workflowId} has been stopped (${ending.message}). Its migrations go on to their own end, and nothing was taken back. ` +
        'Started again with the same waves it goes on from what it finds.'
      );
  }
}

function resultText(workflowId: string, result: RolloutResult): string {
  const { outcome, from, to, total, tenants, waves, except, scope, reason, startedAt, finishedAt } = result;
  const seconds = Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
  return [
    `${workflowId}: ${outcome} (${from} → ${to})`,
    row('tenants', `${total}: ${countsText(tenants)}`),
    ...waves.map((each, index) => row(`wave ${index + 1}`, `${each.name}, ${each.total}: ${countsText(each.tenants)}`)),
    ...(scope === undefined ? [] : [row('turned back', `${scope}: ${reason ?? ''}`)]),
    ...except.map(({ tenant, status, why }) =>
      row('except', `${tenant} ${status}${why === undefined ? '' : `: ${why}`}`),
    ),
    row('took', `${seconds} s, until ${clock(finishedAt)}`),
    ...people(result),
  ].join('\n');
}

function people({ accepted, notes }: Pick<Overview, 'accepted' | 'notes'>): string[] {
  return [
    ...accepted.map(({ at, what }) => row('let pass', `${clock(at)} ${what}`)),
    ...(notes.length === 0 ? [] : ['Notes', ...notes.map((note) => `  - ${note}`)]),
  ];
}
