/** The commands that talk to a migration. What they need of the world comes in, so that each can be tried without one. */
import { type Command, isEnding, type Progress } from '../workflows/progress.ts';
import type { Migrate, Plan, Status, Steer } from './args.ts';
import { ANSWER_MS, type Control, type Ending, type Found } from './control.ts';
import { CliError, EXIT, type ExitCode, usage } from './exit.ts';
import { follow } from './follow.ts';
import { endingText, memoText, planText, progressLine, recordText, statusText } from './render.ts';
import { ROLLOUT, rolloutStatus, steerRollout } from './rollout.ts';
import type { Rollouts } from './rollouts.ts';
import { start } from './start.ts';
import { findSubject } from './subject.ts';
import { shell } from './words.ts';

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

export interface World {
  control: Control;
  rollouts: Rollouts;
  io: Output;
  pause: (ms: number) => Promise<void>;
}

export async function migrate(world: World, asked: Migrate): Promise<ExitCode> {
  const { io } = world;
  const { input, workflowId, wait, json } = asked;
  const started = await start(world.control, asked, io.err);
  if (!wait) {
    const { runId } = started;
    if (json) io.out(JSON.stringify({ workflowId, runId }, null, 2));
    else io.out(`Started ${workflowId}. Follow it: ferry status ${shell(subjectOf(asked))} --watch`);
    return EXIT.ok;
  }
  // With --json the one document goes to stdout, and what happens meanwhile to stderr.
  const ending = await follow(watcher(world, json ? io.err : io.out), started);
  io.out(json ? JSON.stringify({ workflowId, ...ending }, null, 2) : endingText(started, ending));
  return exitOf(ending, Boolean(input.dryRun));
}

export async function plan(world: World, asked: Plan): Promise<ExitCode> {
  const { io } = world;
  const started = await start(world.control, asked, io.err);
  const ending = await follow(watcher(world, io.err), started);
  if (ending.kind !== 'result' || !ending.result.plan) {
    if (asked.json) io.out(JSON.stringify({ workflowId: asked.workflowId, ...ending }, null, 2));
    else io.err(endingText(started, ending));
    return EXIT.unwished;
  }
  const { result } = ending;
  if (asked.json) io.out(JSON.stringify(result.plan, null, 2));
  else io.out(planText(result));
  return exitOf(ending, true);
}

function subjectOf({ input: { tenant }, workflowId }: Migrate): string {
  return workflowId === `migrate/${tenant}` ? tenant : workflowId;
}

/** A dry run is as wished when nothing stands against the migration, a migration when it completed. */
function exitOf(ending: Ending, dryRun: boolean): ExitCode {
  if (ending.kind !== 'result') return EXIT.unwished;
  const { outcome, plan: report } = ending.result;
  if (dryRun) return outcome === 'planned' && report?.blockers.length === 0 ? EXIT.ok : EXIT.unwished;
  return outcome === 'completed' ? EXIT.ok : EXIT.unwished;
}

/** Tells every change, one a line. */
function watcher({ control, io, pause }: World, tell: (line: string) => void) {
  let last = '';
  return {
    control,
    pause,
    seen: (progress: Progress) => {
      // The moment of the next try moves with every look; the line is told again when something else has changed.
      const line = progressLine(progress);
      if (line !== last) tell(line);
      last = line;
    },
    silent: (silent: boolean) =>
      io.err(silent ? 'No worker answers: is `ferry worker` running? Still waiting.' : 'A worker answers again.'),
  };
}

export async function status(world: World, asked: Status): Promise<ExitCode> {
  const { control, io } = world;
  const { subject, watch, json } = asked;
  const found = await findSubject(control, subject);
  if (found.type === ROLLOUT) return await rolloutStatus(world, found, asked);
  if (watch) return await watchStatus(world, found, json);
  const seen = await look(control, found);
  if (json) io.out(JSON.stringify(seen.json, null, 2));
  else io.out(seen.text + (await standing(control, subject, found)));
  return EXIT.ok;
}

