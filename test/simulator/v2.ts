/**
 * The CHASM scheduler: chasm/lib/scheduler of 1.32.1. Writes are applied at once or refused; the generator then runs in
 * the same transaction and moves its mark past whatever the write kept it from generating.
 */
import Long from 'long';
import type { ScheduleContent } from '../../src/schedules/canonical.ts';
import type { Described, OverlapPolicy } from '../../src/schedules/ports.ts';
import { type Schedule, runId, toNumber } from '../../src/schedules/times.ts';
import { processBuffer, resolvePolicy } from './buffer.ts';
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
import { type SpecTime, nextTime, timesBetween } from './spec.ts';

/** NewScheduler stamps Go's zero time: Describe shows an update before there was one (seen on 1.32.1). */
const NEVER_MS = Date.parse('0001-01-01T00:00:00Z');
const FUTURE = 10;
const RECENT = 10;

/** One BufferedStart of the invoker, from being generated until it is forgotten. */
interface Start extends SpecTime {
  workflowId: string;
  policy?: OverlapPolicy;
  manual: false | 'backfill' | 'user';
  /** `new`: not looked at. `deferred`: waits for a run to end. `ready`: will be started, whatever happens meanwhile. */
  stage: 'new' | 'deferred' | 'ready' | 'started' | 'done';
  run?: Execution;
}

export class V2Scheduler implements Scheduler {
  content: ScheduleContent;
  readonly #in: Surroundings;
  readonly #createdMs: number;
  #token = 1;
  /** LastProcessedTime of the generator. */
  #processedMs: number;
  #updatedMs = NEVER_MS;
  #updatedBy: Writer = 'write';
  /** What UpdateFutureActionTimes keeps at every tick, worked out when somebody asks. */
  #future: { of: Schedule; fromMs: number };
  #starts: Start[] = [];
  readonly #timers = new Set<number>();
  #stopped = false;

  constructor(surroundings: Surroundings, content: ScheduleContent) {
    this.#in = surroundings;
    this.content = content;
    this.#processedMs = surroundings.now();
    this.#createdMs = this.#processedMs;
    this.#future = { of: content.schedule, fromMs: this.#processedMs };
    this.#generate('tick');
  }

