/** Starts a migration or a plan, or says what runs under its workflow id already. */
import { readMigrateTenantInput } from '../workflows/input.ts';
import type { Migrate, Plan } from './args.ts';
import type { Control, Found } from './control.ts';
import { CliError, EXIT } from './exit.ts';
import { clock, shell } from './words.ts';

export async function start(control: Control, asked: Migrate | Plan, tell: (line: string) => void): Promise<Found> {
  const { input, workflowId } = asked;
  const started = await control.start(input, workflowId);
  if (started !== 'running') {
    const since = new Date().toISOString();
    return { workflowId, runId: started.runId, type: 'MigrateTenant', status: 'RUNNING', since, memo: undefined };
  }
  const found = await control.find(workflowId);
  if (found?.status !== 'RUNNING') {
    throw new CliError(EXIT.unwished, `${workflowId} was running a moment ago and has ended. Give the command again.`);
  }
  if (found.type !== 'MigrateTenant') {
    throw new CliError(
      EXIT.unwished,
      `${workflowId} is the id of a running workflow of another type, ${found.type}. Give another id with --workflow-id.`,
    );
  }
  if (input.dryRun && (await isSame(control, found, asked))) {
    // Left over from a command that was interrupted, most often because no worker was up.
    tell(`${workflowId} runs already, since ${clock(found.since)}, and was asked the same: this is its plan.`);
    return found;
  }
  throw new CliError(EXIT.unwished, await alreadyRunning(control, found, asked));
}

async function isSame(control: Control, found: Found, { input }: Migrate | Plan): Promise<boolean> {
  try {
    const [theirs, ours] = [await control.input(found), input].map((each) => readMigrateTenantInput([each]));
    return JSON.stringify(theirs) === JSON.stringify(ours);
  } catch {
    // An input that is refused is another one, and its workflow is about to end.
    return false;
  }
}

async function alreadyRunning(control: Control, found: Found, { input }: Migrate | Plan): Promise<string> {
  const { workflowId, memo } = found;
  const where = memo ? `, ${memo.from} → ${memo.to}, ${memo.phase}` : '';
  const subject = shell(workflowId === `migrate/${input.tenant}` ? input.tenant : workflowId);
  const theirs = JSON.stringify(await control.input(found));
  const head = `${workflowId} is running already, since ${clock(found.since)}${where}, with the input ${theirs}. Nothing was started.`;
  if (input.dryRun) {
    return (
      `${head}\n  to see what it finds:  ferry status ${subject} --watch\n  to end it:             ferry rollback ${subject}` +
      `   (it changes no schedule)\nThen give the command again.`
    );
  }
  return (
    `${head}\n  to look:   ferry status ${subject}\n  to follow: ferry status ${subject} --watch\n` +
    `  to steer:  ferry pause, resume, proceed or rollback ${subject}\nAnother migration of it is possible when this one has ended.`
  );
}
