/** What TLC is asked of the model: the protocol in every configuration, and each step of it left out. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { specDir } from './tlc.ts';

/** Names of the `.cfg` files; the large ones are not for every day. */
export async function configurations({ large }: { large: boolean }): Promise<string[]> {
  const names = (await readdir(specDir)).filter((name) => name.endsWith('.cfg')).map((name) => name.slice(0, -4));
  return names.filter((name) => name.startsWith('large-') === large).toSorted();
}

/** The text of a configuration, some constants set to other values. */
export async function configuration(name: string, constants: Record<string, string | number> = {}): Promise<string> {
  let text = await readFile(join(specDir, `${name}.cfg`), 'utf8');
  for (const [constant, value] of Object.entries(constants)) {
    const line = new RegExp(`^  ${constant} = .*$`, 'm');
    if (!line.test(text)) throw new Error(`spec/${name}.cfg sets no constant ${constant}`);
    text = text.replace(line, `  ${constant} = ${value}`);
  }
  return text;
}

export interface Mutant {
  /** As the model knows it, in `Without`. */
  without: string;
  /** The step of the protocol that is left out. */
  step: string;
  /** The property TLC must find violated. */
  violated: string;
  /** The configuration it is looked for in, made as small as will do. */
  config: string;
  constants?: Record<string, string | number>;
}

const ONE_CUT = { Crashes: 1, Flips: 0 };
const NO_FAULT = { Crashes: 0, Flips: 0 };

export const MUTANTS: readonly Mutant[] = [
  {
    without: 'read-back',
    step: 'the fence is read back before the target opens',
    violated: 'Disjoint',
    config: 'faults',
    constants: NO_FAULT,
  },
  {
    without: 'source-first',
    step: 'the source is fenced before the target opens',
    violated: 'Disjoint',
    config: 'faults',
    constants: NO_FAULT,
  },
  {
    without: 'settle',
    step: 'what did not run is started',
    violated: 'Complete',
    config: 'faults',
    constants: NO_FAULT,
  },
  {
    without: 'stamp',
    step: 'a fence whose stamp is not before B is built again',
    violated: 'Once',
    config: 'clocks',
    constants: NO_FAULT,
  },
  {
    without: 'token',
    step: 'every write is conditional on the token',
    violated: 'Disjoint',
    config: 'faults',
    constants: ONE_CUT,
  },
  {
    without: 'disarm-bump',
    step: 'disarm writes the target first, though it is shut',
    violated: 'Disjoint',
    config: 'faults',
    constants: { Crashes: 1 },
  },
  {
    without: 'reshut',
    step: 'a fence that stands is built again only after the target is shut anew',
    violated: 'Disjoint',
    config: 'faults',
    constants: ONE_CUT,
  },
  {
    without: 'reshut-owes',
    step: 'shutting it anew keeps the reminder of what is to be settled',
    violated: 'Complete',
    config: 'large-times',
    constants: { Crashes: 1, Lead: 1 },
  },
  {
    without: 'ask',
    step: 'the other side is asked before a run is started',
    violated: 'Once',
    config: 'faults',
    constants: { Crashes: 0 },
  },
  {
    without: 'source-asks',
    step: 'it is asked for the source of a handover too',
    violated: 'Once',
    config: 'jitter',
  },
  {
    without: 'quiet-owes',
    step: 'a side that gives up reminds of settling the other one',
    violated: 'Complete',
    config: 'faults',
    constants: ONE_CUT,
  },
  {
    without: 'clocks',
    step: 'the target takes over only when its own clock has passed the boundary of the giving up',
    violated: 'Once',
    config: 'clocks',
    constants: NO_FAULT,
  },
  {
    without: 'landing',
    step: 'and the moment the giving up took effect, which may be later than it was meant',
    violated: 'Once',
    config: 'clocks',
    constants: ONE_CUT,
  },
  {
    without: 'jitter',
    step: 'the bound stays on the target until nothing before B can be due there',
    violated: 'Once',
    config: 'jitter',
    constants: { Flips: 0 },
  },
  {
    without: 'user-pause',
    step: "a user's pause goes with the schedule",
    violated: 'PauseKept',
    config: 'people',
    constants: { Edits: 0 },
  },
  {
    without: 'edit-settle',
    step: 'a target its user has edited is settled from the edit on',
    violated: 'Complete',
    config: 'people',
    constants: { Pauses: 0 },
  },
  {
    without: 'last-look',
    step: 'a bound that an edit took off is put back before B',
    violated: 'Once',
    config: 'strips',
    constants: { Flips: 0 },
  },
  {
    without: 'second-look',
    step: 'what looked at rest is looked at again, for writes that came late',
    violated: 'Reversible',
    config: 'faults',
    constants: { Crashes: 1 },
  },
  {
    without: 'resume',
    step: 'an attempt that was cut off is followed by another',
    violated: 'Settles',
    config: 'settles',
    constants: ONE_CUT,
  },
];

/** What the protocol does not promise, and TLC says so: a limit that is gone should be known too. */
export const LIMITS: readonly (Omit<Mutant, 'without' | 'step'> & { limit: string })[] = [
  {
    limit: 'a bound taken off while no attempt is there to put it back runs times twice',
    violated: 'Once',
    config: 'strips',
    constants: { Crashes: 1, Flips: 0 },
  },
  {
    limit: "a user's unpause between the fence and the opening, or on the target alone, is not carried over",
    violated: 'Complete',
    config: 'people',
    constants: { Pauses: 2, Edits: 0 },
  },
];
