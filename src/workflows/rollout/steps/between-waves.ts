import type { RolloutTenantsInput } from '../input.ts';
import type { Rollout } from '../rollout.ts';
import { gateOf, judged, judging, movedSome, type Verdict, waveEnded } from '../state.ts';
import { watchUntil } from './watch.ts';

/**
 * Between two waves, and behind the last one: a verdict on what the wave has moved. Anything but `successful` holds for a
 * person, whose `proceed` the result keeps.
 */
export async function judgeWave(rollout: Rollout, input: RolloutTenantsInput): Promise<void> {
  if (rollout.turning) return;
  if (waveEnded(rollout.state)) rollout.change(judging);
  if (rollout.state.stage !== 'judging') return;
  if (rollout.state.verdict === null && movedSome(rollout.state)) {
    const verdict = await verdictOn(rollout);
    rollout.change((state) => judged(state, verdict));
  }
  await watchUntil(rollout, input, () => rollout.turning || gateOf(rollout.state, rollout.settings) === null);
}

/** The one place where a gate between waves comes in: the wave is `rollout.state.wave`. There is none yet. */
async function verdictOn(_rollout: Rollout): Promise<Verdict> {
  return { verdict: 'successful', message: 'no gate between waves' };
}