  get #schedule(): Schedule {
    return this.content.schedule;
  }

  stop(): void {
    this.#stopped = true;
  }

  busyUntil(): undefined {
    return undefined;
  }

  update(
    content: ScheduleContent,
    token: Uint8Array | undefined,
    _requestId: string,
    by: Writer,
  ): 'accepted' | 'conflict' {
    if (token && Long.fromBytesLE([...token]).toNumber() !== this.#token) return 'conflict';
    this.content = { ...this.content, ...content };
    this.#wrote(by);
    return 'accepted';
  }

  /** Patch: request ids are not looked at. */
  patch({ pause, unpause, trigger, backfill }: Patch, _requestId: string, by: Writer): void {
    if (pause !== undefined) this.#setPaused(true, pause);
    if (unpause !== undefined) this.#setPaused(false, unpause);
    const starts: Start[] = [];
    const now = this.#in.now();
    if (trigger) starts.push(this.#newStart({ nominalMs: now, dueMs: now }, trigger.policy, 'user'));
    for (const { fromMs, toMs } of backfill?.ranges ?? []) {
      for (const time of timesBetween(this.#schedule, this.#in.seed, fromMs - 1, toMs)) {
        starts.push(this.#newStart(time, backfill?.policy, by === 'user' ? 'user' : 'backfill'));
      }
    }
    this.#enqueue(starts);
    this.#wrote(by);
  }

  #wrote(by: Writer): void {
    this.#updatedMs = this.#in.now();
    this.#updatedBy = by;
    this.#token++;
    this.#generate(by);
  }

  #setPaused(paused: boolean, notes: string): void {
    const { state } = this.#schedule;
    this.content = { ...this.content, schedule: { ...this.#schedule, state: { ...state, paused, notes } } };
  }

  /** HandleNexusCompletion: tells of every run, those of ALLOW_ALL too; then generates. */
  closed(execution: Execution): void {
    const start = this.#starts.find((s) => s.run === execution);
    if (!start) return;
    this.#in.world.at(this.#in.world.now() + this.#in.world.random(this.#in.pace.closeMs), () => {
      if (this.#stopped) return;
      const { policies, state } = this.#schedule;
      if (execution.status === 'failed' && policies?.pauseOnFailure && !state?.paused) {
        this.#setPaused(true, `paused, workflow failed: ${execution.workflowId}`);
        this.#token++;
      }
      start.stage = 'done';
      for (const s of this.#starts) if (s.stage === 'deferred') s.stage = 'new';
      this.#forget();
      // Two tasks of one transaction; which comes first differs from time to time (seen on 1.32.1).
      const generatesFirst = this.#in.world.random(2) === 0;
      if (!generatesFirst) this.#processBuffer();
      this.#generate('tick');
      if (generatesFirst) this.#processBuffer();
    });
  }

  /** applyCompletedRetention. */
  #forget(): void {
    const done = this.#starts.filter((s) => s.stage === 'done');
    if (done.length === 0) return;
    done.sort((a, b) => (a.run?.closeMs ?? 0) - (b.run?.closeMs ?? 0));
    this.#starts = [...this.#starts.filter((s) => s.stage !== 'done'), ...done.slice(-RECENT)];
  }

  /** GeneratorTaskHandler.Execute and ProcessTimeRange. */
  #generate(cause: Writer | 'tick'): void {
    const now = this.#in.now();
    const schedule = this.#schedule;
    const before = this.#processedMs;
    this.#processedMs = Math.max(before, this.#updatedMs);
    const untilMs = Math.max(now, this.#processedMs);
    const can = takeAction(schedule, false) !== undefined;
    let lastMs = untilMs;
    const starts: Start[] = [];
    if (can) {
      const catchup = catchupMs(schedule, 'v2');
      for (const time of timesBetween(schedule, this.#in.seed, this.#processedMs, untilMs)) {
        lastMs = time.dueMs;
        if (time.dueMs < this.#updatedMs) this.#in.dropped(time.nominalMs, this.#updatedBy);
        else if (untilMs - time.dueMs > catchup) this.#in.dropped(time.nominalMs, 'catchup');
        else starts.push(this.#newStart(time, undefined, false));
      }
    }
    this.#tellDropped(before, lastMs, can ? cause : this.#whyNot(), starts);
    this.#processedMs = lastMs;
    // Before the starts just made are counted: a limited schedule lists one more than it has left (seen on 1.32.1).
    this.#future = { of: this.#schedule, fromMs: Math.max(now, this.#updatedMs) };
    this.#enqueue(starts);
    // Kept going while paused too: each tick moves the mark.
    const next = nextTime(this.#schedule, this.#in.seed, can ? lastMs : untilMs);
    if (next) this.#timer(next.dueMs);
  }

  /** Times the mark has gone past without their having been generated, those jittered ahead of it among them. */
  #tellDropped(fromMs: number, toMs: number, why: Writer | 'tick' | 'paused' | 'limit', starts: Start[]): void {
    let next = nextTime(this.#schedule, this.#in.seed, fromMs);
    for (; next && next.nominalMs <= toMs; next = nextTime(this.#schedule, this.#in.seed, next.dueMs)) {
      const { nominalMs } = next;
      if (!starts.some((s) => s.nominalMs === nominalMs)) this.#in.dropped(nominalMs, why);
    }
  }

  #whyNot(): 'paused' | 'limit' {
    return this.#schedule.state?.paused ? 'paused' : 'limit';
  }

  /** validateTaskHighWaterMark: a timer whose time the mark has reached does nothing. */
  #timer(dueMs: number): void {
    if (this.#timers.has(dueMs)) return;
    this.#timers.add(dueMs);
    this.#in.world.at(dueMs - this.#in.skewMs + this.#in.world.random(this.#in.pace.timerMs), () => {
      this.#timers.delete(dueMs);
      if (!this.#stopped && dueMs > this.#processedMs) this.#generate('tick');
    });
  }

  #newStart(time: SpecTime, policy: OverlapPolicy | undefined, manual: Start['manual']): Start {
    return { ...time, workflowId: runId(idOf(this.#schedule), time.nominalMs), policy, manual, stage: 'new' };
  }

  #enqueue(starts: Start[]): void {
    if (starts.length === 0) return;
    this.#starts.push(...starts);
    this.#processBuffer();
  }

  /** InvokerProcessBufferTaskHandler: what is ready but not started yet neither counts as running nor is taken back. */
  #processBuffer(): void {
    const pending = this.#starts.filter((s) => s.stage === 'new');
    if (pending.length === 0) return;
    const running = this.#starts.filter((s) => s.stage === 'started');
    const own = this.#schedule.policies?.overlapPolicy;
    const action = processBuffer(pending, running.length > 0, (s) => resolvePolicy(s.policy, own));
    for (const start of action.keep) start.stage = 'deferred';
    for (const start of action.skipped) this.#drop(start, 'overlap');
    for (const start of action.start ? [...action.overlapping, action.start] : action.overlapping) {
      if (!start.manual && this.#in.now() > start.dueMs + catchupMs(this.#schedule, 'v2')) {
        this.#drop(start, 'catchup');
        continue;
      }
      if (!start.manual) {
        const counted = takeAction(this.#schedule, true);
        if (!counted) {
          this.#drop(start, this.#whyNot());
          continue;
        }
        if (counted !== this.#schedule) {
          this.content = { ...this.content, schedule: counted };
          this.#token++;
        }
      }
      start.stage = 'ready';
      this.#soon(() => this.#execute(start));
    }
    if (!action.cancel && !action.terminate) return;
    this.#soon(() => {
      for (const { workflowId } of running) {
        if (action.terminate) this.#in.runs.terminate(workflowId);
        else this.#in.runs.cancel(workflowId);
      }
    });
  }

  #drop(start: Start, why: 'overlap' | 'catchup' | 'paused' | 'limit' | 'exists'): void {
    this.#starts.splice(this.#starts.indexOf(start), 1);
    this.#in.dropped(start.nominalMs, why);
  }

  /** An Execute task: a side effect, some time after the transaction that made it. */
  #soon(act: () => void): void {
    this.#in.world.at(this.#in.world.now() + 1 + this.#in.world.random(this.#in.pace.startMs), () => {
      if (!this.#stopped) act();
    });
  }

  #execute(start: Start): void {
    const run = this.#in.runs.start(
      start.workflowId,
      start.manual === false ? 'scheduler' : start.manual,
      !start.manual,
    );
    if (!run) return this.#drop(start, 'exists');
    start.run = run;
    start.stage = 'started';
    if (run.status !== 'open') this.closed(run);
  }

  holds(nominalMs: number): boolean {
    return this.#starts.some((s) => s.nominalMs === nominalMs && s.run === undefined);
  }

  describe(): Described {
    const started = this.#starts.filter((s) => s.run !== undefined);
    return {
      ...this.content,
      token: Uint8Array.from(Long.fromNumber(this.#token).toBytesLE()),
      engine: 'v2',
      createdMs: this.#createdMs,
      updatedMs: this.#updatedMs,
      futureMs: this.#futureTimes(),
      recent: started.map((s) => ({ workflowId: s.workflowId, dueMs: s.dueMs, startedMs: s.run?.startMs ?? 0 })),
      running: started.filter((s) => s.stage === 'started').map((s) => s.workflowId),
      buffered: this.#starts.length - started.length,
      remaining: toNumber(this.#schedule.state?.remainingActions),
    };
  }

  /** computeFutureActionTimes. */
  #futureTimes(): number[] {
    const { of, fromMs } = this.#future;
    const { state } = of;
    const most = state?.limitedActions ? Math.min(toNumber(state.remainingActions), FUTURE) : FUTURE;
    return timesBetween(of, this.#in.seed, fromMs, Infinity, most).map((time) => time.dueMs);
  }
}
