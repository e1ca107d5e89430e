/** Two services that write a tenant's schedules at random, and a model of what they asked for. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { codeOf } from '../../src/clusters/calls.ts';
import type { Schedule } from '../../src/schedules/times.ts';
import { readNote } from '../../src/schedules/note.ts';
import type { ScheduleMethods } from '../../src/services/schedules/methods.ts';
import { SideStore } from '../../src/services/schedules/side.ts';
import { drift } from '../../src/services/schedules/standby.ts';
import { whereabouts } from '../../src/services/schedules/whereabouts.ts';
import type { Side } from '../../src/services/ports.ts';
import { keyword, plain, type Random } from '../../scripts/lib/payloads.ts';

const { ScheduleOverlapPolicy } = proto.temporal.api.enums.v1;

interface Modelled {
  there: boolean;
  tag: string;
  paused: boolean;
  notes: string;
  minute: number;
  triggers: number;
}

export interface Told {
  operations: number;
  refused: string[];
  latencyMs: number[];
}

/** Schedules that run once a day, half a day from now: what they run is what was triggered. */
export const dayId = (n: number): string => `day-${n}`;

export class DualLoad {
  readonly model = new Map<string, Modelled>();
  readonly told: Told = { operations: 0, refused: [], latencyMs: [] };
  readonly #tenant: string;
  readonly #services: ScheduleMethods[];
  readonly #random: Random;
  readonly #busy = new Set<string>();
  readonly #hour = (new Date().getUTCHours() + 12) % 24;
  #tags = 0;

  constructor(tenant: string, services: ScheduleMethods[], random: Random) {
    this.#tenant = tenant;
    this.#services = services;
    this.#random = random;
  }

  /** A schedule made elsewhere, with what its user wrote. */
  add(id: string, { state }: Schedule): void {
    const [paused, notes] = [Boolean(state?.paused), state?.notes ?? ''];
    this.model.set(id, { there: true, tag: '', paused, notes, minute: -1, triggers: 0 });
  }

  addDays(count: number): void {
    for (let n = 0; n < count; n++) {
      this.model.set(dayId(n), { there: false, tag: '', paused: false, notes: '', minute: -1, triggers: 0 });
    }
  }

