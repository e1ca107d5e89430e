/**
 * The workflow scheduler: service/worker/scheduler/workflow.go of 1.29.1. Everything reaches it as a signal and is looked
 * at in the next workflow task, which processes the time that has passed first (run()).
 */
import Long from 'long';
import type { ScheduleContent } from '../../src/schedules/canonical.ts';
import type { BackfillRange, Described, OverlapPolicy, RecentAction } from '../../src/schedules/ports.ts';
import { type Schedule, runId, toNumber } from '../../src/schedules/times.ts';
import { Policy, processBuffer, resolvePolicy } from './buffer.ts';
import type { Execution } from './runs.ts';
import {
  type Patch,
  type Scheduler,
  type Surroundings,
  type Writer,
  catchupMs,
  idOf,
  takeAction,
} from './scheduler.ts';
import { nextTime, timesBetween } from './spec.ts';

const FUTURE = 10;
const RECENT = 10;
/** MaxBufferSize and BackfillsPerIteration of CurrentTweakablePolicies. */
const MAX_BUFFER = 1000;
const BACKFILLS_PER_ITERATION = 10;

interface Start {
  nominalMs: number;
  dueMs: number;
  policy?: OverlapPolicy;
  /** `false`: the schedule's own. */
  manual: false | 'backfill' | 'user';
}

interface Update {
  content: ScheduleContent;
  token?: number;
  by: Writer;
}

export class V1Scheduler implements Scheduler {
  content: ScheduleContent;
  readonly #in: Surroundings;
  readonly #createdMs: number;
  #token = 1;
  /** LastProcessedTime: with UseLastAction that of the last action, not of the last look. */
  #processedMs: number;
  #updatedMs: number | undefined;
  #updatedBy: Writer = 'write';
  #recent: RecentAction[] = [];
  #running: Execution[] = [];
  #buffer: Start[] = [];
  #backfills: (BackfillRange & { policy?: OverlapPolicy; by: Writer })[] = [];
  #needRefresh = false;
  #watched: Execution | undefined;
  #watcherBack: Execution | undefined;
  /** One of each kind: of two signals in one workflow task the later one is all that is left (sleep()). */
  #pendingPatch: (Patch & { by: Writer }) | undefined;
  #pendingUpdate: Update | undefined;
  #taskAt: number | undefined;
  #timer = 0;
  #stopped = false;
  /** History takes a signal's request id once (IsSignalRequested). */
  readonly #signals = new Set<string>();

  constructor(surroundings: Surroundings, content: ScheduleContent) {
    this.#in = surroundings;
    this.content = content;
    this.#processedMs = surroundings.now();
    this.#createdMs = this.#processedMs;
    this.#task();
  }

