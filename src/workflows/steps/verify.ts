import type { Difference, Reason } from '../../activities/types.ts';
import { refusal } from '../../errors.ts';
import * as activities from '../activities.ts';
import type { Controls } from '../controls.ts';
import { eachPage } from '../pages.ts';
import { count, LISTED } from '../progress.ts';
import type { Run } from '../run.ts';
import { copy } from './copy.ts';

interface Findings {
  seen: number;
  wrong: number;
  /** The first few, as lines. */
  lines: string[];
}

/** Field by field. A source edited since it was copied is what a difference usually is: one repair, then it counts. */
export async function verify(run: Run, controls: Controls): Promise<void> {
  const first = await compare(run, controls);
  if (first.wrong === 0) return;
  run.note(`${count(first.wrong)} differed from the source and were copied again`);
  await copy(run, controls);
  const second = await compare(run, controls);
  if (second.wrong === 0) return;
  const { tenant, to } = run.progress;
  const more = second.wrong > second.lines.length ? [`- and ${second.wrong - second.lines.length} more`] : [];
  throw refusal(
    'VerifyFailed',
    `${tenant}: ${count(second.wrong)} of ${second.seen} on ${to} differ from their source, also after a repair. ` +
      'Nothing was handed over and the lock is free: see whether somebody edits them, and start the migration again.\n' +
      [...second.lines, ...more].join('\n'),
  );
}

async function compare(run: Run, controls: Controls): Promise<Findings> {
  await controls.checkpoint();
  run.enter('verifying');
  const findings: Findings = { seen: 0, wrong: 0, lines: [] };
  const extra: Reason[] = [];
  let verified = 0;
  await eachPage(controls, {
    crossing: run.crossing,
    pageSize: run.pageSize,
    treat: activities.verifyPage,
    take: (result) => {
      findings.seen += result.seen;
      findings.wrong += result.different.length + result.missing.length;
      const lines = [...result.different.map(differs), ...result.missing.map((id) => `- schedule ${id}: missing`)];
      findings.lines.push(...lines.slice(0, LISTED - findings.lines.length));
      extra.push(...result.extra.slice(0, LISTED - extra.length).map((id) => onlyOnTarget(id, run)));
      verified += result.matching;
      run.count({ verified });
    },
  });
  if (extra.length > 0) {
    const others = run.progress.warnings.filter(({ code }) => code !== 'extra-on-target');
    run.update({ warnings: [...others, ...extra].slice(0, LISTED) });
  }
  return findings;
}

function differs({ schedule, fields }: Difference): string {
  return `- schedule ${schedule}: differs in ${fields.slice(0, 10).join(', ')}`;
}

function onlyOnTarget(id: string, { progress: { from, to } }: Run): Reason {
  return {
    object: `schedule ${id}`,
    code: 'extra-on-target',
    found: `on ${to}, but not on ${from}`,
    remedy: `it is left as it is: delete it on ${to} if it is not meant to be there`,
  };
}
