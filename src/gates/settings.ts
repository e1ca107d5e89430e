/** A gate as typed, and with every default filled in. Plain data: it goes from the workflow to the activity that measures. */
import type { Conditions } from './condition.ts';
import type { MeasureSettings } from './measure-input.ts';
import type { MeasureInput } from './measures.ts';
import type { Limits } from './tally.ts';

/** As typed. */
export interface CheckInput {
  name: string;
  measure: MeasureInput;
  /** Good when it holds for every value, such as `"<= 0.01"`. @default the measure's own */
  success?: string;
  /** Bad when it holds for any value. */
  failure?: string;
  /** @default '60 seconds', or as seldom as a long bake needs */
  every?: string;
  /** After so many judged measurements the check is over. @default it goes on until the gate is over */
  count?: number;
  /** From the beginning of the bake to the first measurement. @default '0' */
  initialDelay?: string;
  /** So many bad measurements are borne. @default 0 */
  failureLimit?: number;
  /** @default 3 */
  inconclusiveLimit?: number;
  /** So many errors in a row. @default 4 */
  errorLimit?: number;
  /** Reported, and never stops anything. @default false */
  dryRun?: boolean;
}

export interface GatesInput {
  checks: CheckInput[];
  /** Of a failed gate. @default 'rollback' */
  onFailure?: 'rollback' | 'hold';
}

export interface CheckSettings {
  name: string;
  measure: MeasureSettings;
  conditions: Conditions;
  /** Null: as often as its history allows, at most every minute. */
  everyMs: number | null;
  initialDelayMs: number;
  limits: Limits;
  dryRun: boolean;
}

export interface GatesSettings {
  checks: CheckSettings[];
  onFailure: 'rollback' | 'hold';
}

export const MAX_CHECKS = 20;
const DEFAULT_EVERY_MS = 60_000;
/** Every measurement is about ten history events; a migration's history should stay within a few thousand. */
const MOST_PER_CHECK = 200;
const MOST_TOGETHER = 500;

/** How often a check is measured in a gate of this length: as asked, or as seldom as a bounded history needs. */
export function everyMsOf(check: CheckSettings, checks: number, lengthMs: number): number {
  const most = Math.min(MOST_PER_CHECK, Math.floor(MOST_TOGETHER / Math.max(1, checks)));
  return Math.max(check.everyMs ?? DEFAULT_EVERY_MS, Math.ceil(lengthMs / most));
}
