/** `ferry copy`, `verify`, `pause-schedules`, `unpause-schedules`: start the step, or find it running, and wait for what it did. */
import { type Client, WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { CopyReport } from '../workflows/copy-schedules.ts';
import type { PauseReport, UnpauseReport } from '../workflows/pause-schedules.ts';
import type { Refusals, StepReport } from '../workflows/single-step.ts';
import type { VerifyReport } from '../workflows/verify-schedules.ts';
import type { Output } from './commands.ts';
import { CliError, EXIT, type ExitCode } from './exit.ts';
import type { StepAsked } from './steps-args.ts';
import { clipBytes } from './words.ts';

type Command = StepAsked['step'];

const TYPES = {
  copy: 'CopySchedules',
  verify: 'VerifySchedules',
  'pause-schedules': 'PauseSchedules',
  'unpause-schedules': 'UnpauseSchedules',
} as const satisfies Record<Command, string>;

const SUMMARIES = {
  copy: 'paused copies of its schedules',
  verify: 'its schedules compared with their copies',
  'pause-schedules': 'its schedules paused',
  'unpause-schedules': 'its schedules let run again',
} as const satisfies Record<Command, string>;

export async function singleStep(
  client: Client,
  taskQueue: string,
  { step, tenant, input, workflowId, json }: StepAsked,
  io: Output,
): Promise<ExitCode> {
  const handle = await client.workflow.start(TYPES[step], {
    workflowId,
    workflowIdConflictPolicy: 'USE_EXISTING',
    taskQueue,
    args: [input],
    staticSummary: clipBytes(`${tenant}: ${SUMMARIES[step]}`, 200),
  });
  io.err(`${workflowId} runs; waiting for what it does.`);
  const { report, text, asWished } = read(step, await ended(handle));
  io.out(json ? JSON.stringify(report, null, 2) : text);
  // A misspelt tenant has none.
  return asWished && report.seen > 0 ? EXIT.ok : EXIT.unwished;
}

export async function ended<T>(handle: { result: () => Promise<T> }): Promise<T> {
  try {
    return await handle.result();
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    const { cause } = error;
    throw new CliError(EXIT.unwished, cause instanceof ApplicationFailure ? cause.message : error.message);
  }
}

interface Read {
  report: StepReport;
  text: string;
  asWished: boolean;
}

/** As the workflow of that type returns it. */
export function read(step: Command, answer: unknown): Read {
  switch (step) {
    case 'copy': {
      const report = answer as CopyReport;
      return { report, text: copyText(report), asWished: report.refused === 0 && report.elsewhere === 0 };
    }
    case 'verify': {
      const report = answer as VerifyReport;
      const { different, missing, extra } = report.counts;
      return { report, text: verifyText(report), asWished: different + missing + extra === 0 };
    }
    case 'pause-schedules': {
      const report = answer as PauseReport;
      return { report, text: pauseText(report), asWished: report.refused === 0 };
    }
    case 'unpause-schedules': {
      const report = answer as UnpauseReport;
      return { report, text: unpauseText(report), asWished: report.refused === 0 };
    }
  }
}

function copyText(report: CopyReport): string {
  const { tenant, from, to, seen, created, updated, unchanged, elsewhere } = report;
  return document(report, [
    `${tenant}: ${seen} schedules on ${from}, their paused copies on ${to}`,
    `  made ${created}, updated ${updated}, in line ${unchanged - elsewhere}`,
    ...(elsewhere === 0
      ? []
      : [`  not ${from}'s to copy ${elsewhere}: it has their paused copies, or they are in a hand-over`]),
    ...refusals(report),
  ]);
}

function verifyText(report: VerifyReport): string {
  const { tenant, from, to, seen, counts, different, missing, extra } = report;
  return document(report, [
    `${tenant}: ${seen} schedules on ${from}, compared with ${to}`,
    `  matching ${counts.matching}, different ${counts.different}, missing ${counts.missing}, extra ${counts.extra}`,
    ...different.map(({ schedule, fields }) => `    ${schedule} differs: ${fields.join(', ')}`),
    ...missing.map((id) => `    ${id} is not on ${to}`),
    ...extra.map((id) => `    ${id} is on ${to} only`),
    ...more(counts.different + counts.missing + counts.extra - different.length - missing.length - extra.length),
  ]);
}

function pauseText(report: PauseReport): string {
  const { tenant, cluster, seen, paused, already, userPaused, standby } = report;
  return document(report, [
    `${tenant}: ${seen} schedules on ${cluster}`,
    `  paused ${paused}, paused by ferry before ${already}`,
    ...(userPaused === 0
      ? []
      : [`  paused by their users ${userPaused}: left so, also by \`ferry unpause-schedules\``]),
    ...(standby === 0 ? [] : [`  paused copies ${standby}: they belong to the other cluster`]),
    ...refusals(report),
  ]);
}

function unpauseText(report: UnpauseReport): string {
  const { tenant, cluster, other, seen, unpaused, running } = report;
  return document(report, [
    `${tenant}: ${seen} schedules on ${cluster}, each looked up on ${other} first`,
    `  let run again ${unpaused}, running already ${running}`,
    ...refusals(report),
  ]);
}

function document({ seen, notes }: StepReport, lines: string[]): string {
  const none = 'No schedule was found: which are meant is said by --schedules, --prefix or --all-schedules.';
  return [...lines, ...notes.map((note) => `  ${note}`), ...(seen === 0 ? [none] : [])].join('\n');
}

function refusals({ refused, byCode, reasons }: Refusals): string[] {
  if (refused === 0) return [];
  const codes = Object.entries(byCode).map(([code, count]) => `${count} ${code}`);
  return [
    `  left for you ${refused} (${codes.join(', ')}):`,
    ...reasons.map(({ object, code, found, remedy }) => `    ${object}, ${code}: ${found}; ${remedy}`),
    ...more(refused - reasons.length),
  ];
}

function more(count: number): string[] {
  return count > 0 ? [`    and ${count} more`] : [];
}
