/**
 * The snapshot as short markdown for the Web UI. What its renderer does to text decides the wording: fractions such as
 * 3 of 4 written with a slash become one glyph, two dashes become one, and proxies stop requests above a few KB.
 */
import { formatDuration } from './duration.ts';
import { type Command, isEnding, type Phase, type PhaseEntry, type Progress, unexplained } from './progress.ts';
import { straysOf } from './strays.ts';

export const MAX_DETAILS_BYTES = 4096;
const MAX_ROWS = 12;

const TITLES: Record<Phase, string> = {
  claiming: 'taking the lock',
  preflight: 'preflight',
  copying: 'copying schedules',
  verifying: 'verifying the copies',
  'awaiting-approval': 'waiting for approval',
  'cutting-over': 'handing over',
  settling: 'settling',
  baking: 'baking',
  draining: 'draining',
  completed: 'completed',
  planned: 'planned (dry run)',
  'rolling-back': 'rolling back',
  'rolled-back': 'rolled back',
  failed: 'failed',
};

export function detailsOf(progress: Progress): string {
  const { tenant, from, to, phase, owner, schedules, paused, waitingFor, rollbackReason } = progress;
  const state = paused ? `${TITLES[phase]}, paused` : TITLES[phase];
  const head = [
    `## ${inline(tenant)}: ${state}`,
    `**${inline(from)} → ${inline(to)}**, ${owner === null ? 'owner not recorded' : `owner now **${inline(owner)}**`}, as of ${clock(progress.updatedAt)}`,
  ];
  const next = [
    ...(waitingFor === null ? [] : [`**Waits for:** ${inline(waitingFor)}`]),
    ...(rollbackReason === null ? [] : [`**Rolled back because:** ${inline(rollbackReason)}`]),
    `**Next:** ${nextUseful(progress)}`,
  ];
  const { total, copied, verified, handedOver, failed } = schedules;
  const counts = [
    '| schedules | count |',
    '|---|---|',
    `| copied | ${copied} of ${total} |`,
    `| verified | ${verified} of ${total} |`,
    `| on ${cell(to)} | ${handedOver} of ${total} |`,
    ...(failed > 0 ? [`| failed | ${failed} |`] : []),
  ].join('\n');
  const { audit } = progress;
  const ledger =
    `**Ledger:** ${audit.runs} runs, ${audit.duplicates} duplicate, ${audit.missed} missed, ` +
    `${audit.wrongSide} on the wrong side, ${audit.explained} explained, ${audit.filled} filled` +
    (unexplained(audit) > 0 ? ' **(not clean)**' : '');
  // Most useful first: what does not fit is dropped from the end.
  const sections = [
    ...head,
    ...next,
    counts,
    workflowLines(progress),
    phaseTable(progress.phases),
    ledger,
    gateLines(progress),
    list(
      'Could not be treated',
      progress.failures.map((f) => `${f.object}: ${f.found}; ${f.remedy}`),
    ),
    list(
      'Breaches',
      progress.breaches
        .map((b) => `${b.at} ${b.schedule}: ${b.kind}, ${b.repaired ? 'repaired' : 'not repaired'}; ${b.detail}`)
        .toReversed(),
    ),
    list('Notes', progress.notes.toReversed()),
    list(
      'Warnings',
      progress.warnings.map((w) => `${w.object}: ${w.found}`),
    ),
  ];
  return fit(sections.filter((section) => section !== ''));
}

function nextUseful({ accepts, phase, to, from, paused }: Progress): string {
  if (phase === 'completed') return `to go back, start MigrateTenant from \`${to}\` to \`${from}\``;
  if (isEnding(phase)) return 'nothing, it has ended';
  const said: Record<Command, string> = {
    proceed: proceedDoes(phase),
    resume: 'goes on where it was paused',
    rollback: `takes everything back to ${inline(from)}`,
    pause: 'holds it between schedules',
  };
  const order: Command[] = paused ? ['resume', 'rollback'] : ['proceed', 'rollback', 'pause'];
  const useful = order.filter((command) => accepts.includes(command));
  if (useful.length === 0) return 'nothing to send, it ends by itself';
  return useful.map((command) => `signal or update \`${command}\` ${said[command]}`).join('; ');
}

function proceedDoes(phase: Phase): string {
  if (phase === 'baking') return 'ends the bake now';
  if (phase === 'draining') return 'goes on without waiting';
  return phase === 'rolling-back' ? 'tries again now' : 'goes on';
}

function workflowLines({ workflows }: Progress): string {
  if (workflows === null) return '';
  const { route, open, byType, drained, checkedAt } = workflows;
  const starts = route === null ? 'not flipped yet' : `start on **${inline(route.to)}** from ${clock(route.at)} on`;
  const seen =
    checkedAt === null
      ? ''
      : `, ${open} open${route === null ? '' : ` on ${inline(route.from)}`} as of ${clock(checkedAt)}`;
  const { found } = straysOf(workflows);
  const astray = found === 0 ? '' : `, **${found} started on the wrong side**`;
  const types = byType
    .slice(0, 5)
    .map((each) => `- ${each.open} ${inline(each.type)}, the oldest since ${clock(each.oldestStartedAt)}`);
  return [`**On demand:** ${starts}${seen}${astray}${drained ? ', drained' : ''}`, ...types].join('\n');
}

function gateLines({ gate }: Progress): string {
  if (gate === null) return '';
  const checks = gate.checks.map(({ name, verdict, message, dryRun }) => {
    const state = dryRun ? `${verdict}, dry run` : verdict;
    return `- ${inline(name)}: **${state}**, ${inline(message)}`;
  });
  return [`**Gate:** ${gate.verdict}, ${inline(gate.message)}`, ...checks].join('\n');
}

function phaseTable(phases: readonly PhaseEntry[]): string {
  const rows = phases.slice(-MAX_ROWS).map(({ phase, since }, index, shown) => {
    const until = shown[index + 1]?.since;
    const note = until === undefined ? 'now' : `took ${formatDuration(Date.parse(until) - Date.parse(since))}`;
    return `| ${TITLES[phase]} | ${clock(since)} | ${note} |`;
  });
  return ['| phase | since | note |', '|---|---|---|', ...rows].join('\n');
}

function list(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, 5).map((line) => `- ${inline(line)}`);
  if (lines.length > 5) shown.push(`- and ${lines.length - 5} more: see the query \`progress\``);
  return [`**${title}**`, ...shown].join('\n');
}

/** Whole sections as long as they fit; the rest is in the query. */
export function fit(sections: readonly string[], query = 'progress'): string {
  const more = `(more in the query \`${query}\`)`;
  const room = MAX_DETAILS_BYTES - bytes(`\n\n${more}`);
  let text = '';
  for (const section of sections) {
    const longer = text === '' ? section : `${text}\n\n${section}`;
    if (bytes(longer) > room) return `${text}\n\n${more}`;
    text = longer;
  }
  return text;
}

/** One line, of bounded length, that the renderer neither mangles nor takes for markup. */
export function inline(text: string): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/-{2,}/g, '-')
    .replaceAll(/(\d)\/(\d)/g, '$1 of $2')
    .replaceAll(/[<>|*_[\]]/g, String.raw`\$&`);
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}

const cell = inline;

/** `2026-11-22 16:03:05 UTC`: no slashes, and the same in every browser. */
export function clock(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}

/** Length in UTF-8; workflow code has TextEncoder but counting needs no copy. */
function bytes(text: string): number {
  let size = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    size += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return size;
}
