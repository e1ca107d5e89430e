/** A rollout as short markdown for the Web UI; see `../details.ts` for what its renderer does to text. */
import { clock, fit, inline } from '../details.ts';
import type { Overview, RolloutCommand, RolloutPhase, StatusCounts } from './overview.ts';
import type { TenantStatus } from './state.ts';

const TITLES: Record<RolloutPhase, string> = {
  surveying: 'looking where the tenants are',
  'rolling-out': 'rolling out',
  'awaiting-approval': 'waiting for approval',
  stopped: 'STOPPED',
  'rolling-back': 'rolling back',
  completed: 'completed',
  'rolled-back': 'rolled back',
  failed: 'failed',
  cancelled: 'cancelled',
};

const DOES: Record<RolloutCommand, string> = {
  proceed: 'goes on',
  resume: 'goes on where it was paused',
  skip: 'leaves a tenant out: {"tenant": "…"}',
  rollback: 'takes the wave back, or all: {"scope": "all"}',
  pause: 'starts no further tenant',
};

const SHOWN = 10;

export function rolloutDetails(rollout: string, overview: Overview): string {
  const { from, to, phase, wave, total, tenants, paused, waitingFor, accepts, running, wrong, eta } = overview;
  const order: RolloutCommand[] = paused
    ? ['resume', 'proceed', 'rollback', 'skip']
    : ['proceed', 'skip', 'rollback', 'pause'];
  const next = order
    .filter((each) => accepts.includes(each))
    .map((each) => `signal or update \`${each}\` ${DOES[each]}`);
  const at = wave === null ? '' : `wave ${wave.number} of ${wave.of} (${inline(wave.name)}), `;
  const sections = [
    `## ${inline(rollout)}: ${TITLES[phase]}${paused ? ', paused' : ''}`,
    `**${inline(from)} → ${inline(to)}**, ${at}${total} tenants: ${countsText(tenants)}; as of ${clock(overview.updatedAt)}`,
    waitingFor === null ? '' : `**Waits for:** ${inline(waitingFor)}`,
    overview.rollback === null
      ? ''
      : `**Rolled back (${overview.rollback.scope}) because:** ${inline(overview.rollback.reason)}`,
    next.length === 0 ? '' : `**Next:** ${next.join('; ')}`,
    eta === null ? '' : `**Expected end:** ${clock(eta)}, as the tenants so far went`,
    list(
      'Went wrong',
      wrong.map(({ tenant, status, why }) => `${tenant}, ${status}: ${why ?? 'no reason known'}`),
    ),
    list(
      'Running',
      running.map(
        ({ tenant, status, phase: of, waits }) =>
          `${tenant}, ${status === 'running' ? (of ?? 'starting') : status}${waits === undefined ? '' : `: waits for ${waits}`}`,
      ),
    ),
    waveTable(overview),
    list(
      'People let pass',
      overview.accepted.map(({ at: when, what }) => `${when} ${what}`),
    ),
    list('Notes', overview.notes.toReversed()),
  ];
  return fit(
    sections.filter((section) => section !== ''),
    'overview',
  );
}

const ORDER: TenantStatus[] = [
  'done',
  'there',
  'running',
  'turning-back',
  'going-back',
  'back',
  'waiting',
  'failed',
  'turned-back',
  'cut-off',
  'stuck',
  'skipped',
  'left',
];

/** `12 done, 1 running, 3 waiting`. */
export function countsText(counts: StatusCounts): string {
  const told = ORDER.filter((status) => counts[status] !== undefined).map((status) => `${counts[status]} ${status}`);
  return told.length === 0 ? 'not known yet' : told.join(', ');
}

function waveTable({ waves, wave }: Overview): string {
  // Around the one it is at: a rollout may have a hundred.
  const first = Math.max(0, (wave?.number ?? waves.length) - 3);
  const rows = waves
    .slice(first, first + SHOWN)
    .map(
      ({ name, total, tenants }, index) =>
        `| ${first + index + 1} ${inline(name)} | ${total} | ${countsText(tenants)} |`,
    );
  return ['| wave | tenants | |', '|---|---|---|', ...rows].join('\n');
}

function list(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, SHOWN).map((line) => `- ${inline(line)}`);
  if (lines.length > SHOWN) shown.push(`- and ${lines.length - SHOWN} more: see the query \`tenants\``);
  return [`**${title}**`, ...shown].join('\n');
}
