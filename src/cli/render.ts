/** What people read in a terminal. Pure: plain lines, the important first. */
import type { ClusterFacts, PreflightReport, Reason, ScheduleWrite } from '../activities/types.ts';
import {
  type Command,
  type Counts,
  count,
  isEnding,
  type OnDemand,
  type Progress,
  type ProgressMemo,
} from '../workflows/progress.ts';
import type { GateStatus } from '../gates/verdict.ts';
import type { MigrationResult } from '../workflows/result.ts';
import { straysOf } from '../workflows/strays.ts';
import type { TenantMemo } from '../workflows/tenant.ts';
import { holderText } from '../workflows/tenant-record.ts';
import { routeSentence } from '../routes/sentence.ts';
import type { Ending, Found } from './control.ts';
import { clock, shell } from './words.ts';

/** One line per change while a migration is followed. */
export function progressLine(progress: Progress): string {
  const { phase, owner, schedules, workflows, waitingFor } = progress;
  const parts = [
    phase,
    countsOf(phase, schedules),
    phase === 'draining' && workflows ? `${count(workflows.open, 'workflow')} open` : '',
    owner === null ? '' : ownedBy(owner),
    schedules.failed > 0 ? `${schedules.failed} failed` : '',
    waitingFor === null ? '' : `waits for ${waitingFor}`,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function countsOf(phase: Progress['phase'], { total, copied, verified, handedOver }: Counts): string {
  if (phase === 'copying') return `${copied} of ${total} copied`;
  if (phase === 'verifying') return `${verified} of ${total} verified`;
  if (phase === 'cutting-over' || phase === 'settling' || phase === 'baking' || phase === 'completed') {
    return `${handedOver} of ${total} handed over`;
  }
  return phase === 'rolling-back' ? `${handedOver} of ${total} not yet back` : '';
}

export function statusText(found: Found, progress: Progress): string {
  const { tenant, from, to, phase, owner, schedules, audit, waitingFor, rollbackReason } = progress;
  const { total, copied, verified, handedOver, failed } = schedules;
  const lines = [
    `${tenant}: ${phase}${progress.paused ? ', paused' : ''} (${from} → ${to}), ${ownedBy(owner)}`,
    row('schedules', `${total}: ${copied} copied, ${verified} verified, ${handedOver} on ${to}, ${failed} failed`),
    ...onDemandRows(progress.workflows),
    row('ledger', ledger(audit)),
    ...gateRows(progress.gate),
    ...(waitingFor === null ? [] : [row('waits for', waitingFor)]),
    ...(rollbackReason === null ? [] : [row('turned back', rollbackReason)]),
    row('started', clock(progress.startedAt)),
    row('as of', clock(progress.updatedAt)),
    row('workflow', found.workflowId),
  ];
  const next = nextCommands(progress, found);
  if (next.length > 0) lines.push(row('next', next.join(' · ')));
  return [...lines, ...lists(progress.failures, progress.warnings, progress.notes)].join('\n');
}

/** What is left to see without a worker. */
export function memoText(found: Found, memo: ProgressMemo, why: string): string {
  const { phase, from, to, owner, schedules, workflows, waitingFor, rollbackReason, updatedAt } = memo;
  const { total, copied, verified, handedOver, failed } = schedules;
  return [
    `${found.workflowId}: ${phase} (${from} → ${to}), ${ownedBy(owner)}`,
    `  ${why}`,
    row('schedules', `${total}: ${copied} copied, ${verified} verified, ${handedOver} on ${to}, ${failed} failed`),
    ...(workflows
      ? [
          row(
            'on demand',
            `${routeOf(workflows.route)}, ${workflows.open} open, ${workflows.wrongSide} on the wrong side`,
          ),
        ]
      : []),
    ...(waitingFor === null || waitingFor === undefined ? [] : [row('waits for', waitingFor)]),
    ...(rollbackReason === null || rollbackReason === undefined ? [] : [row('turned back', rollbackReason)]),
    row('as of', clock(updatedAt)),
  ].join('\n');
}

export function endingText(found: Found, ending: Ending): string {
  switch (ending.kind) {
    case 'result':
      return ending.result.plan ? planText(ending.result) : resultText(ending.result);
    case 'failed':
      return `${found.workflowId} failed (${ending.type}):\n${ending.message}`;
    case 'stopped': {
      const took = ending.status === 'CANCELLED' ? ' It took everything back before it ended.' : '';
      const trap =
        ending.status === 'CANCELLED'
          ? ''
          : '\nIt may have left schedules on either side. Start a migration of the tenant again, in either direction: ' +
            'it takes over and goes on from what it finds.';
      return `${found.workflowId} was ${ending.status.toLowerCase()} (${ending.message}).${took}${trap}`;
    }
  }
}

export function resultText(result: MigrationResult): string {
  const { tenant, outcome, owner, from, to, schedules, audit, reason, accepted, startedAt, finishedAt } = result;
  const seconds = Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
  const { total, handedOver } = schedules;
  return [
    `${tenant}: ${outcome} (${from} → ${to}), ${ownedBy(owner)}`,
    row('schedules', `${total}: ${handedOver} on ${to}`),
    ...onDemandRows(result.workflows ?? null),
    row('ledger', ledger(audit)),
    ...gateRows(result.gate),
    ...(reason === undefined ? [] : [row('turned back', reason)]),
    ...(accepted === undefined ? [] : [row('accepted', accepted.what)]),
    ...(result.bakeEndedEarly ? [row('bake', 'ended early by `proceed`')] : []),
    row('took', `${seconds} s, until ${clock(finishedAt)}`),
    ...result.breaches.map((b) => row('breach', `${b.schedule} ${b.kind} at ${clock(b.at)}: ${b.detail}`)),
    ...lists([], result.warnings, result.notes),
  ].join('\n');
}

export function planText({ tenant, from, to, plan }: MigrationResult): string {
  if (!plan) return `${tenant}: there is no plan`;
  const { blockers, warnings, schedules, workflows, facts } = plan;
  const lines = [
    `Plan for ${tenant}: ${from} → ${to}. Nothing was changed.`,
    `  ${count(schedules.total)}, ${schedules.active} active and ${schedules.paused} paused by their users; ` +
      `about ${plan.plan.rpcEstimate} calls to the clusters`,
    ...(workflows
      ? [
          `  on demand: its workflows ${routeSentence(workflows.route)}; ${openText(workflows)} on ${from}, which end there`,
        ]
      : []),
    row(facts.from.profile, sideText(facts.from)),
    row(facts.to.profile, sideText(facts.to)),
    row('clocks', clocks(facts)),
    '',
    blockers.length === 0 ? 'Blockers: none' : `Blockers (${blockers.length}): a migration would be refused`,
    ...blockers.flatMap(reasonLines),
    warnings.length === 0 ? 'Warnings: none' : `Warnings (${warnings.length})`,
    ...warnings.flatMap(reasonLines),
  ];
  if (plan.plan.schedules.length > 0) lines.push('', 'Writes');
  for (const group of alike(plan.plan.schedules)) lines.push(...group);
  if (plan.plan.omitted > 0) lines.push(`  and ${count(plan.plan.omitted)} more`);
  return lines.join('\n');
}

/** Most schedules of a tenant get the same writes: told once, with the schedules they are for. */
function alike(schedules: readonly ScheduleWrite[]): string[][] {
  const groups = new Map<string, ScheduleWrite[]>();
  for (const each of schedules) {
    const key = JSON.stringify([each.writes, each.warnings]);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()].map((group) => {
    const [{ writes, warnings } = { writes: [], warnings: [] }] = group;
    return [
      ...wrap(group.map(({ schedule }) => schedule)),
      ...(writes.length === 0 ? ['    none: it is there already'] : []),
      ...writes.map((write, index) => `    ${index + 1}. ${write}`),
      ...warnings.map((warning) => `    note: ${warning}`),
    ];
  });
}

function wrap(names: readonly string[]): string[] {
  const lines: string[] = [];
  let line = '';
  for (const name of names) {
    if (line !== '' && line.length + name.length > 110) {
      lines.push(`  ${line},`);
      line = '';
    }
    line = line === '' ? name : `${line}, ${name}`;
  }
  return [...lines, `  ${line}`];
}

export function recordText(tenant: string, { owner, route, lock, updatedAt }: TenantMemo): string {
  return [
    `${tenant}: owner ${owner ?? 'not recorded'}${updatedAt ? `, as of ${clock(updatedAt)}` : ''}`,
    ...(route ? [`  its workflows ${routeSentence(route)}`] : []),
    lock ? `  held by ${holderText(lock)}` : '  no migration holds it',
  ].join('\n');
}

/** Undefined from a worker of an earlier version, too. */
function gateRows(gate: GateStatus | null | undefined): string[] {
  if (!gate) return [];
  const checks = gate.checks.map(({ name, verdict, message, dryRun }) =>
    row('check', `${name}: ${verdict}${dryRun ? ' (dry run)' : ''}, ${message}`),
  );
  return [row('gate', `${gate.verdict}, ${gate.message}`), ...checks];
}

function onDemandRows(workflows: OnDemand | null): string[] {
  if (workflows === null) return [];
  const { route, drained, checkedAt } = workflows;
  const { found, unexamined, what, examples } = straysOf(workflows);
  const on = route === null ? '' : ` on ${route.from}`;
  const seen = checkedAt === null ? '' : `, ${openText(workflows)}${on} as of ${clock(checkedAt)}`;
  return [
    row('on demand', `${routeOf(route)}${seen}${drained ? ', drained' : ''}`),
    ...(found + unexamined === 0 ? [] : [row('wrong side', `${what}: ${examples.join('; ')}`)]),
  ];
}

function routeOf(route: OnDemand['route']): string {
  return route === null ? 'route not changed yet' : `start on ${route.to} from ${clock(route.at)} on`;
}

function openText({ open, byType }: Pick<OnDemand, 'open' | 'byType'>): string {
  const types = byType.slice(0, 5).map((each) => `${each.open} ${each.type} since ${clock(each.oldestStartedAt)}`);
  return types.length === 0 ? `${open} open` : `${open} open (${types.join(', ')}${byType.length > 5 ? ', …' : ''})`;
}

function nextCommands({ tenant, accepts, phase, from, to }: Progress, { workflowId }: Found): string[] {
  if (phase === 'completed') return [`ferry migrate ${shell(tenant)} --from ${to} --to ${from}   (the way back)`];
  if (isEnding(phase)) return [];
  const subject = workflowId === `migrate/${tenant}` ? tenant : workflowId;
  const order: Command[] = ['proceed', 'resume', 'rollback', 'pause'];
  return order.filter((command) => accepts.includes(command)).map((command) => `ferry ${command} ${shell(subject)}`);
}

function ledger({ runs, duplicates, missed, wrongSide, explained, filled }: Progress['audit']): string {
  return (
    `${runs} runs around the boundaries, ${duplicates} duplicate, ${missed} missed, ${wrongSide} on the wrong side, ` +
    `${explained} explained, ${filled} filled`
  );
}

function sideText({ namespace, serverVersion, engine }: ClusterFacts): string {
  return `namespace ${namespace || 'unknown'}, server ${serverVersion}, scheduler ${engine}`;
}

function clocks({ from, to, clockSkewMs, clockSkewErrorMs }: PreflightReport['facts']): string {
  if (clockSkewMs === null) return 'not measured';
  const side = clockSkewMs < 0 ? 'behind' : 'ahead of';
  return `${to.profile} is ${Math.abs(clockSkewMs)} ms ${side} ${from.profile}, give or take ${clockSkewErrorMs ?? 0} ms`;
}

function lists(failures: readonly Reason[], warnings: readonly Reason[], notes: readonly string[]): string[] {
  return [
    ...(failures.length === 0 ? [] : ['Could not be treated', ...failures.flatMap(reasonLines)]),
    ...(warnings.length === 0 ? [] : ['Warnings', ...warnings.flatMap(reasonLines)]),
    ...(notes.length === 0 ? [] : ['Notes', ...notes.map((note) => `  - ${note}`)]),
  ];
}

function reasonLines({ object, found, remedy, code }: Reason): string[] {
  return [`  - ${object}: ${found} [${code}]`, `    do: ${remedy}`];
}

/** A memo drops what is null. */
function ownedBy(owner: string | null | undefined): string {
  return `owner ${owner ?? 'not recorded'}`;
}

export function row(title: string, text: string): string {
  return `  ${title.padEnd(11)} ${text}`;
}
