/** The single steps as short markdown for the Web UI; see `details.ts` for what its renderer does to text. */
import type { CopyReport } from './copy-schedules.ts';
import type { PauseReport, UnpauseReport } from './pause-schedules.ts';
import type { Refusals, StepReport } from './single-step.ts';
import type { VerifyReport } from './verify-schedules.ts';

const SHOWN = 10;
const MAX_CHARS = 4000;

export function copyDetails(report: CopyReport): string {
  const { from, to, seen, created, updated, unchanged, elsewhere } = report;
  return document(report, `Copies of ${report.tenant}'s schedules on ${to}`, [
    `${seen} schedules on ${from}: ${created} paused copies made, ${updated} updated, ${unchanged - elsewhere} in line`,
    ...(elsewhere === 0
      ? []
      : [`${elsewhere} are not of ${from}: it has their paused copies, or they are in a hand-over`]),
    ...refusals(report),
  ]);
}

export function verifyDetails(report: VerifyReport): string {
  const { from, to, seen, counts, different, missing, extra } = report;
  return document(report, `${report.tenant}'s schedules on ${from} and ${to}`, [
    `${seen} schedules on ${from}: ${counts.matching} match, ${counts.different} differ, ${counts.missing} missing on ${to}, ${counts.extra} only there`,
    ...list(
      'Different',
      different.map(({ schedule, fields }) => `${schedule}: ${fields.join(', ')}`),
    ),
    ...list(`Missing on ${to}`, missing),
    ...list(`Only on ${to}`, extra),
  ]);
}

export function pauseDetails(report: PauseReport): string {
  const { cluster, seen, paused, already, userPaused, standby } = report;
  return document(report, `Pausing ${report.tenant}'s schedules on ${cluster}`, [
    `${seen} schedules: ${paused} paused, ${already} already paused by ferry, ${userPaused} by their users, ${standby} are paused copies`,
    ...refusals(report),
  ]);
}

export function unpauseDetails(report: UnpauseReport): string {
  const { cluster, seen, unpaused, running } = report;
  return document(report, `Letting ${report.tenant}'s schedules run again on ${cluster}`, [
    `${seen} schedules: ${unpaused} let run, ${running} ran already`,
    ...refusals(report),
  ]);
}

function document({ done, notes }: StepReport, title: string, lines: string[]): string {
  const state = done ? 'done' : 'at work';
  return [`## ${title}: ${state}`, ...lines, ...list('Notes', notes)].join('\n\n').slice(0, MAX_CHARS);
}

function refusals({ refused, reasons }: Refusals): string[] {
  if (refused === 0) return [];
  const lines = reasons.map(({ object, code, found, remedy }) => `${object}, ${code}: ${found}; ${remedy}`);
  return list(`${refused} left for a person`, lines);
}

function list(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > SHOWN ? ['- and more: see the query `progress`'] : [];
  return [[`**${title}**`, ...lines.slice(0, SHOWN).map((line) => `- ${line}`), ...more].join('\n')];
}
