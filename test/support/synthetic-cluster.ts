/**
 * A cluster's evidence made up on the fly: schedules with one interval, runs computed when they are listed and forgotten
 * at once. For judging audits: small ones by their verdicts, large ones by their memory.
 */
import Long from 'long';
import type { AuditedCluster, Evidence, Execution } from '../../src/ledger/ports.ts';
import { runId } from '../../src/schedules/times.ts';

export interface SyntheticSchedule {
  id: string;
  everyMs: number;
  /** Due times are this much at most behind their nominal times, differently on every cluster. */
  jitterMs?: number;
  evidence: Partial<Evidence>;
  /** The runs a nominal time had on a cluster; none by default on a cluster that does not have the schedule. */
  runs: (nominalMs: number, cluster: string) => Partial<Execution>[];
}

const PAGE = 1000;

export class SyntheticCluster implements AuditedCluster {
  readonly profile: string;
  readonly calls = new Map<string, number>();
  /** Most executions the list gave in one page; pages are never kept. */
  retention: number | undefined = undefined;
  readonly #schedules: Map<string, SyntheticSchedule>;
  readonly #hidden: (workflowId: string) => boolean;

  /** `hidden`: runs that lists do not show yet. */
  constructor(profile: string, schedules: SyntheticSchedule[], hidden: (workflowId: string) => boolean = () => false) {
    this.profile = profile;
    this.#schedules = new Map(schedules.map((schedule) => [schedule.id, schedule]));
    this.#hidden = hidden;
  }

  async retentionMs(): Promise<number | undefined> {
    return this.retention;
  }

  async describe(id: string): Promise<Evidence | undefined> {
    this.#count('describe');
    const schedule = this.#schedules.get(id);
    if (!schedule) return undefined;
    const { schedule: given, ...more } = schedule.evidence;
    return {
      cluster: this.profile,
      token: new Uint8Array(8),
      engine: 'v1',
      futureMs: [],
      recent: [],
      running: [],
      buffered: 0,
      remaining: 0,
      counters: { overlapSkipped: 0, missedCatchup: 0, bufferDropped: 0 },
      ...more,
      schedule: {
        ...given,
        spec: { ...(schedule.jitterMs ? { jitter: milliseconds(schedule.jitterMs) } : {}), ...given?.spec },
        action: { startWorkflow: { workflowId: `${id}-run` } },
      },
    };
  }

  async matchingTimes(id: string, afterMs: number, untilMs: number): Promise<number[]> {
    this.#count('matchingTimes');
    const schedule = this.#schedules.get(id);
    if (!schedule) throw new Error(`no schedule ${id} on ${this.profile}`);
    const times: number[] = [];
    const after = Math.floor(afterMs / 1000) * 1000;
    let nominal = (Math.floor(after / schedule.everyMs) + 1) * schedule.everyMs;
    for (; times.length < PAGE; nominal += schedule.everyMs) {
      const due = this.due(schedule, nominal);
      if (due > untilMs) break;
      times.push(due);
    }
    return times;
  }

  due({ id, jitterMs = 0 }: SyntheticSchedule, nominalMs: number): number {
    return nominalMs + Math.floor(fraction(`${this.profile}/${id}/${nominalMs}`) * jitterMs);
  }

  async *executions(ids: string[], fromMs: number, untilMs: number): AsyncGenerator<Execution[]> {
    let page: Execution[] = [];
    for (const id of ids) {
      for (const execution of this.#runsOf(id, fromMs, untilMs)) {
        if (this.#hidden(execution.workflowId)) continue;
        page.push(execution);
        if (page.length < PAGE) continue;
        this.#count('executions');
        yield page;
        page = [];
      }
    }
    this.#count('executions');
    yield page;
  }

  async openAt(id: string, ms: number): Promise<Execution[]> {
    this.#count('openAt');
    const runs = [...this.#runsOf(id, ms - 3_600_000, ms)];
    return runs.filter(({ closeMs }) => closeMs === undefined || closeMs > ms);
  }

  async findRun(workflowId: string): Promise<{ runId: string; startMs: number; closeMs?: number } | undefined> {
    this.#count('findRun');
    for (const { id } of this.#schedules.values()) {
      if (!workflowId.startsWith(`${id}-run-`)) continue;
      const nominal = Date.parse(workflowId.slice(id.length + 5));
      return [...this.#runsOf(id, nominal, nominal + 1000)].find((run) => run.workflowId === workflowId);
    }
    return undefined;
  }

  async firstRunId(_workflowId: string, run: string): Promise<string | undefined> {
    this.#count('firstRunId');
    return run.split('/')[0];
  }

  *#runsOf(id: string, fromMs: number, untilMs: number): Generator<Execution> {
    const schedule = this.#schedules.get(id);
    if (!schedule) return;
    // Seconds are looked at one by one only where the test has runs besides the schedule's own times.
    const step = schedule.everyMs;
    for (let nominal = Math.ceil(fromMs / step) * step; nominal < untilMs; nominal += step) {
      for (const [i, run] of schedule.runs(nominal, this.profile).entries()) {
        const startMs = run.startMs ?? this.due(schedule, nominal) + 20;
        const at = run.nominalMs ?? nominal;
        yield {
          cluster: this.profile,
          schedule: id,
          workflowId: runId(`${id}-run`, at),
          runId: `${this.profile}-${at}-${i}`,
          nominalMs: at,
          startMs,
          closeMs: startMs + 100,
          continuedAsNew: false,
          ...run,
        };
      }
    }
  }

  #count(method: string): void {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
  }
}

function milliseconds(ms: number) {
  return { seconds: Long.fromNumber(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

/** In [0, 1), the same for the same text: the server's jitter is a hash too. */
function fraction(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}
