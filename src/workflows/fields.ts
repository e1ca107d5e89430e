/** Building blocks of every workflow's JSON input: a wrong value is answered with what to do about it. Pure. */
import * as v from 'valibot';
import { formatDuration, parseDuration } from './duration.ts';
import { nearest } from './nearest.ts';

export const durationExamples = 'such as "1 hour", "90s" or "1h 30m"';

/** For a value of the wrong JSON type; messages of schemas below are what to do about it. */
export const text = (example: string) => v.string((issue) => wrongText(issue.input, example));

export const Duration = (example: string, minMs: number, maxMs: number) =>
  v.pipe(
    v.string((issue) => wrongDuration(issue.input, example)),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const parsed = parseDuration(dataset.value);
      if ('advice' in parsed) {
        addIssue({ message: parsed.advice });
        return NEVER;
      }
      if (parsed.ms < minMs) addIssue({ message: `write at least "${formatDuration(minMs)}"` });
      if (parsed.ms > maxMs) addIssue({ message: 'shorten it' });
      return parsed.ms;
    }),
  );

function wrongText(input: unknown, example: string): string {
  if (typeof input === 'number' || typeof input === 'boolean') return `put quotes around it: "${input}"`;
  return `write a text in quotes, such as "${example}"`;
}

function wrongDuration(input: unknown, example: string): string {
  if (typeof input === 'number' && Number.isFinite(input)) {
    return input === 0 ? 'put quotes around it: "0"' : `say the unit in quotes: "${input}s" or "${input}m"`;
  }
  return `write a text in quotes, such as "${example}"`;
}

export function misspelt(input: unknown, accepted: string[]): string {
  const meant = typeof input === 'string' ? nearest(input, accepted) : undefined;
  return meant === undefined ? `write ${accepted.map((word) => `"${word}"`).join(' or ')}` : `did you mean "${meant}"?`;
}
