/** Small things every text of the command line needs. */

/** As a shell takes it. */
export function shell(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

/** At most so many bytes of UTF-8, cut between characters. */
export function clipBytes(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let clipped = '';
  for (const char of text) {
    if (Buffer.byteLength(clipped) + Buffer.byteLength(char) > bytes - 3) break;
    clipped += char;
  }
  return `${clipped}…`;
}

/** `2026-11-22 16:03:05 UTC` */
export function clock(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