  /** `count` operations by `workers` at a time, each followed by a pause of up to `pauseMs`. */
  async run(count: number, workers: number, pauseMs: number): Promise<void> {
    let left = count;
    const work = async (n: number): Promise<void> => {
      const service = this.#services[n % this.#services.length];
      if (!service) throw new Error('no service');
      while (left-- > 0) {
        await this.one(service);
        await delay(this.#random.below(pauseMs + 1));
      }
    };
    await Promise.all(Array.from({ length: workers }, (_, n) => work(n)));
  }

  /** One operation of one schedule at a time: what it should read as afterwards is then known. */
  async one(service: ScheduleMethods): Promise<void> {
    const free = [...this.model.keys()].filter((id) => !this.#busy.has(id));
    const id = free[this.#random.below(free.length)];
    const at = id === undefined ? undefined : this.model.get(id);
    if (id === undefined || !at) return;
    this.#busy.add(id);
    const start = performance.now();
    const choices = !at.there
      ? ['create']
      : id.startsWith('day-')
        ? ['update', 'update', 'cron', 'pause', 'unpause', 'trigger', 'trigger', 'delete', 'describe']
        : ['update', 'update', 'update', 'pause', 'unpause', 'describe'];
    const does = choices[this.#random.below(choices.length)] ?? 'describe';
    try {
      await this.#do(service, id, at, does);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.told.refused.push(`${does} ${id}: ${codeOf(error)} ${text}`);
    } finally {
      this.told.operations++;
      this.told.latencyMs.push(performance.now() - start);
      this.#busy.delete(id);
    }
  }

  async #do(service: ScheduleMethods, id: string, at: Modelled, does: string): Promise<void> {
    const key = { namespace: 'whatever', scheduleId: id, identity: 'a service' };
    const requestId = randomUUID();
    const tag = `t${this.#tags++}`;
    switch (does) {
      case 'create': {
        const minute = this.#random.below(60);
        const schedule = this.#daily(id, tag, minute);
        const searchAttributes = { indexedFields: { TenantId: keyword(this.#tenant) } };
        await service.createSchedule({ ...key, schedule, searchAttributes, requestId });
        Object.assign(at, { there: true, tag, paused: false, notes: 'as created', minute });
        return;
      }
      case 'update':
      case 'cron': {
        const minute = does === 'cron' ? this.#random.below(60) : at.minute;
        // As the SDK does it in one of two.
        const conditional = this.#random.below(2) === 0;
        for (let attempt = 0; ; attempt++) {
          const { schedule, conflictToken } = await service.describeSchedule(key);
          this.#shownCleanly(id, at, schedule ?? {});
          const spec = does === 'cron' ? { cronString: [`${minute} ${this.#hour} * * *`] } : schedule?.spec;
          const written = tagged({ ...schedule, spec }, tag);
          const token = conditional ? conflictToken : undefined;
          try {
            await service.updateSchedule({ ...key, schedule: written, conflictToken: token, requestId: randomUUID() });
          } catch (error) {
            // The count of a limited schedule is shown, and goes down meanwhile.
            if (codeOf(error) !== status.FAILED_PRECONDITION || !isLimited(written) || attempt === 10) throw error;
            continue;
          }
          Object.assign(at, { tag, minute });
          return;
        }
      }
      case 'pause':
      case 'unpause': {
        const notes = `${does}d by ${tag}`;
        await service.patchSchedule({ ...key, patch: { [does]: notes }, requestId });
        Object.assign(at, { paused: does === 'pause', notes });
        return;
      }
      case 'trigger': {
        const overlapPolicy = ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL;
        await service.patchSchedule({ ...key, patch: { triggerImmediately: { overlapPolicy } }, requestId });
        at.triggers++;
        // A V1 scheduler names a run by the second, and loses one of two patches that come at once.
        await delay(1_100);
        return;
      }
      case 'delete':
        await service.deleteSchedule(key);
        at.there = false;
        return;
      default: {
        const { schedule } = await service.describeSchedule(key);
        this.#shownCleanly(id, at, schedule ?? {});
      }
    }
  }

  #shownCleanly(id: string, at: Modelled, shown: Schedule): void {
    const { state, spec } = shown;
    if (readNote(state?.notes).mark) throw new Error(`a note of ours was shown: ${state?.notes}`);
    if ((state?.notes ?? '') !== at.notes) throw new Error(`${id} shows the note "${state?.notes}", not "${at.notes}"`);
    if (Boolean(state?.paused) !== at.paused) throw new Error(`${id} shows ${state?.paused ? '' : 'no '}pause`);
    if (tagOf(shown) !== at.tag) throw new Error(`${id} shows ${tagOf(shown)}, not ${at.tag}`);
    const ours = [spec?.startTime, spec?.endTime].some((t) => Math.floor((t?.nanos ?? 0) / 1e6) === 337);
    if (ours) throw new Error(`${id} shows a bound of ours`);
  }

  #daily(id: string, tag: string, minute: number): Schedule {
    return tagged(
      {
        spec: { cronString: [`${minute} ${this.#hour} * * *`] },
        action: {
          startWorkflow: {
            workflowId: `${id}-run`,
            workflowType: { name: 'quick' },
            taskQueue: { name: `${this.#tenant}-work` },
          },
        },
        policies: { overlapPolicy: ScheduleOverlapPolicy.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL },
        state: { notes: 'as created' },
      },
      tag,
    );
  }

  /** What is not as it should be, on both sides. */
  async problems([a, b]: Side[]): Promise<string[]> {
    if (!a || !b) throw new Error('two sides are compared');
    const [one, other] = [new SideStore(a), new SideStore(b)];
    const wrong: string[] = [];
    for (const [id, wanted] of this.model) {
      const [x, y] = await Promise.all([one.describe(id), other.describe(id)]);
      const at = whereabouts(x?.schedule, y?.schedule, { a: a.profile, b: b.profile });
      if (at.kind === 'absent') {
        if (wanted.there) wrong.push(`${id} is gone`);
        if (at.orphan) wrong.push(`${id} has left a copy`);
        continue;
      }
      if (!wanted.there) wrong.push(`${id} is still there`);
      if (at.kind !== 'owned') {
        wrong.push(`${id} is ${at.kind}`);
        continue;
      }
      const [owner, copy] = at.owner === 'a' ? [x, y] : [y, x];
      if (!owner) continue;
      const { state, spec } = owner.schedule;
      if (tagOf(owner.schedule) !== wanted.tag) wrong.push(`${id} reads ${tagOf(owner.schedule)}, not ${wanted.tag}`);
      if (Boolean(state?.paused) !== wanted.paused) wrong.push(`${id} is ${wanted.paused ? 'not ' : ''}paused`);
      if ((state?.notes ?? '') !== wanted.notes) wrong.push(`${id} has the note "${state?.notes}"`);
      const minute = spec?.structuredCalendar?.[0]?.minute?.[0]?.start;
      if (wanted.minute >= 0 && minute !== wanted.minute) wrong.push(`${id} runs at minute ${minute}`);
      if (!copy) wrong.push(`${id} has no copy`);
      else {
        const fields = drift(owner, copy);
        if (fields.length > 0) wrong.push(`the copy of ${id} differs: ${fields.join(', ')}`);
        if (!copy.schedule.state?.paused) wrong.push(`the copy of ${id} is not paused`);
      }
    }
    return wrong;
  }

  /** Triggers that were acknowledged, and what ran of them; lists are behind, so this is to be waited for. */
  async triggered(sides: Side[]): Promise<{ asked: number; ran: number; wrong: string[] }> {
    let [asked, ran] = [0, 0];
    const wrong: string[] = [];
    for (const [id, { triggers }] of this.model) {
      if (!id.startsWith('day-')) continue;
      const counts = sides.map(async ({ service, namespace }) => {
        const { count } = await service.countWorkflowExecutions({
          namespace,
          query: `TemporalScheduledById = '${id}'`,
        });
        return Number(count ?? 0);
      });
      const runs = (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
      if (runs !== triggers) wrong.push(`${id} was triggered ${triggers} times and ran ${runs} times`);
      asked += triggers;
      ran += runs;
    }
    return { asked, ran, wrong };
  }
}

function isLimited({ state }: Schedule): boolean {
  return Boolean(state?.limitedActions);
}

const MARK = 'ferry-test-tag';

function tagged(schedule: Schedule, tag: string): Schedule {
  const start = schedule.action?.startWorkflow;
  const fields = { ...start?.memo?.fields, [MARK]: plain(tag) };
  return { ...schedule, action: { startWorkflow: { ...start, memo: { fields } } } };
}

function tagOf({ action }: Schedule): string {
  const data = action?.startWorkflow?.memo?.fields?.[MARK]?.data;
  return data ? JSON.parse(Buffer.from(data).toString()) : '';
}

export function percentile(values: number[], share: number): number {
  const sorted = values.toSorted((x, y) => x - y);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}
