/** Connects the messages to a running rollout. Registered before the first step, so that nothing sent early is lost. */
import { setHandler } from '@temporalio/workflow';
import { plainFailure } from '../failures.ts';
import { acknowledge, obey, type Order, readOrder, refuseOrder } from './commands.ts';
import { overviewQuery, rolloutCommands, rolloutQueries, tenantsQuery } from './messages.ts';
import { type RolloutCommand, tenantsPage } from './overview.ts';
import type { Rollout } from './rollout.ts';

const COMMANDS: RolloutCommand[] = ['pause', 'resume', 'proceed', 'skip', 'rollback'];

export function listen(rollout: Rollout): void {
  for (const command of COMMANDS) {
    const { signal, update, description } = rolloutCommands[command];

    const understood = (argument: unknown): { order: Order; odd: string | null } | string => {
      const read = readOrder(command, argument);
      if ('refused' in read) return read.refused;
      return refuseOrder(read.order, rollout.state, rollout.settings) ?? read;
    };

    // A signal cannot be refused: one that makes no sense now is noted where people look.
    const onSignal = (argument?: unknown): void => {
      const read = understood(argument);
      if (typeof read === 'string') return rollout.note(`\`${command}\` did nothing: ${read}`);
      if (read.odd !== null) rollout.note(read.odd);
      rollout.change((state, at) => obey(read.order, state, rollout.settings, at));
    };
    setHandler(signal, onSignal, { description });

    const onUpdate = (argument?: unknown): string => {
      // Between the validator and here another message of the same task may have been carried out.
      const read = understood(argument);
      if (typeof read === 'string') throw plainFailure('CommandRefused', read);
      const answer = acknowledge(read.order, rollout.state, rollout.settings);
      rollout.change((state, at) => obey(read.order, state, rollout.settings, at));
      return read.odd === null ? answer : `${answer} (${read.odd}.)`;
    };
    const validator = (argument?: unknown): void => {
      const read = understood(argument);
      if (typeof read === 'string') throw plainFailure('CommandRefused', read);
    };
    setHandler(update, onUpdate, { description, validator });
  }
  setHandler(overviewQuery, () => rollout.overview, { description: rolloutQueries.overview });
  setHandler(tenantsQuery, (asked?: unknown) => tenantsPage(rollout.state, rollout.settings, asked), {
    description: rolloutQueries.tenants,
  });
}
