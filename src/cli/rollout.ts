/** `ferry rollout`, and the other commands where their subject is a rollout. */
import { readFile } from 'node:fs/promises';
import { readRolloutInput, type RolloutTenantsInput } from '../workflows/rollout/input.ts';
import type { RolloutCommand } from '../workflows/rollout/overview.ts';
import type { Status, Steer } from './args.ts';
import type { World } from './commands.ts';
import { ANSWER_MS, type Found } from './control.ts';
import { CliError, EXIT, type ExitCode, usage } from './exit.ts';
import type { RolloutAsked } from './rollout-args.ts';
import { rolloutEndingText, rolloutLine, rolloutMemoText, rolloutText } from './rollout-text.ts';
import type { RolloutEnding } from './rollouts.ts';
import { clock, shell } from './words.ts';

export const ROLLOUT = 'RolloutTenants';
const EVERY_MS = 1_000;

export async function rollout(world: World, asked: RolloutAsked): Promise<ExitCode> {
  const { io, rollouts } = world;
  const { workflowId, wait, json } = asked;
  const input = 'file' in asked.input ? await fromFile(asked.input.file) : asked.input;
  const started = await rollouts.start(input, workflowId);
  if (started === 'running') throw await alreadyRunning(world, workflowId);
  if (!wait) {
    if (json) io.out(JSON.stringify({ workflowId, runId: started.runId }, null, 2));
    else io.out(`Started ${workflowId}. Follow it: ferry status ${shell(workflowId)} --watch`);
    return EXIT.ok;
  }
  const ending = await follow(world, workflowId, lines(json ? io.err : io.out));
  io.out(json ? JSON.stringify({ workflowId, ...ending }, null, 2) : rolloutEndingText(workflowId, ending));
  return exitOf(ending);
}

/** Throws usage errors: the file is part of the command line. */
async function fromFile(file: string): Promise<RolloutTenantsInput> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw usage(`--file ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`, 'rollout');
  }
  let input: RolloutTenantsInput;
  try {
    input = JSON.parse(text) as RolloutTenantsInput;
  } catch (error) {
    throw usage(`--file ${file} is no JSON: ${error instanceof Error ? error.message : String(error)}.`, 'rollout');
  }
  // The workflow's own check, before anything is sent: both say the same.
  readRolloutInput([input]);
  return input;
}

async function alreadyRunning({ control }: World, workflowId: string): Promise<CliError> {
  const found = await control.find(workflowId);
  if (found?.status !== 'RUNNING') {
    return new CliError(EXIT.unwished, `${workflowId} was running a moment ago and has ended. Give the command again.`);
  }
  if (found.type !== ROLLOUT) {
    return new CliError(
      EXIT.unwished,
      `${workflowId} is the id of a running workflow of another type, ${found.type}. Give another id with --workflow-id.`,
    );
  }
  const subject = shell(workflowId);
  return new CliError(
    EXIT.unwished,
    `${workflowId} is running already, since ${clock(found.since)}. Nothing was started.\n  to follow: ferry status ${subject} ` +
      `--watch\n  to steer:  ferry pause, resume, proceed, skip or rollback ${subject}`,
  );
}

/** Tells every change, one a line. */
function lines(tell: (line: string) => void) {
  let last = '';
  return (line: string): void => {
    if (line !== last) tell(line);
    last = line;
  };
}

async function follow(
  { control, rollouts, io, pause }: World,
  workflowId: string,
  tell: (line: string) => void,
  asLine: (overview: Parameters<typeof rolloutLine>[0]) => string = rolloutLine,
): Promise<RolloutEnding> {
  let wasSilent = false;
  for (;;) {
    const found = await control.find(workflowId);
    if (found && found.status !== 'RUNNING') return await rollouts.ending(workflowId);
    const overview = await rollouts.overview(workflowId);
    if ((overview === undefined) !== wasSilent) {
      wasSilent = !wasSilent;
      io.err(wasSilent ? 'No worker answers: is `ferry worker` running? Still waiting.' : 'A worker answers again.');
    }
    if (overview) tell(asLine(overview));
    await pause(EVERY_MS);
  }
}

