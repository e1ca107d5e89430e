/** Plays a case and says what is wrong with the outcome. */
import { differingFields } from '../../src/schedules/canonical.ts';
import type { Case } from './case.ts';
import { Oracle, type Verdicts } from './oracle.ts';
import { ID, Play, type PlayOptions, isStandby } from './play.ts';
import { Endless } from './world.ts';
import { NOTE } from './written.ts';

export interface Judged {
  wrong: string[];
  told: string[];
  verdicts: Verdicts;
  play: Play;
}

export async function judge(it: Case, options: PlayOptions = {}): Promise<Judged> {
  const play = new Play(it, options);
  const oracle = new Oracle(play);
  let endless: string | undefined;
  const { owner, result } = await play.run().catch((error: unknown) => {
    if (!(error instanceof Endless)) throw error;
    endless = error.message;
    return { owner: 'a' as const, result: undefined };
  });
  const verdicts = oracle.verdicts();
  if (endless !== undefined) return { wrong: [endless], told: play.world.told, verdicts, play };
  const wrong = [...verdicts.wrong];
  if (play.outOfHands) return { wrong: [], told: play.world.told, verdicts, play };
  wrong.push(...verdicts.overlaps.other);
  if (play.userActs.length === 0) {
    wrong.push(...oracle.bothOpen);
    // Handed back, or left standing, and reported so: its runs are longer than its intervals, one is always open.
    const { outcome, reason } = result ?? {};
    const waits = outcome === 'failed' && ['unproven', 'still-running'].includes(reason?.code ?? '') && isBusy(play);
    if (!waits) wrong.push(...ownerIsAsWritten(play, owner));
    if (result === undefined) wrong.push('ten attempts in calm did not end it');
  }
  return { wrong, told: play.world.told, verdicts, play };
}

/** A run of it is open or waits, or was until just now. */
function isBusy({ a, b, world }: Play): boolean {
  const closedSince = world.now() - 30_000;
  return [a, b].some((side) => {
    const runs = [...side.runs.byId.values()].flat();
    return side.busy(ID) || runs.some(({ closeMs }) => closeMs - side.skewMs > closedSince);
  });
}

function ownerIsAsWritten(play: Play, owner: 'a' | 'b'): string[] {
  const [own, other] = owner === 'a' ? [play.a, play.b] : [play.b, play.a];
  const is = own.schedule(ID);
  if (!is) return ['the owner does not have it'];
  const wrong = differingFields({ schedule: is }, { schedule: play.user }).map((field) => `${field} is not as written`);
  const { paused, notes } = is.state ?? {};
  const failed = (notes ?? '').startsWith('paused due to') || (notes ?? '').startsWith('paused, workflow');
  if (paused && !(failed && play.case.pauseOnFailure)) wrong.push(`the owner is paused: ${notes}`);
  if (!paused && notes !== NOTE) wrong.push(`note: ${notes}`);
  const rest = other.schedule(ID);
  if (rest && !(rest.state?.paused && isStandby(rest))) wrong.push('the other side does not rest');
  return wrong;
}