/** Where the tenant stands, whatever its last migration came to. */
async function standing(control: Control, subject: string, { status: state }: Found): Promise<string> {
  if (state === 'RUNNING' || state === 'COMPLETED') return '';
  const record = await control.record(subject);
  return record ? `\n${recordText(subject, record)}` : '';
}

async function watchStatus(world: World, found: Found, json: boolean): Promise<ExitCode> {
  const { io } = world;
  let last = '';
  const plain = watcher(world, io.out);
  const ending = await follow(
    {
      ...plain,
      seen: (progress) => {
        if (!json) return plain.seen(progress);
        const line = JSON.stringify({ workflowId: found.workflowId, answeredBy: 'query', progress });
        if (line !== last) io.out(line);
        last = line;
      },
    },
    found,
  );
  io.out(json ? JSON.stringify({ workflowId: found.workflowId, ...ending }) : endingText(found, ending));
  return exitOf(ending, ending.kind === 'result' && ending.result.outcome === 'planned');
}

/** The query where a worker answers; else what needs none. */
async function look(control: Control, found: Found): Promise<{ text: string; json: object }> {
  const { workflowId, runId, status: state, memo } = found;
  const head = { workflowId, runId, status: state };
  if (state !== 'RUNNING') {
    const ending = await control.ending(found);
    const kept = ending.kind === 'stopped' && memo ? `\n${memoText(found, memo, 'from its memo')}` : '';
    return { text: endingText(found, ending) + kept, json: { ...head, answeredBy: 'result', ...ending, memo } };
  }
  const progress = await control.progress(found);
  if (progress) return { text: statusText(found, progress), json: { ...head, answeredBy: 'query', progress } };
  const why = `no worker answered within ${ANSWER_MS / 1000} s (is \`ferry worker\` running?): from its memo, which is as old as its phase`;
  if (memo) return { text: memoText(found, memo, why), json: { ...head, answeredBy: 'memo', progress: memo } };
  return {
    text: `${workflowId}: started, and no worker has taken it up yet: is \`ferry worker\` running?`,
    json: { ...head, answeredBy: 'memo', progress: null },
  };
}

const VERBS: Record<Command, string> = {
  rollback: 'roll back',
  pause: 'pause',
  resume: 'resume',
  proceed: 'proceed with',
};

/** Prefers the update, which answers. A worker is looked for first: an update nobody takes would still be delivered later. */
export async function steer(world: World, asked: Steer): Promise<ExitCode> {
  const { control, io } = world;
  const { command, subject, reason } = asked;
  const found = await findSubject(control, subject);
  if (found.type === ROLLOUT) return await steerRollout(world, found, asked);
  const { workflowId } = found;
  if (command === 'skip' || asked.scope !== undefined || asked.retry) {
    const what = command === 'skip' ? '`ferry skip`' : asked.retry ? '--retry' : '--scope';
    throw usage(`${what} is for rollouts; ${workflowId} is the migration of one tenant.`, command);
  }
  if (found.status !== 'RUNNING') {
    const back =
      found.memo?.phase === 'completed' && command === 'rollback'
        ? ` To go back: ferry migrate ${shell(subject)} --from ${found.memo.to} --to ${found.memo.from}`
        : '';
    const phase = found.memo && isEnding(found.memo.phase) ? found.memo.phase : found.status.toLowerCase();
    throw new CliError(
      EXIT.unwished,
      `${workflowId} has ended (${phase}): there is nothing to ${VERBS[command]}.${back}`,
    );
  }
  const argument = reason === undefined ? undefined : { reason };
  const answered = (await control.progress(found)) ? await control.update(found, command, argument) : 'silent';
  if (answered === 'silent') {
    await control.signal(found, command, argument);
    io.out(
      `No worker answered within ${ANSWER_MS / 1000} s, so \`${command}\` was sent to ${workflowId} as a signal: it is kept, and ` +
        `obeyed as soon as a worker is up. See then: ferry status ${shell(subject)}`,
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