  get #schedule(): Schedule {
    return this.content.schedule;
  }

  stop(): void {
    this.#stopped = true;
  }

  busyUntil(): number | undefined {
    return this.#in.pace.consistentReads ? this.#taskAt : undefined;
  }

  update(content: ScheduleContent, token: Uint8Array | undefined, requestId: string, by: Writer): 'accepted' {
    if (this.#isNew(requestId)) {
      const known = token ? Long.fromBytesBE([...token]).toNumber() : undefined;
      this.#arrived(() => (this.#pendingUpdate = { content, token: known, by }));
    }
    return 'accepted';
  }

  patch(patch: Patch, requestId: string, by: Writer): void {
    if (this.#isNew(requestId)) this.#arrived(() => (this.#pendingPatch = { ...patch, by }));
  }

  #isNew(requestId: string): boolean {
    if (this.#signals.has(requestId)) return false;
    this.#signals.add(requestId);
    return true;
  }

  #arrived(take: () => void): void {
    take();
    this.#wake(1 + this.#in.world.random(this.#in.pace.applyMs));
  }

  /** Only the long-poll watcher tells of a close by itself; it runs while something is buffered (processBuffer). */
  closed(execution: Execution): void {
    if (this.#watched !== execution) return;
    this.#in.world.at(this.#in.world.now() + this.#in.world.random(this.#in.pace.closeMs), () => {
      this.#watcherBack = execution;
      this.#wake(1 + this.#in.world.random(this.#in.pace.timerMs));
    });
  }

  /** A workflow task, unless one is under way: then what has just arrived is looked at by that one. */
  #wake(inMs: number): void {
    if (this.#taskAt !== undefined || this.#stopped) return;
    const { world } = this.#in;
    this.#taskAt = world.now() + inMs;
    world.at(this.#taskAt, () => {
      this.#taskAt = undefined;
      if (!this.#stopped) this.#task();
    });
  }

  /** One turn of the loop in run(). */
  #task(): void {
    const now = this.#in.now();
    if (this.#watcherBack) {
      this.#sawClosed(this.#watcherBack);
      this.#watched = undefined;
      this.#watcherBack = undefined;
    }
    let { nextMs, lastMs } = this.#processRange(Math.min(this.#processedMs, now), now);
    this.#processedMs = Math.max(lastMs, this.#processedMs);
    if (this.#processSignals(now)) ({ nextMs } = this.#processRange(this.#processedMs, now));
    this.#processBackfills();
    while (this.#processBuffer());
    const backfill = this.#backfills[0];
    const own = this.#schedule.policies?.overlapPolicy;
    if (backfill && resolvePolicy(backfill.policy, own) === Policy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL)
      nextMs = now + 1000;
    else if (!takeAction(this.#schedule, false)) nextMs = undefined;
    const timer = ++this.#timer;
    if (nextMs === undefined) return;
    const atMs = nextMs - this.#in.skewMs + this.#in.world.random(this.#in.pace.timerMs);
    this.#in.world.at(atMs, () => {
      if (timer === this.#timer) this.#wake(0);
    });
  }

  /** processTimeRange of automatic times. */
  #processRange(startMs: number, endMs: number): { nextMs?: number; lastMs: number } {
    const schedule = this.#schedule;
    if (!takeAction(schedule, false)) {
      for (const t of timesBetween(schedule, this.#in.seed, startMs, endMs)) {
        if (t.dueMs >= (this.#updatedMs ?? 0)) this.#in.dropped(t.nominalMs, this.#whyNot());
      }
      return { nextMs: nextTime(schedule, this.#in.seed, endMs)?.dueMs, lastMs: endMs };
    }
    const catchup = catchupMs(schedule, 'v1');
    let lastMs = startMs;
    let next = nextTime(schedule, this.#in.seed, startMs);
    for (; next && next.dueMs <= endMs; next = nextTime(schedule, this.#in.seed, next.dueMs)) {
      if (next.dueMs < (this.#updatedMs ?? 0)) this.#in.dropped(next.nominalMs, this.#updatedBy);
      else if (endMs - next.dueMs > catchup) this.#in.dropped(next.nominalMs, 'catchup');
      else {
        this.#addStart({ ...next, manual: false });
        lastMs = next.dueMs;
      }
    }
    return { nextMs: next?.dueMs, lastMs };
  }

  #whyNot(): 'paused' | 'limit' {
    return this.#schedule.state?.paused ? 'paused' : 'limit';
  }

  /** processSignals: the patch before the update, whichever came first. */
  #processSignals(now: number): boolean {
    if (this.#pendingPatch) this.#applyPatch(this.#pendingPatch, now);
    this.#pendingPatch = undefined;
    const update = this.#pendingUpdate;
    this.#pendingUpdate = undefined;
    if (!update) return false;
    // A stale token is only logged; the sleep is computed anew all the same.
    if (update.token !== undefined && update.token !== 0 && update.token !== this.#token) return true;
    this.content = { ...this.content, ...update.content };
    this.#updatedMs = now;
    this.#updatedBy = update.by;
    this.#token++;
    return true;
  }

  #applyPatch({ trigger, backfill, pause, unpause, by }: Patch & { by: Writer }, now: number): void {
    if (trigger) this.#addStart({ nominalMs: now, dueMs: now, policy: trigger.policy, manual: 'user' });
    for (const range of backfill?.ranges ?? []) {
      this.#backfills.push({ ...range, fromMs: range.fromMs - 1, policy: backfill?.policy, by });
    }
    if (pause !== undefined) this.#setPaused(true, pause);
    if (unpause !== undefined) this.#setPaused(false, unpause);
  }

  #setPaused(paused: boolean, notes: string): void {
    const { state } = this.#schedule;
    this.content = { ...this.content, schedule: { ...this.#schedule, state: { ...state, paused, notes } } };
    this.#token++;
  }

  #processBackfills(): void {
    let left = BACKFILLS_PER_ITERATION;
    for (let range = this.#backfills[0]; range && left > 0 && this.#buffer.length < MAX_BUFFER / 2;) {
      let next = nextTime(this.#schedule, this.#in.seed, range.fromMs);
      for (; next && next.dueMs <= range.toMs && left > 0; next = nextTime(this.#schedule, this.#in.seed, next.dueMs)) {
        this.#addStart({ ...next, policy: range.policy, manual: range.by === 'user' ? 'user' : 'backfill' });
        range.fromMs = next.dueMs;
        left--;
      }
      if (next && next.dueMs <= range.toMs) break;
      this.#backfills.shift();
      range = this.#backfills[0];
    }
  }

  #addStart(start: Start): void {
    if (this.#buffer.length >= MAX_BUFFER) return;
    this.#buffer.push(start);
    this.#needRefresh = true;
  }

  #processBuffer(): boolean {
    if (this.#needRefresh) {
      for (const run of this.#running) if (run.status !== 'open') this.#sawClosed(run);
      this.#needRefresh = false;
    }
    if (this.#buffer.length === 0) return false;
    const own = this.#schedule.policies?.overlapPolicy;
    const action = processBuffer(this.#buffer, this.#running.length > 0, (s) => resolvePolicy(s.policy, own));
    this.#buffer = action.keep;
    for (const { nominalMs } of action.skipped) this.#in.dropped(nominalMs, 'overlap');
    let again = false;
    for (const start of action.start ? [...action.overlapping, action.start] : action.overlapping) {
      if (!this.#start(start, start === action.start)) again = true;
    }
    if (action.terminate) for (const run of this.#running) this.#in.runs.terminate(run.workflowId);
    else if (action.cancel) for (const run of this.#running) this.#in.runs.cancel(run.workflowId);
    if (this.#buffer.length > 0 && !this.#watched) {
      this.#watched = this.#running[0];
      if (this.#watched && this.#watched.status !== 'open') this.closed(this.#watched);
    }
    return again;
  }

  /** canTakeScheduledAction, startWorkflow and recordAction; an action counted before a refused start stays counted. */
  #start(start: Start, tracked: boolean): boolean {
    if (!start.manual) {
      const counted = takeAction(this.#schedule, true);
      if (!counted) {
        this.#in.dropped(start.nominalMs, this.#whyNot());
        return false;
      }
      if (counted !== this.#schedule) {
        this.content = { ...this.content, schedule: counted };
        this.#token++;
      }
    }
    const by = start.manual === false ? 'scheduler' : start.manual;
    const run = this.#in.runs.start(runId(idOf(this.#schedule), start.nominalMs), by, !start.manual);
    if (!run) {
      this.#in.dropped(start.nominalMs, 'exists');
      return false;
    }
    this.#recent.push({ workflowId: run.workflowId, dueMs: start.dueMs, startedMs: run.startMs });
    if (this.#recent.length > RECENT) this.#recent.shift();
    // DontTrackOverlapping: what ALLOW_ALL started is not looked at again.
    if (tracked) this.#running.push(run);
    return true;
  }

  /** processWatcherResult. */
  #sawClosed(run: Execution): void {
    if (!this.#running.includes(run)) return;
    this.#running = this.#running.filter((other) => other !== run);
    const { policies, state } = this.#schedule;
    if (run.status !== 'failed' || !policies?.pauseOnFailure || state?.paused) return;
    this.#setPaused(true, `paused due to workflow failure: ${run.workflowId}: simulated`);
  }

  holds(nominalMs: number): boolean {
    return (
      this.#buffer.some((s) => s.nominalMs === nominalMs) ||
      this.#backfills.some(({ fromMs, toMs }) => nominalMs > fromMs && nominalMs <= toMs)
    );
  }

  describe(): Described {
    // DescribeSchedule of the frontend leaves out what has closed, and pokes the workflow to look itself.
    const running = this.#running.filter((run) => run.status === 'open');
    if (running.length < this.#running.length) this.#arrived(() => (this.#needRefresh = true));
    return {
      ...this.content,
      token: Uint8Array.from(Long.fromNumber(this.#token).toBytesBE()),
      engine: 'v1',
      createdMs: this.#createdMs,
      updatedMs: this.#updatedMs,
      futureMs: this.#future(),
      recent: [...this.#recent],
      running: running.map((run) => run.workflowId),
      buffered: this.#buffer.length,
      remaining: toNumber(this.#schedule.state?.remainingActions),
    };
  }

  /** getFutureActionTimes. */
  #future(): number[] {
    const { state } = this.#schedule;
    const most = state?.limitedActions ? Math.min(toNumber(state.remainingActions), FUTURE) : FUTURE;
    const out: number[] = [];
    let next = nextTime(this.#schedule, this.#in.seed, this.#processedMs);
    for (; next && out.length < most; next = nextTime(this.#schedule, this.#in.seed, next.dueMs)) {
      if (next.dueMs >= (this.#updatedMs ?? 0)) out.push(next.dueMs);
    }
    return out;
  }
}