/** As wished: every tenant is on the target, but for those a person left out. */
function exitOf(ending: RolloutEnding): ExitCode {
  if (ending.kind !== 'result' || ending.result.outcome !== 'completed') return EXIT.unwished;
  return ending.result.except.every(({ status }) => status === 'skipped') ? EXIT.ok : EXIT.unwished;
}

export async function rolloutStatus(world: World, found: Found, { watch, json }: Status): Promise<ExitCode> {
  const { io, rollouts } = world;
  const { workflowId, status, overview: memo } = found;
  if (watch) {
    const asLine = json
      ? (overview: object): string => JSON.stringify({ workflowId, answeredBy: 'query', overview })
      : rolloutLine;
    const ending = await follow(world, workflowId, lines(io.out), asLine);
    io.out(json ? JSON.stringify({ workflowId, ...ending }) : rolloutEndingText(workflowId, ending));
    return exitOf(ending);
  }
  const tell = (text: string, more: object): ExitCode => {
    io.out(json ? JSON.stringify({ workflowId, status, ...more }, null, 2) : text);
    return EXIT.ok;
  };
  if (status !== 'RUNNING') {
    const ending = await rollouts.ending(workflowId);
    const kept = ending.kind === 'stopped' && memo ? `\n${rolloutMemoText(workflowId, memo, 'from its memo')}` : '';
    return tell(rolloutEndingText(workflowId, ending) + kept, { answeredBy: 'result', ...ending });
  }
  const overview = await rollouts.overview(workflowId);
  if (overview) return tell(rolloutText(workflowId, overview), { answeredBy: 'query', overview });
  const why = `no worker answered within ${ANSWER_MS / 1000} s (is \`ferry worker\` running?): from its memo`;
  return memo
    ? tell(rolloutMemoText(workflowId, memo, why), { answeredBy: 'memo', overview: memo })
    : tell(`${workflowId}: started, and no worker has taken it up yet: is \`ferry worker\` running?`, {
        answeredBy: 'memo',
        overview: null,
      });
}

/** Prefers the update, which answers. A worker is looked for first: an update nobody takes would still be delivered later. */
export async function steerRollout({ rollouts, io }: World, found: Found, asked: Steer): Promise<ExitCode> {
  const { workflowId, status } = found;
  const { command } = asked;
  if (status !== 'RUNNING') {
    throw new CliError(
      EXIT.unwished,
      `${workflowId} has ended (${found.overview?.phase ?? status.toLowerCase()}): there is nothing to ${command}.`,
    );
  }
  const argument = argumentOf(command, asked);
  const answered = (await rollouts.overview(workflowId))
    ? await rollouts.update(workflowId, command, argument)
    : 'silent';
  if (answered === 'silent') {
    await rollouts.signal(workflowId, command, argument);
    io.out(
      `No worker answered within ${ANSWER_MS / 1000} s, so \`${command}\` was sent to ${workflowId} as a signal: it is kept, and ` +
        `obeyed as soon as a worker is up. See then: ferry status ${shell(workflowId)}`,
    );
    return EXIT.ok;
  }
  if ('refused' in answered) {
    io.err(answered.refused);
    return EXIT.unwished;
  }
  io.out(answered.answer);
  return EXIT.ok;
}

function argumentOf(command: RolloutCommand, { reason, scope, retry, tenant }: Steer): object | undefined {
  if (command === 'skip') return { tenant };
  if (command === 'proceed') return retry ? { retry } : undefined;
  if (command !== 'rollback' || (reason === undefined && scope === undefined)) return undefined;
  return { ...(scope === undefined ? {} : { scope }), ...(reason === undefined ? {} : { reason }) };
}
