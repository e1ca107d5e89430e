/** What a script sees: its own schedule, and times as seconds since its start, so that answers can be compared. */
import Long from 'long';
import type { temporal } from '@temporalio/proto';
import type { Described } from '../../src/schedules/ports.ts';
import { type Schedule, nominalOf } from '../../src/schedules/times.ts';
import { type Behaviour, type OverlapPolicy, Policy, type Rig, TASK_QUEUE, tokenOf } from './rig.ts';

export interface Script extends Behaviour {
  name: string;
  play: (s: Stage) => Promise<unknown>;
}

export interface Wanted {
  every: number;
  jitterMs?: number;
  policy?: OverlapPolicy;
  paused?: boolean;
  limit?: number;
  pauseOnFailure?: boolean;
  /** Seconds after the script's start. @default 0 */
  startsAt?: number;
  endsAt?: number;
  spec?: temporal.api.schedule.v1.IScheduleSpec;
}

/** Times in seconds after the script's start. */
export interface Shown {
  engine: string;
  token: number;
  stamped: boolean;
  future: number[];
  futureCount: number;
  recent: number[];
  running: number[];
  buffered: number;
  remaining: number;
  paused: boolean;
  notes: string;
}

export class Stage {
  readonly rig: Rig;
  readonly id: string;
  /** A whole second, a little ahead: the first nominal time of every schedule here. */
  readonly startMs: number;
  readonly #behaviour: Behaviour;

  constructor(rig: Rig, id: string, behaviour: Behaviour) {
    this.rig = rig;
    this.id = id;
    this.#behaviour = behaviour;
    this.startMs = Math.ceil(rig.now() / 1000) * 1000 + 4_000;
  }

  /** Until `seconds` after the start. */
  async until(seconds: number): Promise<void> {
    await this.rig.sleep(this.startMs + seconds * 1000 - this.rig.now());
  }

  ms(seconds: number): number {
    return this.startMs + seconds * 1000;
  }

  schedule(wanted: Wanted): Schedule {
    const { every, jitterMs = 0, policy = Policy.SCHEDULE_OVERLAP_POLICY_SKIP, paused = false, limit } = wanted;
    const { takesMs, fails } = this.#behaviour;
    const phase = (this.startMs / 1000) % every;
    return {
      spec: wanted.spec ?? {
        interval: [{ interval: span(every * 1000), phase: span(phase * 1000) }],
        jitter: span(jitterMs),
        startTime: span(this.ms(wanted.startsAt ?? 0)),
        endTime: wanted.endsAt === undefined ? undefined : span(this.ms(wanted.endsAt)),
      },
      action: {
        startWorkflow: {
          workflowId: this.id,
          workflowType: { name: 'behave' },
          taskQueue: { name: TASK_QUEUE },
          input: { payloads: [json(takesMs), json(fails)] },
        },
      },
      policies: { overlapPolicy: policy, pauseOnFailure: wanted.pauseOnFailure, catchupWindow: span(3_600_000) },
      state: {
        paused,
        notes: 'as its user wrote it',
        limitedActions: limit !== undefined,
        remainingActions: Long.fromNumber(limit ?? 0),
      },
    };
  }

  create(wanted: Wanted): Promise<'created' | 'exists'> {
    return this.rig.cluster.create(this.id, { schedule: this.schedule(wanted) });
  }

  async described(): Promise<Described> {
    const described = await this.rig.cluster.describe(this.id);
    if (!described) throw new Error(`schedule ${this.id} is not there`);
    return described;
  }

  /** Conditional on what it shows now; answers what it shows once the write can be seen, or three seconds later. */
  async write(
    change: (schedule: Schedule) => Schedule,
    token?: Uint8Array,
  ): Promise<{ answer: string; after: Described }> {
    const before = await this.described();
    const answer = await this.rig.cluster.update(this.id, change(before.schedule), token ?? before.token);
    const token0 = tokenOf(before.token, before.engine);
    for (let i = 0; ; i++) {
      const after = await this.described();
      if (tokenOf(after.token, after.engine) !== token0 || i === 15) return { answer, after };
      await this.rig.sleep(200);
    }
  }

  /** What Describe shows that is the same on every run. */
  async shows(): Promise<Shown> {
    const d = await this.described();
    return {
      engine: d.engine,
      token: tokenOf(d.token, d.engine),
      stamped: d.updatedMs !== undefined,
      future: d.futureMs.slice(0, 4).map((ms) => this.seconds(ms)),
      futureCount: d.futureMs.length,
      recent: d.recent.map(({ dueMs }) => this.seconds(dueMs)).toSorted((a, b) => a - b),
      running: d.running.map((id) => this.seconds(nominalOf(id) ?? 0)).toSorted((a, b) => a - b),
      buffered: d.buffered,
      remaining: d.remaining,
      paused: Boolean(d.schedule.state?.paused),
      notes: d.schedule.state?.notes ?? '',
    };
  }

  /** Nominal times that ran, once for each execution. */
  async ran(): Promise<number[]> {
    const ids = await this.rig.executions(`${this.id}-`);
    return ids.map((id) => this.seconds(nominalOf(id) ?? 0)).toSorted((a, b) => a - b);
  }

  /** Only of those the spec names: a trigger has the time it was made at. */
  async ranOf(every: number): Promise<number[]> {
    return (await this.ran()).filter((s) => s % every === 0);
  }

  seconds(ms: number): number {
    return (ms - this.startMs) / 1000;
  }

  runId(seconds: number): string {
    return `${this.id}-${new Date(this.ms(seconds)).toISOString().replace('.000Z', 'Z')}`;
  }
}

export function span(ms: number): { seconds: Long; nanos: number } {
  return { seconds: Long.fromNumber(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

function json(value: unknown): temporal.api.common.v1.IPayload {
  return { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(JSON.stringify(value)) };
}
