/** Options of the scripts: `--help` in one shape, and a refusal in one line for what is not known. */
import { parseArgs } from 'node:util';
import { messageOf } from './errors.ts';

interface Option {
  type: 'string' | 'boolean';
  default?: string | boolean | string[];
  multiple?: boolean;
  /** What the value is, such as `<number>`; options without a value have none. */
  takes?: string;
  says: string;
}

type Options = Record<string, Option>;

export interface Script<O extends Options> {
  /** As in `npm run <name>`. */
  name: string;
  /** What it does, what its exit code says. */
  does: string;
  /** How long it takes. */
  lasts: string;
  options: O;
  /** What is given without `--`, for scripts that take names. @default they are refused */
  names?: string;
}

type Read<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; options: O; allowPositionals: true; strict: true }>
>;

/** Prints the help and ends the program where that is asked for, or where the command line is not acceptable. */
export function readOptions<const O extends Options>(script: Script<O>, args = process.argv.slice(2)): Read<O> {
  const { name, options, names } = script;
  if (args.includes('--help') || args.includes('-h')) {
    console.log(helpText(script));
    process.exit(0);
  }
  const read = (): Read<O> => {
    try {
      return parseArgs({ args, options, allowPositionals: true, strict: true });
    } catch (error) {
      // Node goes on about how to write a positional argument that begins with a dash.
      return refuse(name, messageOf(error).split('. To specify', 1)[0] ?? '');
    }
  };
  const given = read();
  const [word] = given.positionals;
  if (names === undefined && word !== undefined) refuse(name, `"${word}" is no option`);
  return given;
}

/** One line for people, without a stack; 2 is the exit code for a command line that is not acceptable. */
export function refuse(name: string, problem: string): never {
  console.error(`npm run ${name}: ${problem}\nSee \`npm run ${name} -- --help\`.`);
  process.exit(2);
}

export function whole(name: string, option: string, text: string, least = 0): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number) && number >= least) return number;
  return refuse(name, `--${option} is "${text}"; it takes a whole number from ${least}`);
}

export function oneOf<T extends string>(name: string, option: string, text: string, accepted: readonly T[]): T {
  const found = accepted.find((each) => each === text);
  return found ?? refuse(name, `--${option} is "${text}"; it takes ${accepted.join(', ')}`);
}

export function helpText({ name, does, lasts, options, names }: Script<Options>): string {
  const rows = Object.entries(options).map(([option, { takes, says, default: usual, multiple }]): [string, string] => {
    const value = Array.isArray(usual) ? usual.join(', ') : usual;
    const note = [
      ...(multiple ? ['may be given several times'] : []),
      ...(value === undefined || value === false || value === '' ? [] : [`default: ${value}`]),
    ].join('; ');
    return [`--${option}${takes ? ` ${takes}` : ''}`, note === '' ? says : `${says} (${note})`];
  });
  rows.push(['--help', 'this text']);
  const width = Math.max(...rows.map(([option]) => option.length));
  return [
    `npm run ${name}: ${does}`,
    '',
    `Usage: npm run ${name} -- [options]${names === undefined ? '' : ` ${names}`}`,
    ...rows.map(([option, says]) => `  ${option.padEnd(width)}  ${says}`),
    '',
    `It takes ${lasts}.`,
  ].join('\n');
}
