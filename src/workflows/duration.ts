/** Durations as people write them: `1 hour`, `90s`, `1h 30m`. Pure; shared by every workflow input. */
import { nearest } from './nearest.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: Record<string, number> = {
  ms: 1,
  s: SECOND,
  sec: SECOND,
  secs: SECOND,
  second: SECOND,
  seconds: SECOND,
  m: MINUTE,
  min: MINUTE,
  mins: MINUTE,
  minute: MINUTE,
  minutes: MINUTE,
  h: HOUR,
  hr: HOUR,
  hrs: HOUR,
  hour: HOUR,
  hours: HOUR,
  d: DAY,
  day: DAY,
  days: DAY,
  w: 7 * DAY,
  week: 7 * DAY,
  weeks: 7 * DAY,
};

export type ParsedDuration = { ms: number } | { advice: string };

export function parseDuration(text: string): ParsedDuration {
  const trimmed = text.trim();
  if (trimmed === '') return { advice: 'write a number and a unit' };
  if (/^0+$/.test(trimmed)) return { ms: 0 };
  if (/^\d+(\.\d+)?$/.test(trimmed)) return { advice: `add a unit, such as "${trimmed}s" or "${trimmed}m"` };
  if (trimmed.startsWith('-')) return { advice: 'a duration cannot be negative' };

  let ms = 0;
  let rest = trimmed.toLowerCase();
  while (rest !== '') {
    const part = /^(\d+(?:\.\d+)?)\s*([a-z]+)\s*,?\s*/.exec(rest);
    if (!part?.[1] || !part[2]) return { advice: `cannot read "${rest}": write a number and then a unit` };
    const unit = Object.hasOwn(UNITS, part[2]) ? UNITS[part[2]] : undefined;
    if (unit === undefined) {
      const meant = nearest(part[2], Object.keys(UNITS));
      const suggestion =
        meant === undefined ? '' : `; did you mean "${trimmed.toLowerCase().replace(part[2], meant)}"?`;
      return { advice: `"${part[2]}" is no unit (ms, s, minutes, hours, days or weeks)${suggestion}` };
    }
    ms += Number(part[1]) * unit;
    rest = rest.slice(part[0].length);
  }
  return { ms: Math.round(ms) };
}

/** The two largest units that matter, for sentences people read: `1 h 30 min`, `24 h`, `90 s`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < 48) return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
  const [days, hoursLeft] = [Math.floor(hours / 24), hours % 24];
  return hoursLeft === 0 ? `${days} days` : `${days} days ${hoursLeft} h`;
}
