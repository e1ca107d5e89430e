/** One running rollout: its state, and the one place that publishes it to everything people look at. */
import { log, setCurrentDetails, upsertMemo, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { now } from '../run.ts';
import { rolloutAttributesOf } from '../search-attributes.ts';
import { rolloutDetails } from './details.ts';
import type { RolloutSettings } from './input.ts';
import { memoOf, type Overview, overviewOf } from './overview.ts';
import { newState, type RolloutState, withNote } from './state.ts';

export class Rollout {
  readonly settings: RolloutSettings;
  readonly id: string;
  state: RolloutState;
  #memo = '';
  #phase = '';

  constructor(settings: RolloutSettings, carried?: RolloutState) {
    this.settings = settings;
    this.id = workflowInfo().workflowId;
    this.state = carried ?? newState(now());
    this.#publish();
  }

  get overview(): Overview {
    return overviewOf(this.state, this.settings, now());
  }

  /** A person wants it back: nothing goes forward any more. */
  get turning(): boolean {
    return this.state.rollback !== null;
  }

  change(transition: (state: RolloutState, at: string) => RolloutState): void {
    this.state = transition(this.state, now());
    this.#publish();
  }

  note(text: string): void {
    log.warn(`${this.id}: ${text}`);
    this.change((state, at) => withNote(state, text, at));
  }

  migration(tenant: string): string {
    return `${this.id}/${tenant}`;
  }

  wayBack(tenant: string): string {
    return `${this.migration(tenant)}/back`;
  }

  /** Memo and search attributes cost an event each, so only what a list shows makes news: not every phase of a tenant. */
  #publish(): void {
    const { overview } = this;
    setCurrentDetails(rolloutDetails(this.id, overview));
    const { updatedAt, ...memo } = memoOf(overview);
    if (JSON.stringify(memo) !== this.#memo) upsertMemo({ overview: { ...memo, updatedAt } });
    this.#memo = JSON.stringify(memo);
    if (!this.state.searchAttributes || overview.phase === this.#phase) return;
    this.#phase = overview.phase;
    upsertSearchAttributes(rolloutAttributesOf(overview));
  }
}
