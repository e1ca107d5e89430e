/** What the gate's verdict does to a bake. */
import { addAudit, emptyAudit } from '../../schedules/audit.ts';
import type { GatesSettings } from '../../gates/settings.ts';
import type { GateStatus } from '../../gates/verdict.ts';
import type { Controls } from '../controls.ts';
import { Gating } from '../gating.ts';
import type { Run } from '../run.ts';

export class BakeGate {
  /** A person decides how it goes on: nothing more is measured. */
  holds = false;
  readonly #run: Run;
  readonly #controls: Controls;
  readonly #onFailure: GatesSettings['onFailure'];
  readonly #gating: Gating;
  readonly #sinceMs = Date.now();

  constructor(run: Run, controls: Controls, gates: GatesSettings) {
    this.#run = run;
    this.#controls = controls;
    this.#onFailure = gates.onFailure;
    this.#gating = new Gating(gates, run.settings.bakeMs);
    run.update({ gate: this.#gating.status(false) });
  }

  get nextAt(): number {
    return this.#gating.nextAt;
  }

  delay(ms: number): void {
    this.#gating.delay(ms);
  }

  /** What is due. Throws the cancellation of the way forward where the gate turns the tenant back. */
  async measure(): Promise<void> {
    if (this.holds) return;
    const measured = await this.#gating.measureDue({
      ...this.#run.crossing,
      workflows: this.#run.onDemand,
      beforeMs: this.#handedOverMs(),
      sinceMs: this.#sinceMs,
      audit: unaccepted(this.#run),
    });
    if (measured) await this.#decide(this.#gating.status(false));
  }

  /** The bake's time is over: every check has to have an answer by now. */
  async holdsAtTheEnd(): Promise<boolean> {
    if (!this.holds) await this.#decide(this.#gating.status(true));
    return this.holds;
  }

  /** What a person let pass by ending the bake is in the result. */
  conclude(): void {
    const status = this.#gating.status(true);
    this.#run.update({ gate: status });
    if (status.verdict !== 'successful') this.#run.accept(`the gate, which ${said(status)}`);
  }

  async #decide(status: GateStatus): Promise<void> {
    this.#run.update({ gate: status });
    const { verdict } = status;
    if (verdict === 'running' || verdict === 'successful') return;
    if (verdict === 'failed' && this.#onFailure === 'rollback') {
      this.#controls.turnBack(`its gate ${said(status)}`);
      return await this.#controls.checkpoint();
    }
    this.holds = true;
    this.#run.wait(
      'hold',
      `its gate ${said(status)}: \`proceed\` accepts it and ends the bake, which the result says, ` +
        `\`rollback\` takes everything back to ${this.#run.progress.from}`,
    );
  }

  #handedOverMs(): number {
    const first = this.#run.progress.phases.find(({ phase }) => phase === 'cutting-over');
    return first ? Date.parse(first.since) : this.#sinceMs;
  }
}

function said({ verdict, message }: GateStatus): string {
  if (verdict === 'failed') return `failed (${message})`;
  return verdict === 'error' ? `could not be measured (${message})` : `is inconclusive (${message})`;
}

/** What a person has let pass already is no reason to turn back later. */
function unaccepted({ progress: { audit }, accepted }: Run): typeof audit {
  const { duplicates = 0, missed = 0, wrongSide = 0 } = accepted ?? {};
  const less = { duplicates: -duplicates, missed: -missed, wrongSide: -wrongSide };
  return addAudit(audit, { ...emptyAudit(), ...less });
}
