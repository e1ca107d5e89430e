/** One measurement of one check, judged. Reads only. */
import { Context } from '@temporalio/activity';
import { judge, type Taken } from '../gates/measurement.ts';
import { createMeasures, measureWith } from '../measures/index.ts';
import type { FerryDeps } from './deps.ts';
import { heartbeating } from './pages.ts';
import type { MeasureCheckInput } from './types.ts';

const UNCONFIGURED = createMeasures();

export async function measureCheck(
  { clusters, measures = UNCONFIGURED }: FerryDeps,
  input: MeasureCheckInput,
): Promise<Taken> {
  const { check, ...tenant } = input;
  const { conditions, measure, name } = check;
  const pulse = heartbeating(() => ({ check: name }));
  try {
    const measured = await measureWith(measures, measure, {
      ...tenant,
      absolute: conditions.success !== undefined || conditions.failure !== undefined,
      nowMs: Date.now(),
      clusters,
      signal: Context.current().cancellationSignal,
    });
    return { at: new Date().toISOString(), ...judge(measured, conditions) };
  } finally {
    pulse.stop();
  }
}
