/** What a source said, and what that means under a check's conditions. Pure. */
import { type Condition, type Conditions, formatCondition, formatValue, holds, opposite } from './condition.ts';

export interface Sample {
  /** Tell the values of one answer apart: a type, a queue, a pod. */
  labels: Record<string, string>;
  value: number;
  /** Where it differs from that of the others. */
  unit?: string;
  /** The measure's own, where the check gives none. */
  own?: Conditions;
  /** Where its own conditions come from, such as `0.02 before the cut-over, 0.05 more is allowed`. */
  why?: string;
}

export interface Measurement {
  values: Sample[];
  /** Such as `ms`; empty for counts and shares. */
  unit?: string;
  /** What the source said beside the values: warnings, what was left out. */
  said: string[];
  /** Not enough has happened yet to say anything, such as `3 runs, 10 needed`: neither good nor bad, and no fault. */
  tooEarly?: string;
}

/** `inconclusive`: measured, and neither good nor bad. `waiting`: there is nothing to judge yet. */
export type Phase = 'successful' | 'failed' | 'inconclusive' | 'waiting';

/** One measurement as a check remembers it. */
export interface Taken {
  /** ISO. */
  at: string;
  phase: Phase | 'error';
  /** The value that decided; null where there is none a number can tell. */
  value: number | null;
  /** With the arithmetic: `0.09 > 0.05 (type Charge)`. */
  message: string;
}

export type Judged = Omit<Taken, 'at' | 'phase'> & { phase: Phase };

const MAX_MESSAGE = 300;

/**
 * `given`: the check's own conditions, which go before the measure's. Each is applied to every value: good when all are
 * good, bad when any is bad; both or neither is inconclusive. A value that is no number says nothing, so neither do the
 * others beside it.
 */
export function judge(measurement: Measurement, given: Conditions): Judged {
  const { values, said, tooEarly } = measurement;
  const tell = (phase: Phase, decisive: Sample | undefined, message: string): Judged => ({
    phase,
    value: decisive !== undefined && Number.isFinite(decisive.value) ? decisive.value : null,
    message: clip([message, ...said].join('; ')),
  });
  if (tooEarly !== undefined) return tell('waiting', undefined, `too early to say: ${tooEarly}`);
  if (values.length === 0) return tell('inconclusive', undefined, 'no value: the answer is empty');
  const nan = values.filter(({ value }) => Number.isNaN(value));
  const [noNumber] = nan;
  if (noNumber) return tell('inconclusive', noNumber, `no number: NaN${where(noNumber, nan.length, values.length)}`);

  const own = given.success === undefined && given.failure === undefined;
  const conditions = (sample: Sample): Conditions => (own ? (sample.own ?? {}) : given);
  const unjudged = values.find((sample) => !conditions(sample).success && !conditions(sample).failure);
  if (unjudged)
    return tell('inconclusive', unjudged, `${shown(unjudged, measurement)}, and no condition to hold it against`);

  const bad = values.filter((sample) => isTrue(badBy(conditions(sample)), sample));
  const notGood = values.filter((sample) => !isTrue(goodBy(conditions(sample)), sample));
  /** `by`: the condition that holds for it, so that the message is true arithmetic. */
  const say = (sample: Sample, by: Condition | undefined, alike: number): string =>
    `${shown(sample, measurement)}${by ? ` ${formatCondition(by)}` : ''}${where(sample, alike, values.length)}` +
    (own && sample.why !== undefined ? `: ${sample.why}` : '');

  if (bad.length > 0 && notGood.length > 0) {
    const worst = furthest(bad, conditions);
    return tell('failed', worst, say(worst, badBy(conditions(worst)), bad.length));
  }
  if (bad.length === 0 && notGood.length === 0) {
    const closest = furthest(values, conditions);
    return tell('successful', closest, say(closest, goodBy(conditions(closest)), 1));
  }
  const odd = furthest(bad.length > 0 ? bad : notGood, conditions);
  const { success, failure } = conditions(odd);
  const [good, ill] = [success, failure].map((each) => (each ? formatCondition(each) : 'nothing'));
  const is = bad.length > 0 ? `is both good (${good}) and bad (${ill})` : `is neither ${good} nor ${ill}`;
  return tell('inconclusive', odd, `${shown(odd, measurement)} ${is}${where(odd, 1, values.length)}`);
}

/** With one condition alone, the other is its opposite. */
function badBy({ success, failure }: Conditions): Condition | undefined {
  return failure ?? (success && opposite(success));
}

function goodBy({ success, failure }: Conditions): Condition | undefined {
  return success ?? (failure && opposite(failure));
}

function isTrue(condition: Condition | undefined, { value }: Sample): boolean {
  return condition !== undefined && holds(condition, value);
}

/** The one to tell: deepest in the bad, or closest to it. */
function furthest(samples: readonly Sample[], conditions: (sample: Sample) => Conditions): Sample {
  const [first, ...rest] = samples;
  if (!first) throw new Error('there is no value to tell');
  const depth = (sample: Sample): number => excess(badBy(conditions(sample)), sample.value);
  return rest.reduce((worst, sample) => (depth(sample) > depth(worst) ? sample : worst), first);
}

function excess(condition: Condition | undefined, value: number): number {
  if (!condition) return 0;
  const beyond = (value - condition.limit) / (Math.abs(condition.limit) || 1);
  if (condition.op.startsWith('>')) return beyond;
  return condition.op.startsWith('<') ? -beyond : 0;
}

function shown(sample: Sample, measurement: Measurement): string {
  const { value, unit = measurement.unit ?? '' } = sample;
  return unit === '' ? formatValue(value) : `${formatValue(value)} ${unit}`;
}

/** Which of several values, and how many are like it. */
function where({ labels }: Sample, alike: number, of: number): string {
  const names = Object.entries(labels).map(([name, value]) => `${name} ${value}`);
  const which = names.length === 0 ? [] : [clip(names.join(', '), 120)];
  const share = of > 1 && alike > 1 ? [`${alike} of ${of} values`] : [];
  const all = [...which, ...share].join('; ');
  return all === '' ? '' : ` (${all})`;
}

export function clip(text: string, most = MAX_MESSAGE): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= most ? line : `${line.slice(0, most - 1)}…`;
}
