/** What the migration's own ledger has found so far. Asks nobody. */
import type { SettingsOf } from '../gates/measure-input.ts';
import type { Measurement, Sample } from '../gates/measurement.ts';
import type { Measure } from './measure.ts';

export const ledger: Measure<SettingsOf<'ledger'>> = {
  measure({ figure }, { audit }): Promise<Measurement> {
    const none = (name: string, value: number): Sample => ({
      labels: { figure: name },
      value,
      own: { success: { op: '==', limit: 0 } },
    });
    const values: Sample[] = [
      none('duplicates', audit.duplicates),
      none('missed', audit.missed),
      none('wrong-side', audit.wrongSide),
      { labels: { figure: 'lateness' }, value: audit.maxLatenessMs, unit: 'ms' },
    ];
    const wanted = values.filter(({ labels, own }) =>
      figure === undefined ? own !== undefined : labels.figure === figure,
    );
    return Promise.resolve({ values: wanted, said: [] });
  },
};
