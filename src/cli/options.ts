/** Options of one command, read with node's own parser and explained in our own words. Pure. */
import { parseArgs } from 'node:util';
import { nearest } from '../workflows/nearest.ts';
import { usage } from './exit.ts';

/** `texts`: a text that may be given more than once. */
export type Kind = 'text' | 'texts' | 'flag';

export interface Given<Name extends string> {
  /** What is no option, in order. */
  words: string[];
  text: (name: Name) => string | undefined;
  /** Every value given, in order. */
  texts: (name: Name) => string[];
  flag: (name: Name) => boolean;
}

export function readOptions<Name extends string>(
  topic: string,
  args: string[],
  known: Readonly<Record<Name, Kind>>,
  /** Names that were, and are still taken: old → new. */
  formerly: Readonly<Record<string, NoInfer<Name>>> = {},
): Given<Name> {
  const kinds = new Map<string, Kind>(Object.entries<Kind>(known));
  const { tokens } = parseArgs({
    args,
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      [...kinds].map(([name, kind]) => [name, { type: kind === 'flag' ? 'boolean' : 'string' }]),
    ),
  });
  const words: string[] = [];
  const texts = new Map<string, string[]>();
  const flags = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const { rawName, value, inlineValue } = token;
    const name = Object.hasOwn(formerly, token.name) ? (formerly[token.name] ?? token.name) : token.name;
    const kind = kinds.get(name);
    if (kind === undefined) throw unknownOption(topic, rawName, [...kinds.keys()]);
    if (kind !== 'texts' && (texts.has(name) || flags.has(name)))
      throw usage(`${rawName} is given twice; give it once.`, topic);
    if (kind === 'flag') {
      if (value !== undefined)
        throw usage(`${rawName} came with "${value}"; it takes no value: leave that out.`, topic);
      flags.add(name);
    } else {
      if (value === undefined || value === '' || (!inlineValue && value.startsWith('-'))) {
        const found = value ? `is followed by ${value}` : 'came without a value';
        throw usage(`${rawName} ${found}; it takes a value: write ${rawName}=… or ${rawName} "…".`, topic);
      }
      texts.set(name, [...(texts.get(name) ?? []), value]);
    }
  }
  return {
    words,
    text: (name) => texts.get(name)?.[0],
    texts: (name) => texts.get(name) ?? [],
    flag: (name) => flags.has(name),
  };
}

function unknownOption(topic: string, found: string, names: string[]) {
  const accepted = names.map((name) => `--${name}`);
  const meant = nearest(found, accepted);
  const unlike = found === '--tenant' ? `the tenant is named by itself: ferry ${topic} acme` : 'leave it out';
  const advice = meant === undefined ? unlike : `did you mean ${meant}?`;
  return usage(`${found} is no option of \`ferry ${topic}\`; it takes ${accepted.join(', ')}; ${advice}`, topic);
}
