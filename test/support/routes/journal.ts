/** What one service wanted and got, on disk before and after, so that a SIGKILL loses nothing of it. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type Entry =
  | { at: number; want: string; held: boolean }
  | { at: number; got: string }
  /** A signal, a query or a result that was asked for, and what came of it. */
  | { at: number; asked: string; answer: string }
  | { at: number; failed: string; doing: string; error: string }
  /** The cluster could not be reached; it is tried again. */
  | { at: number; retried: string; doing: string; error: string };

/** Without the time, which is the journal's own to add. */
type Told = Entry extends infer E ? (E extends Entry ? Omit<E, 'at'> : never) : never;

export class Journal {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  write(entry: Told): void {
    appendFileSync(this.#file, `${JSON.stringify({ at: Date.now(), ...entry })}\n`);
  }

  static read(file: string): Entry[] {
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n');
    // A kill may leave half of the last line.
    return lines.flatMap((line, index) => {
      try {
        return line === '' ? [] : [JSON.parse(line) as Entry];
      } catch (error) {
        if (index === lines.length - 1) return [];
        throw error;
      }
    });
  }
}
