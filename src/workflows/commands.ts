/** Which commands make sense in which moment, and what to answer when one does not. Pure. */
import { type Command, isEnding, type Phase, type Progress } from './progress.ts';

/** What a `proceed` would answer; null when nothing waits for one. */
export type Gate = 'approval' | 'hold' | 'bake' | 'drain' | 'undo' | null;

export interface Moment {
  phase: Phase;
  paused: boolean;
  gate: Gate;
  /** It turns back, or everything is settled and only the lock is left to give back: no command is taken. */
  closed: boolean;
}

export function acceptedCommands({ phase, paused, gate, closed }: Moment): Command[] {
  if (gate === 'undo') return ['proceed'];
  if (closed || isEnding(phase) || phase === 'rolling-back') return [];
  return ['rollback', paused ? 'resume' : 'pause', ...(gate === null ? [] : (['proceed'] as const))];
}

const VERBS: Record<Command, string> = {
  rollback: 'roll back',
  pause: 'pause',
  resume: 'resume',
  proceed: 'proceed with',
};

/** One plain sentence for the person who sent it, or null when the command is fine now. */
export function refuseCommand(command: Command, progress: Progress): string | null {
  const { tenant, phase, from, to, accepts, rollbackReason } = progress;
  if (accepts.includes(command)) return null;
  if (phase === 'completed') {
    return command === 'rollback'
      ? `${tenant} is completed on ${to}: to go back, start MigrateTenant with "from": "${to}" and "to": "${from}".`
      : `${tenant} is completed on ${to}: there is nothing to ${VERBS[command]}.`;
  }
  if (isEnding(phase)) return `${tenant} is ${phase}: there is nothing to ${VERBS[command]}.`;
  if (phase === 'rolling-back') {
    return command === 'rollback'
      ? `${tenant} is rolling back to ${from} already.`
      : `${tenant} is rolling back to ${from}, which is not interrupted: there is nothing to ${VERBS[command]}.`;
  }
  if (rollbackReason !== null) return `${tenant} turns back to ${from} already.`;
  if (accepts.length === 0) return `${tenant} is just ending: it is too late to ${VERBS[command]}.`;
  const here: Record<Command, string> = {
    rollback: `${tenant} cannot be rolled back now.`,
    pause: `${tenant} is paused already: \`resume\` goes on.`,
    resume: `${tenant} is not paused: there is nothing to resume.`,
    proceed: `${tenant} is ${phase} and waits for nobody: there is nothing to proceed with.`,
  };
  return here[command];
}

/** The answer of an accepted update. */
export function acknowledge(command: Command, progress: Progress): string {
  const { tenant, phase, from, paused } = progress;
  const answers: Record<Command, string> = {
    rollback: `${tenant} goes back to ${from}. Follow it with the query \`progress\`.`,
    pause:
      phase === 'baking'
        ? `${tenant}: the clock of the bake stands still. \`resume\` goes on.`
        : phase === 'draining'
          ? `${tenant}: nobody is waited for, and the clock of drainLimit stands still. \`resume\` goes on.`
          : `${tenant} holds as soon as the schedules in flight are through. \`resume\` goes on.`,
    resume: `${tenant} goes on with ${phase}.`,
    proceed: paused ? `${tenant} proceeds once it is resumed.` : `${tenant} proceeds.`,
  };
  return answers[command];
}

/** What came with a command and is not used, for the person who sent it; null when there was nothing of the kind. */
export function oddInput(command: Command, argument: unknown): string | null {
  if (argument === undefined || argument === null) return null;
  if (command !== 'rollback') return `\`${command}\` came with an input, which it does not take`;
  const { odd } = readReason(argument);
  return odd === null ? null : `\`rollback\` came with ${odd}; it takes nothing or {"reason": "…"}, and is obeyed`;
}

/** A rollback is obeyed whatever came with it; only a readable reason is used. `odd` says what else was there. */
export function readReason(argument: unknown): { reason: string | null; odd: string | null } {
  if (argument === undefined || argument === null) return { reason: null, odd: null };
  if (typeof argument === 'string') return { reason: clip(argument), odd: null };
  if (typeof argument !== 'object') return { reason: null, odd: `a ${typeof argument}` };
  if (Array.isArray(argument)) return { reason: null, odd: 'a list' };
  const { reason, ...others }: { reason?: unknown } = argument;
  const unknownFields = Object.keys(others).join(', ').slice(0, 80);
  const odd = unknownFields === '' ? null : `an object with ${unknownFields}`;
  if (reason === undefined || reason === null) return { reason: null, odd };
  if (typeof reason !== 'string') return { reason: null, odd: `a reason that is a ${typeof reason}` };
  return { reason: clip(reason), odd };
}

function clip(text: string): string | null {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line === '' ? null : line.slice(0, 300);
}
