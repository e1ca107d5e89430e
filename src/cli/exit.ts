/** How a command ends, and the errors that say so. */

export const EXIT = {
  ok: 0,
  /** It was done or asked, and the outcome is not what was wished: failed, rolled back, refused, blockers in a plan. */
  unwished: 1,
  /** The command line, or the input made from it, is not acceptable. Nothing was sent. */
  usage: 2,
  /** The control cluster, or the profile that names it, cannot be had. */
  unreachable: 3,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A message that is all there is to know. */
export class CliError extends Error {
  override name = 'CliError';
  readonly code: ExitCode;
  constructor(code: ExitCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** What was found, what is accepted, what to do next; and where the examples are. */
export function usage(message: string, topic?: string): CliError {
  const help = topic === undefined ? 'ferry --help' : `ferry ${topic} --help`;
  return new CliError(EXIT.usage, `${message}\nSee \`${help}\`.`);
}
