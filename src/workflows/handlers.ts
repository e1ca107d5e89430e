/** Connects the messages to a running migration. Registered before the first step, so that nothing sent early is lost. */
import { setHandler } from '@temporalio/workflow';
import { acknowledge, oddInput, refuseCommand } from './commands.ts';
import type { Controls } from './controls.ts';
import { plainFailure } from './failures.ts';
import { commands, planQuery, progressQuery, queryDescriptions } from './messages.ts';
import { COMMANDS } from './progress.ts';
import type { Run } from './run.ts';

export function listen(run: Run, controls: Controls): void {
  for (const command of COMMANDS) {
    const { signal, update, description } = commands[command];

    // A signal cannot be refused: one that makes no sense now is noted where people look.
    const onSignal = (argument?: unknown): void => {
      const refused = refuseCommand(command, run.progress);
      if (refused === null) controls.obey(command, argument);
      else run.note(`\`${command}\` did nothing: ${refused}`);
    };
    setHandler(signal, onSignal, { description });

    const onUpdate = (argument?: unknown): string => {
      // Between the validator and here another message of the same task may have been carried out.
      const refused = refuseCommand(command, run.progress);
      if (refused !== null) throw plainFailure('CommandRefused', refused);
      const answer = acknowledge(command, run.progress);
      const odd = oddInput(command, argument);
      controls.obey(command, argument);
      return odd === null ? answer : `${answer} (${odd}.)`;
    };
    const validator = (_argument?: unknown): void => {
      const refused = refuseCommand(command, run.progress);
      if (refused !== null) throw plainFailure('CommandRefused', refused);
    };
    setHandler(update, onUpdate, { description, validator });
  }
  setHandler(progressQuery, () => run.progress, { description: queryDescriptions.progress });
  setHandler(planQuery, () => run.plan, { description: queryDescriptions.plan });
}
